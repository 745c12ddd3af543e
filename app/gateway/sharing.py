"""What all workers together may send with one key of a provider: one face for two places where it is kept."""

from hashlib import sha256
from pathlib import Path
from typing import Protocol

from app.domain.allowances import Grant, Rule
from app.gateway.seen import Seen
from app.gateway.sharing_file import FileSharing
from app.gateway.sharing_steady import SteadySharing

FOLDER = "limits"


class Sharing(Protocol):
    """Limits of keys that many processes use at once; a key is named by `key_name`, a holder by its process.

    Every call is synchronous and returns within a quarter of a second, whatever is out of reach.
    """

    def take(self, key: str, rule: Rule, requests: int, tokens: int, party: str) -> Grant:
        """How many of up to `requests` sends may go now, each of about `tokens` tokens; they count as sent.

        Parties that wait for the same limit take turns, so that each gets as much as the others.
        """

    def give_back(self, key: str, requests: int, tokens: int) -> None:
        """Return requests of `tokens` tokens each that were granted and not sent."""

    def correct(self, key: str, tokens: int) -> None:
        """Count so many tokens more than were taken, or fewer when negative."""

    def slots(self, key: str, rule: Rule, holder: str, party: str, wanted: int, under_way: int) -> int:
        """How many requests this holder may have under way until it asks again; to be asked once a second.

        A holder that is silent for `HOLD_SECONDS` loses its slots; shares are fair between parties first.
        """

    def leave(self, key: str, holder: str) -> None:
        """Free this holder's slots."""

    def rest(self, key: str, seconds: float) -> None:
        """Let nobody send for so long."""

    def resting(self, key: str) -> float:
        """Seconds until anybody may send."""

    def seen(self) -> list[Seen]:
        """Every key that was used lately, for people to look at."""


def key_name(base_url: str, api_key: str) -> str:
    """The name under which a provider's key is counted; the key cannot be read from it."""
    return sha256(f"{base_url}\n{api_key}".encode()).hexdigest()[:32]


def open_sharing(redis_url: str, folder: Path) -> Sharing:
    """The limits kept in Redis, or without an address for it in small files below the data folder."""
    if not redis_url:
        return SteadySharing(FileSharing(folder / FOLDER))
    # the embedded mode needs no client of Redis in memory
    from app.gateway.sharing_redis import RedisSharing

    return SteadySharing(RedisSharing(redis_url))
