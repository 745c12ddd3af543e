"""How fast, how long and where the gateway may go; plain numbers, so that nothing in it reads settings."""

from dataclasses import dataclass

from app.gateway.guard import Policy, policy
from app.settings import Settings


@dataclass(frozen=True)
class Limits:
    """Seconds, but for the counts `in_flight`, `save_every`, `call_attempts` and `failures_tolerated`.

    `call_deadline` is for all attempts of one call together, from its first; `failures_tolerated` calls that fail
    in a row, without a success between them, mean that the endpoint is down.
    """

    policy: Policy
    in_flight: int = 32
    save_every: int = 50
    save_seconds: float = 0.5
    beat_seconds: float = 1.0
    call_deadline: float = 60.0
    call_attempts: int = 4
    connect_seconds: float = 5.0
    failures_tolerated: int = 5

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        return cls(
            policy=policy(settings),
            in_flight=settings.in_flight,
            save_every=settings.save_every,
            save_seconds=settings.save_seconds,
            call_deadline=settings.call_deadline,
            call_attempts=settings.call_attempts,
            connect_seconds=settings.connect_seconds,
        )
