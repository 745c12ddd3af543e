"""One request of the OpenAI client, for all that is not hot: what came back, or why nothing did."""

import asyncio
from time import monotonic
from typing import TYPE_CHECKING

import httpx2

from app.errors import EndpointFailure
from app.gateway import faults
from app.gateway.calls import Target
from app.gateway.faults import Fault, Refused
from app.gateway.replies import Reply
from app.gateway.transport import refused, trouble

if TYPE_CHECKING:  # most processes never use the client, and it takes a quarter of a command's start
    from openai import AsyncOpenAI


async def exchange(
    client: "AsyncOpenAI",
    path: str,
    body: dict[str, object] | None,
    target: Target,
    seconds: float,
    connect_seconds: float,
) -> Reply | Refused | Fault:
    """Send it once, with GET when there is no body; a reply is any HTTP success."""
    from openai import APIConnectionError, APIStatusError

    started = monotonic()
    try:
        async with asyncio.timeout(seconds):
            response = await _sent(client, path, body)
    except TimeoutError:
        return faults.of_silence(target, seconds)
    except APIConnectionError as error:
        return faults.of_trouble(trouble(error), target, connect_seconds)
    except APIStatusError as error:
        return refused(error)
    except EndpointFailure as failure:
        return Fault(str(failure), lasting=failure.lasting)
    took = round((monotonic() - started) * 1000)
    return Reply(response.status_code, took, response.headers, response.request.url.path, response.content)


async def _sent(client: "AsyncOpenAI", path: str, body: dict[str, object] | None) -> httpx2.Response:
    if body is None:
        return await client.get(path, cast_to=httpx2.Response)
    return await client.post(path, body=body, cast_to=httpx2.Response)
