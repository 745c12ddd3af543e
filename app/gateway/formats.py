"""How a reply's form and its probabilities are asked for, and what is asked instead where that is refused.

What an endpoint refused is kept among its dropped parameters: `json_schema` and `json_object` are the two forms of
`response_format`, `top_logprobs>5` is more than five alternatives. A refusal that speaks of the schema that was sent says
nothing of other schemas, and is not kept.
"""

import re
from collections.abc import Set as AbstractSet
from functools import lru_cache

from msgspec import Raw, json

from app.gateway.calls import ReplyFormat

SCHEMA, OBJECT = "json_schema", "json_object"
FEW = 5  # alternatives: the most that several providers tell
MORE_THAN_FEW = f"top_logprobs>{FEW}"
NAMES = frozenset({"response_format", "logprobs", "top_logprobs"})
"""The request parameters that this module looks after."""
LEARNED = NAMES | {SCHEMA, OBJECT, MORE_THAN_FEW}
"""All that may be learned of an endpoint about them; a probe finds it out anew."""
_UNKNOWN = re.compile(r"unknown|unrecogni[sz]ed|unexpected|extra inputs|not permitted|extra_forbidden", re.IGNORECASE)
_OF_SCHEMA = re.compile(
    r"""\binvalid\ (?:json\ )?schema\b(?!\ (?:type|format)) | \bschema\ (?:conversion|structure|keyword|feature)
    | \bschema\b[^.\n]{0,60}\b(?:contains|produces|exceeds?|too\ (?:complex|large|deep)|invalid|not\ valid)\b
    | \bunrecogni[sz]ed\ schema\b | \btoo\ many\ states\b | \bunimplemented\ keys\b
    | \bunknown\ name\b[^\n]{1,80}\ at\ ['"][^'"\n]*schema
    | \bgrammar\b[^.\n]{0,40}\b(?:error|too\ large|invalid|not\ valid|failed)
    | \b(?:pars|compil|convert|initiali[sz])\w*\b[^.\n]{0,40}\bgrammar\b""",
    re.IGNORECASE | re.VERBOSE,
)
_ONE_FORM = re.compile(r"json.?(?:schema|object)|\btypes?\b", re.IGNORECASE)


def used(asked: ReplyFormat | None, dropped: AbstractSet[str]) -> str:
    """The form that is sent: the schema, else any JSON, else an empty string."""
    if asked is None or "response_format" in dropped:
        return ""
    return next((form for form in (SCHEMA, OBJECT) if form not in dropped), "")


def extras(
    asked: ReplyFormat | None, top_logprobs: int | None, dropped: AbstractSet[str]
) -> dict[str, tuple[str, object]]:
    """Name on the wire -> our name and the value, of what is asked for and not dropped."""
    sent: dict[str, tuple[str, object]] = {}
    if asked is not None and (form := used(asked, dropped)):
        sent["response_format"] = "response_format", _encoded(asked, form)
    if top_logprobs is not None and "logprobs" not in dropped:
        sent["logprobs"] = "logprobs", True
        if count := _alternatives(top_logprobs, dropped):
            sent["top_logprobs"] = "top_logprobs", count
    return sent


@lru_cache(maxsize=256)
def _encoded(asked: ReplyFormat, form: str) -> Raw:
    """The parameter's JSON, put together once for all calls with this schema."""
    if form == OBJECT:
        return Raw(json.encode({"type": OBJECT}))
    name, schema = (text.encode("utf-8", "replace") for text in (asked.name, asked.schema))
    told = {"name": name.decode(), "strict": True, "schema": Raw(schema)}
    return Raw(json.encode({"type": SCHEMA, SCHEMA: told}))


def _alternatives(count: int, dropped: AbstractSet[str]) -> int:
    if "top_logprobs" in dropped:
        return 0
    return min(count, FEW) if MORE_THAN_FEW in dropped else count


def of_schema(words: str) -> bool:
    """Whether a refusal is about what stands in a schema, as OpenAI, Azure, vLLM, llama.cpp and Gemini say it."""
    return _OF_SCHEMA.search(words) is not None


def lesson(name: str, words: str, too_many: bool, sent: dict[str, tuple[str, object]], form: str) -> str:
    """What to drop after a refusal of `name`: one form before the whole parameter, some alternatives before all.

    `form` is what was sent, `too_many` whether the refusal speaks of a number that is too large.
    """
    if name == "response_format":
        whole = form == SCHEMA and _UNKNOWN.search(words) and not _ONE_FORM.search(words)
        return name if whole else form
    if too_many and "top_logprobs" in sent:
        count = sent["top_logprobs"][1]
        return MORE_THAN_FEW if isinstance(count, int) and count > FEW else "top_logprobs"
    return name
