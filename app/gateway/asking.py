"""One HTTP attempt at one call: what it brought, why it brought nothing, or how to ask instead."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from app.errors import EndpointFailure
from app.gateway import embedding, faults
from app.gateway.calls import Purchase, Request, Target
from app.gateway.faults import Fault, Refused
from app.gateway.parameters import PLAIN, Traits, body, refused_parameter, told
from app.gateway.replies import Reply, Unreadable, name_of, purchased, refused, written
from app.gateway.wire import CHAT, Broken, Wire

UNFIT, UNFIT_TOO = {400, 422}, {403, 404, 500, 501}


@dataclass(eq=False, slots=True)
class Call:
    """One request on its way through its attempts at the endpoints of its route, of which it asks the one `at` now.

    `tries` counts by endpoint what may not go on for ever, `attempts` everything that was sent; the first sets
    `deadline`. `headers` are those of the last reply, if one came.
    """

    request: Request
    route: tuple[Target, ...]
    tries: list[int] = field(init=False)
    at: int = 0
    attempts: int = 0
    deadline: float = 0.0
    fault: str = ""
    traits: Traits = PLAIN
    headers: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        self.tries = [0] * len(self.route)

    @property
    def target(self) -> Target:
        return self.route[self.at]

    def failed(self, sentence: str) -> Purchase:
        request = self.request
        return Purchase(
            request.key, request.target.endpoint, self.target.endpoint, False, attempts=self.attempts, error=sentence
        )


async def attempt(wire: Wire, call: Call, seconds: float, connect_seconds: float) -> Purchase | Fault | Traits:
    """Send the call's request once; `attempts` has counted it. Traits come back when to send other parameters."""
    target, call.headers = call.target, None
    try:
        async with asyncio.timeout(seconds):
            path = CHAT if call.request.compared is None else embedding.PATH
            reply = await wire.post(written(body(call.request, target.model, call.traits)), path)
        call.headers = reply.headers
        if 200 <= reply.status < 300:
            return _bought(call, reply)
        return _of_status(call, reply)
    except TimeoutError:
        return faults.of_silence(target, seconds)
    except EndpointFailure as failure:
        return Fault(str(failure), lasting=failure.lasting)
    except Unreadable as unreadable:
        return faults.of_reply(target, str(unreadable), unreadable.words)
    except RecursionError:
        return faults.of_reply(target, "sent a reply that is nested too deep", "")
    except Broken as broken:
        return faults.of_trouble(broken.trouble, target, connect_seconds)


def _bought(call: Call, reply: Reply) -> Purchase:
    if call.request.compared is not None:
        return embedding.cosine_bought(call.request, call.target.endpoint, reply, call.attempts)
    used = call.traits.used_format(call.request)
    return purchased(call.request, call.target.endpoint, reply, call.attempts, used)


def _of_status(call: Call, reply: Reply) -> Purchase | Fault | Traits:
    """A refusal for content is an answer, a refused parameter a lesson, the rest a fault."""
    error = refused(reply)
    words = faults.said(error.body)
    reason = faults.content_refusal(error, words)
    if not reason and (named := refused_parameter(error.body, words, _in_question(call, error.status))):
        return call.traits.without(named, told(error.body, words), call.request)
    if not reason and error.status in UNFIT:
        reason = faults.too_long(words)
    return _refusal(call, reply, error, reason) if reason else faults.of_status(error, words, call.target)


def _in_question(call: Call, status: int) -> Collection[str]:
    """Parameters that a refusal may be about; forms and probabilities some servers refuse as forbidden or as faults."""
    if status in UNFIT:
        return call.traits.on_the_wire(call.request)
    if status in UNFIT_TOO:
        return call.traits.extras(call.request)
    return ()


def _refusal(call: Call, reply: Reply, error: Refused, reason: str) -> Purchase:
    return Purchase(
        call.request.key,
        call.request.target.endpoint,
        call.target.endpoint,
        ok=True,
        finish_reason=reason,
        latency_ms=reply.milliseconds,
        attempts=call.attempts,
        request_id=name_of(error.headers.get("x-request-id")),
    )
