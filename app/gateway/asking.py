"""One HTTP attempt at one call: what it brought, why it brought nothing, or how to ask instead."""

import asyncio
import json
from dataclasses import replace
from time import monotonic

import httpx2
from openai import APIConnectionError, APIStatusError, AsyncOpenAI

from app.errors import EndpointFailure
from app.gateway import faults
from app.gateway.calls import Purchase, Request
from app.gateway.faults import Fault
from app.gateway.parameters import Traits, body, refused_parameter
from app.gateway.replies import Unreadable, name_of, parsed, purchased

PATH = "/chat/completions"


async def attempt(
    client: AsyncOpenAI, request: Request, traits: Traits, seconds: float, connect_seconds: float
) -> Purchase | Fault | Traits:
    """Send the request once; traits come back when it should be sent again with other parameters.

    The low-level `post` keeps the client's auth and errors but skips its typed walk over the request and its answer
    models, which cost as much as the rest of a call.
    """
    started = monotonic()
    sent = json.dumps(body(request, traits), ensure_ascii=False).encode("utf-8", "replace")
    try:
        async with asyncio.timeout(seconds):
            response = await client.post(PATH, cast_to=httpx2.Response, content=sent)
        judged: Purchase | Fault | Traits = purchased(
            request, parsed(response.content), response.headers.get("x-request-id", "")
        )
    except TimeoutError:
        return faults.of_silence(request.target, seconds)
    except EndpointFailure as refused:
        return Fault(str(refused), lasting=refused.lasting)
    except Unreadable as unreadable:
        return faults.of_reply(request.target, str(unreadable), unreadable.words)
    except RecursionError:
        return faults.of_reply(request.target, "sent a reply that is nested too deep", "")
    except APIConnectionError as error:
        return faults.of_connection(error, request.target, connect_seconds)
    except APIStatusError as error:
        judged = _of_status(error, request, traits)
    return replace(judged, latency_ms=_since(started)) if isinstance(judged, Purchase) else judged


def _of_status(error: APIStatusError, request: Request, traits: Traits) -> Purchase | Fault | Traits:
    """A refusal for content is an answer, a refused parameter a lesson, the rest a fault."""
    words = faults.said(error.body)
    reason = faults.content_refusal(error, words)
    if not reason and error.status_code in {400, 422}:
        if named := refused_parameter(error.body, words, traits.on_the_wire(request)):
            return traits.without(named, words, request)
        reason = faults.too_long(words)
    if reason:
        served = name_of(error.request_id)
        return Purchase(request.key, request.target.endpoint, ok=True, finish_reason=reason, request_id=served)
    return faults.of_status(error, words, request.target)


def _since(started: float) -> int:
    return round((monotonic() - started) * 1000)
