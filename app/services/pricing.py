"""What a campaign may cost at most, from its cap on calls and rough token counts."""

from app.services.commanding import Command, Seats
from app.services.importing import Prepared

CHARACTERS_PER_TOKEN = 3.0
PROMPT_CHARACTERS = 6_000
LABEL_TOKENS = 16
BRIEF_TOKENS = 12_000
PROPOSAL_TOKENS = 2_000


def estimate(command: Command, seats: Seats, prepared: Prepared) -> float | None:
    """Money for every call of the cap, generators and task model each at their dearest; None without prices."""
    inputs = [len(example.input) for example in prepared.imported.examples]
    tokens_in = round((PROMPT_CHARACTERS + sum(inputs) / len(inputs)) / CHARACTERS_PER_TOKEN)
    task = seats.task.cost(tokens_in, LABEL_TOKENS)
    proposals = [generator.cost(BRIEF_TOKENS, PROPOSAL_TOKENS) for generator in seats.generators]
    if task is None or None in proposals:
        return None
    per_proposal = max((cost for cost in proposals if cost is not None), default=0)
    rounds = command.rounds or command.max_calls // 100
    return (command.max_calls * task + 2 * rounds * per_proposal) / 1_000_000
