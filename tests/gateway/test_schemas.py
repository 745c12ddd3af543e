"""A schema that is refused for what stands in it: that schema is left out, others are still sent, nothing is remembered."""

import json

import pytest

from app.gateway.calls import ReplyFormat
from app.gateway.formats import of_schema
from tests.gateway.counter import Counter, ask, limits, target
from tests.gateway.scripted import Answer, Hit, Script, completion, refusal, serving

# What servers say, as people quote it in their reports.
OF_SCHEMA = [
    "Invalid schema for response_format 'response': In context=('properties', 'items'), 'required' is required to be "
    "supplied and to be an array including every key in properties. Missing 'roles'.",
    "Invalid schema for response_format 'default': In context=(), 'additionalProperties' is required to be supplied and "
    "to be false.",
    "400 Invalid schema for response_format 'invoice': 144 parameters exceed the limit of 100.",
    "The provided JSON schema contains features not supported by xgrammar.",
    'Grammar error: Unimplemented keys: ["propertyNames"]',
    "Grammar error: Unknown format: uri",
    'JSON schema conversion failed:\nUnrecognized schema: {"not":{}}',
    "failed to parse grammar",
    "The specified schema produces a constraint that has too many states for serving. Typical causes of this error are "
    "schemas with lots of text",
    "A schema in GenerationConfig in the request exceeds the maximum allowed nesting depth.",
    "Invalid JSON payload received. Unknown name \"uniqueItems\" at 'generation_config.response_schema.properties[0]': "
    "Cannot find field.",
    "The compiled grammar is too large",
]
OF_ENDPOINT = [
    "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model. Learn more about "
    "supported models at the Structured Outputs guide",
    "Invalid parameter: 'response_format' of type 'json_schema' is not supported with model version `gpt-4o`.",
    "The parameter `response_format.type` specified in the request are not valid: invalid value: `json_schema`, "
    "supported values are: `json_object` and `text`.",
    "This response_format type is unavailable now",
    'response_format type must be one of "text" or "json_object", but got: json_schema',
    "Unknown name \"response_format\" at 'generation_config': Cannot find field.",
    "Unsupported parameter: 'response_format'. In the Responses API, this parameter has moved to 'text.format'.",
    "Invalid schema type: json_schema",
]


@pytest.mark.parametrize(("words", "said"), [(one, True) for one in OF_SCHEMA] + [(one, False) for one in OF_ENDPOINT])
def test_a_refusal_is_of_one_schema_or_of_all(words: str, said: bool) -> None:
    assert of_schema(words) is said


BAD = ReplyFormat.of("bad", {"type": "object", "properties": {"spam": {"type": "string", "format": "uri"}}})
GOOD = ReplyFormat.of("good", {"type": "object", "properties": {"spam": {"type": "boolean"}}})


def form(hit: Hit) -> str:
    return str(hit.body.get("response_format", {}).get("type", ""))


def refusing(words: str, status: int = 400, *, objects: bool = True) -> Script:
    """A server that takes every schema but the bad one, and any JSON only where it knows `objects`."""

    def script(hit: Hit) -> Answer:
        if "uri" in json.dumps(hit.body.get("response_format", {})):
            return refusal(status, words)
        if form(hit) == "json_object" and not objects:
            return refusal(400, "'response_format.type' must be 'json_schema' or 'text'")
        return completion("{}")

    return script


def bought(script: Script) -> tuple[Counter, list[str]]:
    """Three calls with the bad schema and three with the good one, in turns; and the forms that the server was sent."""
    counter = Counter()
    with serving(script) as server:
        at = target(server)
        mixed = [ask(f"q{n}", at, response_format=(BAD, GOOD)[n % 2]) for n in range(6)]
        assert counter.buy(mixed, limits(in_flight=1))
        return counter, [form(hit) for hit in server.hits]


@pytest.mark.parametrize("words", OF_SCHEMA)
def test_only_the_refused_schema_is_asked_for_less_strictly(words: str) -> None:
    counter, sent = bought(refusing(words))
    assert [counter.by_key[f"q{n}"].used_format for n in range(6)] == ["json_object", "json_schema"] * 3
    assert len(sent) == 7, "it is refused once in a run"
    assert counter.lessons == [], "nothing is said of the endpoint"


def test_where_any_json_is_not_known_the_refused_schema_is_asked_for_in_words_and_others_are_still_sent() -> None:
    counter, _ = bought(refusing(OF_SCHEMA[6], status=500, objects=False))
    assert [counter.by_key[f"q{n}"].used_format for n in range(6)] == ["", "json_schema"] * 3
    assert counter.lessons == [("e1", frozenset({"json_object"}), ())]


def test_what_the_provider_behind_a_router_says_of_a_schema_counts_as_said() -> None:
    raw = json.dumps({"error": {"message": OF_SCHEMA[0]}})

    def script(hit: Hit) -> Answer:
        if "uri" in json.dumps(hit.body.get("response_format", {})):
            return refusal(400, "Provider returned error", metadata={"raw": raw, "provider_name": "P"})
        return completion("{}")

    counter, _ = bought(script)
    assert [counter.by_key[f"q{n}"].used_format for n in range(6)] == ["json_object", "json_schema"] * 3
    assert counter.lessons == []
