"""What of a block is still to be bought: examples with the requests that must be answered for their outputs."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy.orm import Session

from app.services.bookkeeping import Wish
from app.services.ordering import Order, Stored
from app.storage import answers, asking
from app.storage.endpoints import Endpoint
from app.storage.grades import Awaiting
from app.storage.test_sets import Placed

Token = tuple[str, str]  # what finds an answer: the request's hash and its owner


class Open(NamedTuple):
    """A request to be bought, and what finds its answer."""

    wish: Wish
    token: Token


class Need(NamedTuple):
    """An example with its requests: one to the task model, or about `answer` one or two to the grader."""

    example: Placed
    wishes: tuple[Wish, ...]
    tokens: tuple[Token, ...]
    answer: Awaiting | None = None


Found = tuple[Stored, Endpoint]  # an answer, and who gave it


class Met(NamedTuple):
    """A need with the answers to its requests."""

    need: Need
    found: tuple[Found, ...]


class Needs:
    """The requests of one block that are `open`, by their keys.

    Needs that make the same request, when any answer to it may be shared, are one purchase; `awaited` counts requests
    that another job is buying at this moment. An answer is kept only while a need waits for another one beside it.
    """

    def __init__(self, order: Order, block_id: str) -> None:
        self._order, self._block = order, block_id
        self.open: dict[str, Open] = {}
        self.awaited = 0
        self._waiting: dict[Token, list[Need]] = {}
        self._kept: dict[Token, Found] = {}

    def to_answer(self, example: Placed, sample: int) -> Need:
        wish = self._order.wish(example, sample)
        return Need(example, (wish,), ((wish.request_hash(self._order.targets[0]), wish.owner),))

    def to_grade(self, example: Placed, answer: Awaiting) -> Need:
        wishes = self._order.grade_wishes(example, answer.text)
        tokens = tuple((wish.request_hash(self._order.route(wish).targets[0]), wish.owner) for wish in wishes)
        return Need(example, wishes, tokens, answer)

    def take(self, session: Session, needs: Sequence[Need]) -> list[Met]:
        """Those that stored answers meet, whoever paid for them; what else is to be bought becomes open.

        The store is asked last, for answers are stored before their requests are given up.
        """
        shared = [hashed for need in needs for hashed, owner in need.tokens if owner == answers.SHARED]
        mine = asking.begin(session, shared, self._block)
        known = answers.stored(session, shared)
        met = []
        for need in needs:
            for place, (wish, token) in enumerate(zip(need.wishes, need.tokens, strict=True)):
                hashed, owner = token
                if owner == answers.SHARED and (answer := known.get(hashed)):
                    stored = Stored(answer.id, answer.text, answer.tokens)
                    self._kept[token] = stored, self._order.route(wish).endpoints[0]
                elif owner == answers.SHARED and hashed not in mine:
                    self.awaited += 1
                elif token in self._waiting:
                    if self._waiting[token][-1] is not need:
                        self._waiting[token].append(need)
                else:
                    self._waiting[token] = [need]
                    self.open[f"{self._block}:{need.example.example_id}:{place}"] = Open(wish, token)
            if known and (found := self._met(need)):
                met.append(found)
        return met

    def arrived(self, key: str, answer: Stored, served_by: str | None) -> list[Met]:
        """The needs that waited for this answer and for nothing else; `served_by` is the id of a fallback."""
        wish, token = self.open[key]
        endpoints = self._order.route(wish).endpoints
        served = next((one for one in endpoints if one.id == served_by), endpoints[0]) if served_by else endpoints[0]
        self._kept[token] = answer, served
        needs = self._waiting.pop(token)
        met = [found for need in needs if (found := self._met(need))]
        if len(met) == len(needs):
            del self._kept[token]
        return met

    def _met(self, need: Need) -> Met | None:
        found = tuple(kept for token in need.tokens if (kept := self._kept.get(token)))
        return Met(need, found) if len(found) == len(need.tokens) else None


def block_of(key: str) -> str:
    """The block that a request belongs to."""
    return key.partition(":")[0]
