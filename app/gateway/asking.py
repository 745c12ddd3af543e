"""One HTTP attempt at one call: what it brought, why it brought nothing, or how to ask instead."""

import asyncio
from dataclasses import replace

from app.errors import EndpointFailure
from app.gateway import faults
from app.gateway.calls import Purchase, Request
from app.gateway.faults import Fault, Refused
from app.gateway.parameters import Traits, body, refused_parameter
from app.gateway.replies import Unreadable, name_of, purchased, refused, written
from app.gateway.wire import Broken, Wire

PATH = "/chat/completions"


async def attempt(
    wire: Wire, request: Request, traits: Traits, attempts: int, seconds: float, connect_seconds: float
) -> Purchase | Fault | Traits:
    """Send the request once, `attempts` counts it in; traits come back when other parameters should be sent."""
    try:
        async with asyncio.timeout(seconds):
            reply = await wire.post(PATH, written(body(request, traits)))
        if 200 <= reply.status < 300:
            return purchased(request, reply, attempts)
        judged = _of_status(refused(reply), request, traits)
    except TimeoutError:
        return faults.of_silence(request.target, seconds)
    except EndpointFailure as failure:
        return Fault(str(failure), lasting=failure.lasting)
    except Unreadable as unreadable:
        return faults.of_reply(request.target, str(unreadable), unreadable.words)
    except RecursionError:
        return faults.of_reply(request.target, "sent a reply that is nested too deep", "")
    except Broken as broken:
        return faults.of_trouble(broken.trouble, request.target, connect_seconds)
    if isinstance(judged, Purchase):
        return replace(judged, attempts=attempts, latency_ms=reply.milliseconds)
    return judged


def _of_status(error: Refused, request: Request, traits: Traits) -> Purchase | Fault | Traits:
    """A refusal for content is an answer, a refused parameter a lesson, the rest a fault."""
    words = faults.said(error.body)
    reason = faults.content_refusal(error, words)
    if not reason and error.status in {400, 422}:
        if named := refused_parameter(error.body, words, traits.on_the_wire(request)):
            return traits.without(named, words, request)
        reason = faults.too_long(words)
    if reason:
        served = name_of(error.headers.get("x-request-id"))
        return Purchase(request.key, request.target.endpoint, ok=True, finish_reason=reason, request_id=served)
    return faults.of_status(error, words, request.target)
