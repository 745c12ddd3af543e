"""How a prompt version asks for its answer: in plain text, as JSON by a schema, or by short codes."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from app.domain.answers import comparable
from app.domain.answerspace import Answers
from app.domain.findings import Findings
from app.errors import Invalid

How = Literal["text", "json", "codes"]
Probabilities = Literal["none", "logprobs", "votes", "stated"]
HOWS: tuple[How, ...] = get_args(How)
PROBABILITIES: tuple[Probabilities, ...] = get_args(Probabilities)
BEFORE = ("quote", "reasoning")
CODES = "ABCDEFGHIJKLMNOPQRST"
CONFIDENCE = "confidence"

BEFORE_WORDS = {
    "quote": "the words of the input that decide, copied exactly",
    "reasoning": "one to three short sentences that lead to the answer",
}


@dataclass(frozen=True)
class AnswerFormat:
    """`before`: fields that a JSON object has ahead of the verdict, in this order."""

    how: How = "text"
    before: tuple[str, ...] = ()
    probabilities: Probabilities = "none"


PLAIN = AnswerFormat()


def dump(form: AnswerFormat) -> dict[str, Any]:
    """Plain JSON data that `load` understands."""
    return {"how": form.how, "before": list(form.before), "probabilities": form.probabilities}


def kept(answers: Answers, form: AnswerFormat) -> dict[str, Any]:
    """A format as a version keeps it: nothing for the plain one. Raises Invalid where it does not fit the answers."""
    return {} if form == PLAIN else dump(checked(answers, form))


def load(data: Any) -> AnswerFormat:
    """An answer format from plain JSON data; nothing (None or {}) is plain text. Raises Invalid."""
    if not data:
        return PLAIN
    if not isinstance(data, Mapping) or not isinstance(data.get("before", []), list | tuple):
        raise Invalid("an answer format must be an object with how, before (a list) and probabilities")
    form = AnswerFormat(
        data.get("how", "text"), tuple(map(str, data.get("before", ()))), data.get("probabilities", "none")
    )
    findings = Findings()
    _check_words(form, findings)
    findings.settle()
    return form


def checked(answers: Answers, form: AnswerFormat) -> AnswerFormat:
    """The same format. Raises Invalid with every reason why these answers cannot be asked for in it."""
    findings = Findings()
    _check_words(form, findings)
    if form.before and form.how != "json":
        findings.add("fields before the verdict need the json format", "before")
    if form.how == "codes":
        _check_codes(answers, findings)
    if form.probabilities == "stated" and form.how != "json":
        findings.add("stated confidence is a field of its own: it needs the json format", "probabilities")
    if form.probabilities != "none" and answers.is_open:
        findings.add("probabilities need a closed list of answers: labels or fields with values", "probabilities")
    elif form.probabilities == "logprobs" and form.how != "json" and answers.kind != "label":
        held = "a set of labels" if answers.kind == "labels" else "several fields"
        findings.add(
            f"token probabilities of {held} are read from a JSON object: choose the json format, or votes",
            "probabilities",
        )
    if form.how == "json":
        _check_properties(answers, form, findings)
    findings.settle()
    return form


def _check_words(form: AnswerFormat, findings: Findings) -> None:
    if form.how not in HOWS:
        findings.add(f"answers are asked for as one of {', '.join(HOWS)}; given was {form.how!r}", "how")
    if form.probabilities not in PROBABILITIES:
        known = ", ".join(PROBABILITIES)
        findings.add(f"probabilities come by one of {known}; given was {form.probabilities!r}", "probabilities")
    for name in form.before:
        if name not in BEFORE:
            findings.add(f"{name!r} is unknown; before the verdict there can be {' and '.join(BEFORE)}", "before")
    if len(set(form.before)) < len(form.before):
        findings.add("a field can stand before the verdict only once", "before")


def _check_codes(answers: Answers, findings: Findings) -> None:
    if answers.kind not in ("label", "labels"):
        findings.add(f"codes stand for labels; answers of kind {answers.kind} have none", "how")
    elif len(answers.labels) > len(CODES):
        findings.add(
            f"codes are one letter each, for at most {len(CODES)} labels; there are {len(answers.labels)}: "
            "use text or json",
            "how",
        )


def _check_properties(answers: Answers, form: AnswerFormat, findings: Findings) -> None:
    """A reply's names must differ also when case and marks are left out of account."""
    for name, times in Counter(map(comparable, properties(answers, form))).items():
        if times > 1:
            findings.add(f"the JSON object would have two fields called {name}; rename a label or field", "how")


def codes_of(answers: Answers) -> tuple[str, ...]:
    """The code of each label in their order: capital letters, so each is one token and no two begin alike.

    Raises Invalid where codes cannot be used.
    """
    findings = Findings()
    _check_codes(answers, findings)
    findings.settle()
    return tuple(CODES[: len(answers.labels)])


def verdicts(answers: Answers) -> tuple[str, ...]:
    """The fields of the JSON object that hold the answer, in their order."""
    if answers.kind == "label":
        return ("label",)
    if answers.kind == "labels":
        return answers.names
    return tuple(one.name for one in answers.fields) or ("answer",)


def properties(answers: Answers, form: AnswerFormat) -> tuple[str, ...]:
    """All fields of the JSON object in their order."""
    stated = (CONFIDENCE,) if form.probabilities == "stated" else ()
    return (*form.before, *verdicts(answers), *stated)


def written(answers: Answers, verdict: str) -> tuple[str, ...]:
    """The values of one verdict field as the JSON text has them, quotes included, in the order of their index.

    A label of a set is `false`, `true`; so are the fields whose values are true and false, in their own order.
    Empty for fields that hold any number or text. This is what token probabilities are mapped to.
    """
    return tuple(json.dumps(value, ensure_ascii=False) for value in _values(answers, verdict))


def _values(answers: Answers, verdict: str) -> tuple[str | bool, ...]:
    if answers.kind == "label":
        return answers.names
    if answers.kind == "labels":
        return (False, True)
    for one in answers.fields:
        if one.name == verdict:
            return tuple(value.casefold() == "true" for value in one.values) if one.is_yes_no else one.values
    return ()


def schema(answers: Answers, form: AnswerFormat) -> dict[str, Any]:
    """The JSON schema of a reply.

    Servers that enforce it write the fields in the order of `properties`, so what comes before the verdict is really
    written first. The strict mode of OpenAI and Azure wants every field required and no others, and knows no
    optional ones; bounds such as minimum and maxLength are refused by some of its versions, so there are none and the
    reader checks instead. Its limits are 1,000 enum values in all and, on Azure, 100 fields. Raises Invalid as
    `checked` does.
    """
    checked(answers, form)
    names = properties(answers, form)
    return {
        "type": "object",
        "properties": {name: _property(answers, form, name) for name in names},
        "required": list(names),
        "additionalProperties": False,
    }


def response_format(answers: Answers, form: AnswerFormat) -> dict[str, Any]:
    """The request's `response_format` for an endpoint that can answer by a schema. Raises Invalid."""
    return {
        "type": "json_schema",
        "json_schema": {"name": "answer", "strict": True, "schema": schema(answers, form)},
    }


def _property(answers: Answers, form: AnswerFormat, name: str) -> dict[str, Any]:
    if name in form.before:
        return {"type": "string", "description": BEFORE_WORDS[name]}
    if name == CONFIDENCE and form.probabilities == "stated":
        return _confidence(answers)
    about = about_field(answers, name)
    return {**_type(answers, name), **({"description": about} if about else {})}


def _type(answers: Answers, name: str) -> dict[str, Any]:
    values = _values(answers, name)
    if not values:
        return {"type": "number" if answers.kind == "number" else "string"}
    if isinstance(values[0], bool):
        return {"type": "boolean"}
    return {"type": "string", "enum": list(values)}


def about_field(answers: Answers, name: str) -> str:
    """What the project says of a verdict field, or nothing."""
    held = answers.labels if answers.kind == "labels" else answers.fields
    return next((one.description for one in held if one.name == name), "")


def _confidence(answers: Answers) -> dict[str, Any]:
    """One number for a label, else one for each verdict field, under its name."""
    if answers.kind == "label":
        return {"type": "number", "description": "the probability, from 0 to 1, that the label is right"}
    names = verdicts(answers)
    return {
        "type": "object",
        "description": "for each field the probability, from 0 to 1, that its value is right",
        "properties": {name: {"type": "number"} for name in names},
        "required": list(names),
        "additionalProperties": False,
    }
