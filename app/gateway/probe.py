"""Is this endpoint usable? One tiny call, or its list of models, for the page where endpoints are set up."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import httpx2
from openai import APIConnectionError, APIStatusError

from app.domain.improving.asks import Message
from app.errors import EndpointFailure
from app.gateway import faults
from app.gateway.calls import Purchase, Request, Target
from app.gateway.client import purchase
from app.gateway.learning import Learned
from app.gateway.limits import Limits
from app.gateway.replies import Unreadable, name_of, parsed
from app.gateway.transport import open_client, refused, trouble

ASKED = (Message("user", "Reply with the word ok."),)
ROOM = 64  # tokens: a reasoning model spends some before it says a word
LISTED = 2000
SECONDS = 20.0


@dataclass(frozen=True)
class ModelInfo:
    """One model that a server lists; `role`, `about` and `simulated` are told by our practice server only."""

    id: str
    role: str = ""
    about: str = ""
    simulated: bool = False


def try_endpoint(
    target: Target,
    limits: Limits,
    learned: Learned = lambda *_: None,
    record: Callable[[Sequence[Purchase]], None] = lambda _: None,
) -> Purchase:
    """Make one tiny call; raises EndpointFailure with a sentence that says what to do.

    `record` is handed what was bought, also what failed, before anything is raised.
    """
    bought: list[Purchase] = []

    def keep(batch: Sequence[Purchase]) -> None:
        bought.extend(batch)
        record(batch)

    request = Request("probe", target, ASKED, temperature=0.0, max_tokens=ROOM)
    purchase([request], limits=limits, permit=lambda _: True, record=keep, learned=learned)
    return bought[0]


def list_models(base_url: str, key: str, limits: Limits) -> tuple[ModelInfo, ...]:
    """What the server says it serves, in its order; raises EndpointFailure as `try_endpoint` does."""
    body = asyncio.run(_models(Target("", base_url, key, "the list of models"), limits))
    entries = body.get("data")
    if not isinstance(entries, list):
        raise EndpointFailure(
            f"{base_url} lists no models in the way of OpenAI's API; check the base URL.", lasting=True
        )
    return tuple(_info(entry) for entry in entries[:LISTED] if isinstance(entry, dict) and name_of(entry.get("id")))


async def _models(target: Target, limits: Limits) -> dict[str, object]:
    seconds = min(SECONDS, limits.call_deadline)
    client = open_client(target.base_url, target.api_key, replace(limits, in_flight=1))
    try:
        async with asyncio.timeout(seconds):
            response = await client.get("/models", cast_to=httpx2.Response)
        return parsed(response.content)
    except TimeoutError:
        fault = faults.of_silence(target, seconds)
    except Unreadable as unreadable:
        fault = replace(faults.of_reply(target, str(unreadable), unreadable.words), lasting=True)
    except APIConnectionError as error:
        fault = faults.of_trouble(trouble(error), target, limits.connect_seconds)
    except APIStatusError as error:
        fault = faults.of_status(refused(error), faults.said(error.body), target)
    finally:
        await client.close()
    raise EndpointFailure(fault.sentence, lasting=fault.lasting)


def _info(entry: dict[str, object]) -> ModelInfo:
    return ModelInfo(
        id=name_of(entry.get("id")),
        role=name_of(entry.get("role")),
        about=name_of(entry.get("about")),
        simulated=entry.get("simulated") is True,
    )
