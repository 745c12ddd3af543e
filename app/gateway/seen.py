"""What an operations page shows of the limits of one key."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.domain.allowances import Flow, Rule, used
from app.domain.slots import Holder, Register, living


@dataclass(frozen=True)
class Seen:
    """The rule in force, who holds what, about what the last minute held, and the seconds of rest left."""

    key: str
    rule: Rule
    holders: Sequence[Holder]
    requests: int
    tokens: int
    rest: float


def seen(key: str, flow: Flow, register: Register, now: float) -> Seen:
    requests, tokens = used(flow, now)
    rule, holders = replace(flow.rule, in_flight=register.limit), living(register, now).holders
    return Seen(key, rule, holders, requests, tokens, max(0.0, flow.rest_until - now))
