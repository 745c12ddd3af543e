"""What the shell would hold out to the gateway: a cap, a place for purchases, and a memory for what was learned."""

from collections import Counter as Counts
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.domain.improving.asks import Message
from app.gateway.allowing import Shared
from app.gateway.calls import Purchase, Request, Target
from app.gateway.client import purchase
from app.gateway.guard import Policy
from app.gateway.limits import Limits
from tests.gateway.scripted import Server

KEY = "sk-test-0123456789abcdef"
OPEN = Policy(allow_private=True)


def limits(**changes: Any) -> Limits:
    """Limits that a test can wait for."""
    usual: dict[str, Any] = {"in_flight": 8, "call_deadline": 10.0, "save_seconds": 0.05}
    return Limits(**{"policy": OPEN, **usual, **changes})


def target(server: Server, **changes: Any) -> Target:
    usual: dict[str, Any] = {"endpoint": "e1", "base_url": server.base_url, "api_key": KEY, "model": "small"}
    return Target(**{**usual, **changes})


def ask(key: str, at: Target, **changes: Any) -> Request:
    usual: dict[str, Any] = {"messages": (Message("user", key),), "temperature": 0.0, "max_tokens": 16, "seed": 5}
    return Request(**{"key": key, "target": at, **usual, **changes})


@dataclass
class Counter:
    """Keeps every batch, every lesson, and how many requests were permitted."""

    cap: int = 10_000
    permitted: int = 0
    asked_for: Counts[str] = field(default_factory=Counts)
    batches: list[Sequence[Purchase]] = field(default_factory=list)
    lessons: list[tuple[str, frozenset[str], tuple[tuple[str, str], ...]]] = field(default_factory=list)
    recording: Callable[[Sequence[Purchase]], None] | None = None

    def permit(self, request: Request) -> bool:
        if self.permitted >= self.cap:
            return False
        self.permitted += 1
        self.asked_for[request.key] += 1
        return True

    def record(self, batch: Sequence[Purchase]) -> None:
        self.batches.append(batch)
        if self.recording:
            self.recording(batch)

    def learned(self, endpoint: str, dropped: frozenset[str], renamed: tuple[tuple[str, str], ...]) -> None:
        self.lessons.append((endpoint, dropped, renamed))

    @property
    def bought(self) -> list[Purchase]:
        return [one for batch in self.batches for one in batch]

    @property
    def by_key(self) -> dict[str, Purchase]:
        return {one.key: one for one in self.bought}

    def buy(self, requests: Sequence[Request], within: Limits | None = None, shared: Shared | None = None) -> bool:
        return purchase(
            iter(requests),
            limits=within or limits(),
            permit=self.permit,
            record=self.record,
            learned=self.learned,
            shared=shared,
        )


def asks(server: Server, count: int, **changes: Any) -> list[Request]:
    at = target(server)
    return [ask(f"q{number}", at, **changes) for number in range(count)]
