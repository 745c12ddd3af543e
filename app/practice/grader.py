"""A simulated judge: it counts shared words, knows no meaning, and so is wrong about whoever says it otherwise.

It reads a prompt as a language model would: what stands between tags, and which JSON fields are asked for after them.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from app.practice.forms import Field
from app.practice.overlaps import alike, share, stated, stems, whim

_TAGGED = re.compile(r"^<(?P<tag>task|facts|reference|answer|first|second)>\n(?P<text>.*?)\n</(?P=tag)>$", re.M | re.S)
_FIELD = re.compile(r'^[-*] "(?P<name>[^"\n]{1,60})":', re.MULTILINE)
_CRITERION = re.compile(r"^criterion: *(?P<text>.*?)(?=\n\n)", re.M | re.S | re.I)
_NUMBERED = re.compile(r"^(\d+)\. ", re.MULTILINE)
_ENOUGH, _BLUR = 0.6, 0.2  # share of a fact's words, and how much of that is a matter of mood
_FULLY, _PARTLY = 0.55, 0.3
_FOR_THE_FIRST, _CLEARLY = 0.02, 0.03
_NO_QUESTION = "I judge answers that stand between tags, and nothing else."
_EMPTY: Mapping[str, Any] = {"boolean": False, "number": 0, "integer": 0, "array": [], "null": None, "string": ""}

Told = Mapping[str, str]


def judged(prompt: str, form: Field | None) -> str:
    """The reply: an object of the form, or of the fields that the prompt names."""
    told, end = _told(prompt)
    reason, found = _verdict(told, prompt)
    values = {"reason": f"By shared words alone, simulated: {reason}.", **found}
    if form is not None and form.fields:
        return _json({field.name: _fitting(field, values) for field in form.fields})
    names = _FIELD.findall(prompt[end:])
    if not (form or (found and names)):
        return _NO_QUESTION
    return _json({name: values[name] for name in names or values if name in values})


def _told(prompt: str) -> tuple[dict[str, str], int]:
    """What stands between the tags, by their names, and where the last of them ends."""
    found = list(_TAGGED.finditer(prompt))
    return {match["tag"]: match["text"] for match in reversed(found)}, found[-1].end() if found else 0


def _verdict(told: Told, prompt: str) -> tuple[str, dict[str, Any]]:
    criterion = match["text"] if (match := _CRITERION.search(prompt)) else ""
    if "facts" in told and "answer" in told:
        return _of_facts(_facts(told["facts"]), told["answer"])
    if "first" in told and "second" in told:
        return _of_two(told["first"], told["second"], f"{criterion}\n{told.get('task', '')}")
    if "answer" in told:
        return _of_criterion(told["answer"], told.get("reference", ""), criterion)
    return "there is no answer to judge", {}


def _facts(listed: str) -> list[str]:
    parts = _NUMBERED.split(listed.strip())
    facts: list[str] = []
    for number, text in zip(parts[1::2], parts[2::2], strict=True):
        if int(number) == len(facts) + 1:
            facts.append(text.strip())
        elif facts:
            facts[-1] += f"\n{number}. {text.strip()}"
    return facts


def _of_facts(facts: Sequence[str], answer: str) -> tuple[str, dict[str, Any]]:
    there = [_is_stated(fact, answer) for fact in facts]
    return f"{sum(there)} of {len(facts)} facts", {f"fact_{at}": one for at, one in enumerate(there, 1)}


def _is_stated(fact: str, answer: str) -> bool:
    found = stated(fact, answer)
    return found >= 1 or found + _BLUR * (whim(fact, answer) - 0.5) >= _ENOUGH


def _of_criterion(answer: str, reference: str, criterion: str) -> tuple[str, dict[str, Any]]:
    """By the reference where there is one, else by the criterion's own words."""
    found = alike(answer, reference) if stems(reference) else share(criterion, answer)
    level = "yes" if found >= _FULLY else "partly" if found >= _PARTLY else "no"
    beside = "the reference" if stems(reference) else "the criterion"
    return f"{found:.2f} in common with {beside}", {"fulfilled": level}


def _of_two(first: str, second: str, asked: str) -> tuple[str, dict[str, Any]]:
    """Whoever shares more words with the task; where it is close, the one it reads first has a small advantage."""
    ahead = alike(first, asked) - alike(second, asked)
    ahead += _FOR_THE_FIRST if ahead else 0.0
    better = "equal" if abs(ahead) < _CLEARLY else "first" if ahead > 0 else "second"
    return f"the first is {ahead:+.2f} ahead in common with the task", {"better": better}


def _fitting(field: Field, values: Mapping[str, Any]) -> Any:
    """The judge's value where the form takes it, else the emptiest that fits."""
    value = values.get(field.name)
    fits: Callable[[Any], bool] = {"values": field.values.__contains__, "boolean": _is_yes_no}.get(field.kind, _is_text)
    if value is not None and fits(value):
        return value
    if field.kind == "values":
        return field.values[0]
    if field.kind == "object":
        return {one.name: _fitting(one, values) for one in field.fields}
    return _EMPTY[field.kind]


def _is_yes_no(value: Any) -> bool:
    return isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _json(values: Mapping[str, Any]) -> str:
    return json.dumps(values, ensure_ascii=False)
