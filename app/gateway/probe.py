"""What can this endpoint do? A few small questions, or its list of models, for whoever sets endpoints up."""

import asyncio
from dataclasses import dataclass, field, replace
from time import monotonic

from app.domain.capabilities import Capabilities
from app.errors import EndpointFailure
from app.gateway import faults, proofs, questions
from app.gateway.calls import Target
from app.gateway.exchanging import exchange
from app.gateway.faults import Fault
from app.gateway.interviewing import Asked, Interview
from app.gateway.limits import Limits
from app.gateway.listing import ModelInfo, context_of, read_details, read_models
from app.gateway.parameters import Traits
from app.gateway.replies import Reply, Unreadable, parsed
from app.gateway.transport import open_client

__all__ = ["ModelInfo", "Probed", "list_models", "probe"]

ROOM, ROOM_TO_THINK = 64, 2048  # tokens: a model that thinks first needs more before it says anything
LIST_SECONDS = 20.0
WHOLE_SECONDS = 22.0  # somebody waits for the page
FIRST_SECONDS = 17.0  # of these for the first question, in which a server may have to load the model
AT_ONCE = 4
_UNHEATED, _THINKING = frozenset({"temperature"}), (("max_tokens", "max_completion_tokens"),)
BARER = (
    Traits(_UNHEATED),
    Traits(renamed=_THINKING),
    Traits(_UNHEATED, _THINKING),
    Traits(_UNHEATED | {"max_tokens"}),
)


@dataclass(frozen=True)
class Probed:
    """What a probe found. `asked` is for the log, the first of them the plainest; `fault` when that had no answer."""

    asked: tuple[Asked, ...]
    capabilities: Capabilities = field(default_factory=Capabilities)
    traits: Traits = field(default_factory=Traits)
    fault: Fault | None = None


def probe(target: Target, limits: Limits, *, embeds: bool = False) -> Probed:
    """Ask what the endpoint can do, knowing nothing of it; one that `embeds` is asked for embeddings and nothing else.

    Raises EndpointFailure when it cannot even be asked.
    """
    fresh = replace(target, dropped=frozenset(), renamed=())
    return asyncio.run(_probe(fresh, replace(limits, in_flight=min(AT_ONCE, limits.in_flight)), embeds))


async def _probe(target: Target, limits: Limits, embeds: bool) -> Probed:
    client = open_client(target.base_url, target.api_key, limits)
    interview = Interview(client, target, limits, monotonic() + min(WHOLE_SECONDS, limits.call_deadline))
    try:
        if embeds:
            return await _embeddings(interview, target.model)
        hellos = await _hello(interview)
        if hellos[0].fault:
            return Probed(tuple(hellos), fault=hellos[0].fault)
        return await _go_on(interview, target.model, hellos)
    finally:
        await client.close()


async def _embeddings(interview: Interview, model: str) -> Probed:
    asked = await interview.ask(questions.EMBEDDINGS, Traits(), 0, FIRST_SECONDS)
    if asked.fault:
        return Probed((asked,), fault=asked.fault)
    counted = asked.purchase.prompt_tokens is not None
    found = Capabilities(embeddings=bool(asked.purchase.text), usage=counted, context=await _context(interview, model))
    return Probed((asked,), found, asked.traits)


async def _hello(interview: Interview) -> list[Asked]:
    """The plainest question, the one that was answered first; a refusal without a name may be about any parameter."""
    asked = [await interview.ask(questions.HELLO, Traits(), ROOM, FIRST_SECONDS)]
    for barer in BARER if asked[0].unexplained else ():
        if interview.over:
            break
        asked.append(await interview.ask(questions.HELLO, barer, ROOM))
        if not asked[-1].fault:
            return asked[::-1]
    return asked


async def _go_on(interview: Interview, model: str, hellos: list[Asked]) -> Probed:
    """The rest side by side; what does not answer in time is not found out."""
    first = hellos[0]
    traits, room = first.traits, ROOM_TO_THINK if first.cut_off else ROOM
    async with asyncio.TaskGroup() as group:
        accepting = group.create_task(_ask_accepted(interview, traits, room))
        telling = group.create_task(_ask_probabilities(interview, traits, room))
        by_schema = group.create_task(interview.ask(questions.BY_SCHEMA, traits, room))
        as_json = group.create_task(interview.ask(questions.AS_JSON, traits, room))
        context = group.create_task(_context(interview, model))
    accepted, told, form, plain = accepting.result(), telling.result(), by_schema.result(), as_json.result()
    asked = (*hellos, *accepted, *told, form, plain)
    logprobs, top_logprobs = proofs.alternatives(told)
    found = Capabilities(
        temperature="temperature" not in traits.dropped,
        length_limit="" if "max_tokens" in traits.dropped else dict(traits.renamed).get("max_tokens", "max_tokens"),
        usage=proofs.counted(asked),
        seed=proofs.taken(accepted, "seed"),
        user=proofs.taken(accepted, "user"),
        stop=proofs.stops(accepted),
        logprobs=logprobs,
        top_logprobs=top_logprobs,
        json_schema=proofs.shown(form, questions.keeps_to_schema(form.purchase.text)),
        json_object=proofs.shown(plain, questions.is_json(plain.purchase.text)),
        context=context.result(),
    )
    return Probed(asked, found, traits)


async def _ask_accepted(interview: Interview, traits: Traits, room: int) -> list[Asked]:
    """Seed, user and stop words at once; one by one when they are refused without a name."""
    asked = await interview.ask(questions.ACCEPTED, traits, room)
    untold = [name for name in asked.question.extras if name not in asked.refused]
    if not asked.refused_whole or len(untold) == 1:
        return [asked]
    alone = [asked.question.only(name) for name in untold]
    return [asked, *[await interview.ask(question, traits, room) for question in alone if not interview.over]]


async def _ask_probabilities(interview: Interview, traits: Traits, room: int) -> list[Asked]:
    """With fewer alternatives each time they are refused."""
    asked: list[Asked] = []
    for alternatives in questions.ALTERNATIVES:
        asked.append(await interview.ask(questions.probabilities(alternatives), traits, room))
        last = asked[-1]
        if interview.over or "logprobs" in last.refused or not (last.refused or last.refused_whole):
            break
    return asked


async def _context(interview: Interview, model: str) -> int | None:
    told = context_of(read_models(await interview.get("/models")) or (), model)
    return told if told is not None else read_details(await interview.get("/model/info"), model)


def list_models(base_url: str, key: str, limits: Limits) -> tuple[ModelInfo, ...]:
    """What the server says it serves, in its order; raises EndpointFailure with a sentence that says what to do."""
    body = asyncio.run(_models(Target("", base_url, key, "the list of models"), limits))
    listed = read_models(body)
    if listed is None:
        raise EndpointFailure(
            f"{base_url} lists no models in the way of OpenAI's API; check the base URL.", lasting=True
        )
    return listed


async def _models(target: Target, limits: Limits) -> dict[str, object]:
    client = open_client(target.base_url, target.api_key, replace(limits, in_flight=1))
    try:
        seconds = min(LIST_SECONDS, limits.call_deadline)
        outcome = await exchange(client, "/models", None, target, seconds, limits.connect_seconds)
        if isinstance(outcome, Reply):
            return parsed(outcome.content)
    except Unreadable as unreadable:
        outcome = replace(faults.of_reply(target, str(unreadable), unreadable.words), lasting=True)
    finally:
        await client.close()
    fault = outcome if isinstance(outcome, Fault) else faults.of_status(outcome, faults.said(outcome.body), target)
    raise EndpointFailure(fault.sentence, lasting=fault.lasting)
