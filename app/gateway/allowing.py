"""What one run of purchases may send with a key whose limits all workers share."""

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from app.domain.allowances import Rule
from app.gateway.calls import Purchase, Request, Target
from app.gateway.sharing import Sharing, key_name, open_sharing
from app.settings import Settings

CHARACTERS_A_TOKEN = 4  # about, of English; what a request really used is put right when it is over
# Requests of a minute's limit for which one is asked for at a time: what is held in hand is too little to matter.
PER_GRANT = 1500


def sharing_of(settings: Settings) -> Sharing:
    """The limits that this installation's processes share; each process has its own door to them."""
    return _opened(os.getpid(), settings.redis_url, settings.data_dir.resolve())


@lru_cache(maxsize=4)
def _opened(process: int, redis_url: str, folder: Path) -> Sharing:
    return open_sharing(redis_url, folder)


@dataclass(frozen=True)
class Shared:
    """For whom a run of purchases is: its process, and the campaign or run that others take turns with."""

    sharing: Sharing
    holder: str
    party: str

    def allowance(self, target: Target) -> "Allowance":
        key = key_name(target.base_url, target.api_key)
        return Allowance(self.sharing, key, target.rule, self.holder, self.party)


class Allowance:
    """One key's share for one run: slots, asked for about once a second, and grants under the limits a minute."""

    def __init__(self, sharing: Sharing, key: str, rule: Rule, holder: str, party: str) -> None:
        self._sharing, self._key, self._rule, self._holder, self._party = sharing, key, rule, holder, party
        limit = rule.requests_per_minute
        self._chunk = max(1, limit // PER_GRANT) if limit else 1
        self._by_the_minute = bool(limit or rule.tokens_per_minute)
        self._in_hand = 0
        self._tokens = 0

    def slots(self, wanted: int, under_way: int) -> int:
        """How many requests may be under way until this is asked again."""
        if self._rule.in_flight is None:
            return wanted
        return self._sharing.slots(self._key, self._rule, self._holder, self._party, wanted, under_way)

    def resting(self) -> float:
        return self._sharing.resting(self._key)

    def rest(self, seconds: float) -> None:
        """This server asked for less: let nobody send for so long."""
        self._sharing.rest(self._key, seconds)

    def take(self, request: Request) -> float:
        """Take a grant for one request: 0.0, else the seconds until it is worth asking again."""
        if not self._by_the_minute:
            return 0.0
        if self._in_hand == 0:
            tokens = estimate(request)
            grant = self._sharing.take(self._key, self._rule, self._chunk, tokens, self._party)
            if grant.requests == 0:
                return max(grant.wait, 0.001)
            self._in_hand, self._tokens = grant.requests, tokens
        self._in_hand -= 1
        return 0.0

    def over(self, request: Request, bought: Purchase | None) -> None:
        """Put right how many tokens a request used; one that brought nothing used none."""
        if self._rule.tokens_per_minute:
            self._sharing.correct(self._key, (bought.tokens if bought else 0) - estimate(request))

    def leave(self) -> None:
        if self._in_hand:
            self._sharing.give_back(self._key, self._in_hand, self._tokens)
        if self._rule.in_flight is not None:
            self._sharing.leave(self._key, self._holder)


def estimate(request: Request) -> int:
    """About how many tokens a request may use."""
    schema = len(request.response_format.schema) if request.response_format else 0
    said = sum(len(message.content) for message in request.messages)
    if request.compared is not None:
        return sum(map(len, request.compared)) // CHARACTERS_A_TOKEN
    return (said + schema) // CHARACTERS_A_TOKEN + request.max_tokens
