"""The simulated generators: an analysis and one block around a new prompt, or, for one of them, mischief."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from app.practice.brief_reading import Brief, read_brief
from app.practice.drafts import PLACEHOLDER
from app.practice.habits import Habit, add_examples, combine, describe_labels, trim, written


@dataclass(frozen=True)
class Written:
    """A generator's reply; `complete` is false when it broke off in the middle."""

    text: str
    complete: bool = True


_CHANGES: dict[str, tuple[Habit, str]] = {
    "exemplar-v1": (add_examples, "I add worked examples for the labels that are mixed up and keep those that help."),
    "describer-v1": (describe_labels, "I say for every label which words tell it from the others."),
    "trimmer-v1": (trim, "I ask for the bare label in plain terms, shorten the examples and drop what is said twice."),
    "combiner-v1": (combine, "I put the examples and the descriptions of the two best prompts together."),
}


def propose(name: str, messages: Sequence[str], seed: int | None) -> Written:
    """What the generator called `name` writes; the seed and the messages make its choices."""
    brief = read_brief(messages)
    if brief is None:
        return Written("I do not see a prompt to improve, nor the markers to put a new one between.")
    rng = Random("\0".join([name, str(seed), *messages]))
    if name == "trickster-v1":
        return _mischief(brief, rng)
    habit, change = _CHANGES[name]
    return Written(_reply(brief, change, written(brief, rng, habit)))


def _reply(brief: Brief, change: str, prompt: str) -> str:
    return f"{_analysis(brief)} {change}\n\n{_block(brief, prompt)}"


def _block(brief: Brief, prompt: str) -> str:
    return f"<prompt-{brief.suffix}>\n{prompt}\n</prompt-{brief.suffix}>"


def _analysis(brief: Brief) -> str:
    mixed = Counter((example.expected, example.answered[:40]) for example in brief.wrong)
    if not mixed:
        return "No failure is shown, so I can only make the prompt clearer."
    (expected, answered), times = min(mixed.items(), key=lambda item: (-item[1], item[0]))
    often = "once" if times == 1 else f"{times} times"
    return f'Of {len(brief.shown)} shown answers {len(brief.wrong)} are wrong; most often "{expected}" got "{answered}" ({often}).'


def _decent(brief: Brief, rng: Random) -> Written:
    return Written(_reply(brief, "More examples should help.", written(brief, rng, add_examples)))


def _chatter(brief: Brief, rng: Random) -> Written:
    block = _block(brief, written(brief, rng, add_examples))
    return Written(f"Great question! Happy to help.\n\n{block}\n\nLet me know if you would like another version!")


def _lost_placeholder(brief: Brief, rng: Random) -> Written:
    prompt = PLACEHOLDER.sub("the text", written(brief, rng, add_examples))
    return Written(_reply(brief, "I simplify the ending.", prompt))


def _invented_placeholder(brief: Brief, rng: Random) -> Written:
    prompt = f"Context: {{{{context}}}}\n\n{written(brief, rng, add_examples)}"
    return Written(_reply(brief, "Some context would help the model.", prompt))


def _cut_off(brief: Brief, rng: Random) -> Written:
    reply = _reply(brief, "I go through it step by step.", written(brief, rng, add_examples))
    return Written(reply[: len(reply) * 2 // 3], complete=False)


def _two_blocks(brief: Brief, rng: Random) -> Written:
    blocks = [_block(brief, written(brief, rng, add_examples)) for _ in range(2)]
    return Written("\n\nOr, if you prefer:\n\n".join([f"Here are two options.\n\n{blocks[0]}", blocks[1]]))


_MISCHIEF: tuple[tuple[Callable[[Brief, Random], Written], int], ...] = (
    (_decent, 4),
    (_chatter, 2),
    (_lost_placeholder, 1),
    (_invented_placeholder, 1),
    (_cut_off, 1),
    (_two_blocks, 1),
)


def _mischief(brief: Brief, rng: Random) -> Written:
    ways, weights = zip(*_MISCHIEF, strict=True)
    way: Callable[[Brief, Random], Written] = rng.choices(ways, weights)[0]
    return way(brief, rng)
