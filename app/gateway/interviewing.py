"""Asks an endpoint one question of a probe: with other parameters when some are refused, again when it is crowded."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from time import monotonic
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from app.gateway import embedding, faults
from app.gateway.calls import Purchase, Request, Target
from app.gateway.exchanging import exchange
from app.gateway.faults import Fault, Refused
from app.gateway.limits import Limits
from app.gateway.parameters import Traits, plain_body, refused_parameter
from app.gateway.questions import Question
from app.gateway.replies import Reply, Unreadable, parsed, purchased
from app.gateway.waiting import backoff
from app.gateway.wire import CHAT

if TYPE_CHECKING:
    from openai import AsyncOpenAI

REFUSALS = {400, 404, 422, 501}  # of a request that differs from one that worked
MOST_REQUESTS = 8  # for one question: every parameter refused once, under both names
SHORTEST = 0.001


@dataclass(frozen=True)
class Asked:
    """What one question brought: the purchase for the log, the reply's JSON, and which extras were refused by name.

    `fault` is None when it answered. `refused_whole`: what was on trial is refused, without a word on which part;
    `unexplained`: nothing in the refusal tells that it is about something else than parameters.
    """

    question: Question
    purchase: Purchase
    traits: Traits
    refused: frozenset[str]
    fault: Fault | None = None
    refused_whole: bool = False
    unexplained: bool = False
    body: Mapping[str, Any] = field(default_factory=dict)

    @property
    def cut_off(self) -> bool:
        return self.purchase.finish_reason == "length"


@dataclass
class _UnderWay:
    """A question on its way through its requests; `until` is a moment of the monotonic clock."""

    request: Request
    traits: Traits
    extras: dict[str, object]
    until: float
    attempts: int = 0
    waits: int = 0

    @property
    def left(self) -> float:
        return max(SHORTEST, self.until - monotonic())

    def body(self) -> dict[str, object]:
        return {**plain_body(self.request, self.request.target.model, self.traits), **self.extras}

    def adapted(self, refused: Refused) -> bool:
        """Whether something can be asked otherwise after this refusal; a lone extra is what the question is about."""
        if refused.status not in {400, 422} or self.attempts >= MOST_REQUESTS:
            return False
        words = faults.said(refused.body)
        named = refused_parameter(refused.body, words, {**self.traits.on_the_wire(self.request), **self.extras})
        if named in self.extras:
            if len(self.extras) > 1:
                del self.extras[named]
                return True
            return False
        before, self.traits = self.traits, self.traits.without(named, words, self.request)
        return self.traits != before


class Interview:
    """One endpoint over one client; everything is over by `until`, a moment of the monotonic clock."""

    def __init__(self, client: "AsyncOpenAI", target: Target, limits: Limits, until: float) -> None:
        self._client, self._target, self._limits, self._until = client, target, limits, until
        self._dice = Random()

    @property
    def over(self) -> bool:
        return monotonic() >= self._until

    async def get(self, path: str) -> dict[str, Any]:
        """The JSON at a path; empty when there is none."""
        reply = await self._exchange(path, None, max(SHORTEST, self._until - monotonic()))
        try:
            return parsed(reply.content) if isinstance(reply, Reply) else {}
        except Unreadable:
            return {}

    async def ask(self, question: Question, traits: Traits, room: int, seconds: float = 60.0) -> Asked:
        """`room` is in tokens; a refused parameter is left out or renamed, as on the hot path, and the rest sent."""
        request = Request(question.name, self._target, question.messages, 0.0, room, compared=question.compared)
        path = CHAT if question.compared is None else embedding.PATH
        until = min(self._until, monotonic() + seconds)
        under_way = _UnderWay(request, traits, dict(question.extras), until)
        while True:
            under_way.attempts += 1
            outcome = await self._exchange(path, under_way.body(), under_way.left)
            if isinstance(outcome, Refused) and not _reason(outcome) and under_way.adapted(outcome):
                continue
            asked = self._read(question, under_way, outcome)
            if not await self._waited(under_way, asked.fault):
                return asked

    async def _exchange(self, path: str, sent: dict[str, object] | None, seconds: float) -> Reply | Refused | Fault:
        return await exchange(self._client, path, sent, self._target, seconds, self._limits.connect_seconds)

    async def _waited(self, under_way: _UnderWay, fault: Fault | None) -> bool:
        """Give a crowded server the time it asks for, when there is that much left."""
        under_way.waits += 1
        if fault is None or not fault.crowded or under_way.waits >= self._limits.call_attempts:
            return False
        wait = backoff(under_way.waits, self._dice) if fault.wait is None else fault.wait
        if wait >= under_way.left:
            return False
        await asyncio.sleep(wait)
        return True

    def _read(self, question: Question, under_way: _UnderWay, outcome: Reply | Refused | Fault) -> Asked:
        refused = frozenset(question.extras) - under_way.extras.keys()
        if isinstance(outcome, Reply):
            try:
                read = purchased if question.compared is None else embedding.cosine_bought
                bought = read(under_way.request, self._target.endpoint, outcome, under_way.attempts)
                return Asked(question, bought, under_way.traits, refused, body=parsed(outcome.content))
            except Unreadable as unreadable:
                outcome = faults.of_reply(self._target, str(unreadable), unreadable.words)
        name = self._target.endpoint
        bought = Purchase(question.name, name, name, ok=True, attempts=under_way.attempts)
        if isinstance(outcome, Refused) and (reason := _reason(outcome)):
            return Asked(question, replace(bought, finish_reason=reason), under_way.traits, refused)
        whole = isinstance(outcome, Refused) and outcome.status in REFUSALS
        fault = self._fault(outcome)
        failed = replace(bought, ok=False, error=fault.sentence)
        return Asked(question, failed, under_way.traits, refused, fault, whole, _unexplained(outcome))

    def _fault(self, outcome: Refused | Fault) -> Fault:
        if isinstance(outcome, Fault):
            return outcome
        return faults.of_status(outcome, faults.said(outcome.body), self._target)


def _reason(refused: Refused) -> str:
    """The finish reason when a refusal is an answer all the same, as when the model thought all its room away."""
    return faults.content_refusal(refused, faults.said(refused.body))


def _unexplained(outcome: Refused | Fault) -> bool:
    return (
        isinstance(outcome, Refused)
        and outcome.status in {400, 422}
        and not faults.NO_MODEL.search(faults.said(outcome.body))
    )
