"""How replies are compared with right answers: the options that fit a kind of answers, chosen, checked, in words."""

from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from decimal import Decimal
from typing import Any

from app.domain.answerspace import GRADED, JUDGED_BY_CRITERION, MATCHES, Answers, Kind, Numbers, Texts, checked
from app.domain.findings import Findings
from app.domain.prompts import clean
from app.domain.roles import Part

Options = Mapping[str, Any]

OPTIONS: dict[Kind, tuple[str, ...]] = {
    "number": tuple(one.name for one in fields(Numbers)),
    "text": tuple(one.name for one in fields(Texts)),
}
ALL = (*OPTIONS["text"], *OPTIONS["number"])
_WITH = {
    "separated": ("exact", "contains"),
    "criterion": JUDGED_BY_CRITERION,
    "grader": GRADED,
    "right_from": GRADED,
}  # what goes with some matches alone
_MANY: dict[Kind, str] = {
    "label": "labels",
    "labels": "sets of labels",
    "fields": "checklists",
    "number": "numbers",
    "text": "texts",
}


def chosen(answers: Answers, options: Options) -> Answers:
    """The answers compared with these options. What is not named stays as it is, unless it does not fit any more.

    Raises Invalid naming each option that does not fit.
    """
    findings = Findings()
    for name in options:
        if name not in OPTIONS.get(answers.kind, ()):
            findings.add(_stranger(name, answers.kind), name)
    findings.settle()
    if answers.kind == "number":
        return checked(replace(answers, numbers=_numbers(answers.numbers, options)))
    if answers.kind == "text":
        return checked(replace(answers, texts=_texts(answers.texts, options)))
    return answers


def _stranger(name: str, kind: Kind) -> str:
    for other, names in OPTIONS.items():
        if name in names:
            said = f"says how {_MANY[other]} are compared, and the answers here are taken for {_MANY[kind]}"
            return f"{said}; choose the kind {other} if they are {_MANY[other]}"
    return f"is no option; there are {', '.join(ALL)}"


def _numbers(base: Numbers, options: Options) -> Numbers:
    given = replace(base, **options)
    return replace(given, tolerance=_written(given.tolerance))


def _texts(base: Texts, options: Options) -> Texts:
    given, usual = replace(base, **options), Texts()
    if given.match in MATCHES:
        findings = Findings()
        for name in _unfit(given.match):
            if options.get(name) and str(options[name]) != str(getattr(usual, name)):
                findings.add(f"goes with {' or '.join(_WITH[name])} only; texts match by {given.match}", name)
        findings.settle()
        given = replace(given, **{name: getattr(usual, name) for name in _unfit(given.match)})
    criterion = clean(given.criterion)[0].replace("\r\n", "\n").strip()
    return replace(given, criterion=criterion, grader=given.grader.strip(), right_from=_written(given.right_from))


def _unfit(match: str) -> tuple[str, ...]:
    """What texts that match so have no use for."""
    return tuple(name for name, matches in _WITH.items() if match not in matches)


def fitting(kind: str, match: str) -> tuple[str, ...]:
    """The options that there are for a kind of answers, and for this match of texts."""
    return tuple(name for one, names in OPTIONS.items() if one == kind for name in names if name not in _unfit(match))


def _written(number: Any) -> str:
    return str(number).strip().replace(",", ".")


def over(before: Options, options: Options) -> dict[str, Any]:
    """Options that were given before, with those that are given now; of the former only what still fits."""
    unfit = _unfit(options["match"]) if "match" in options else ()
    return {**{name: value for name, value in before.items() if name not in unfit}, **options}


def options_of(answers: Answers) -> dict[str, Any]:
    """Every option as it is; nothing where there is nothing to choose."""
    if answers.kind == "number":
        return asdict(answers.numbers)
    return asdict(answers.texts) if answers.kind == "text" else {}


def part_of(match: str) -> Part:
    """What a grader must be able to do."""
    return "embedder" if match == "similarity" else "judge"


def in_words(answers: Answers) -> str:
    """One line for people; nothing where a reply is simply one of the labels or values."""
    if answers.kind == "number":
        return _numbers_in_words(answers.numbers)
    return _texts_in_words(answers.texts) if answers.kind == "text" else ""


def _numbers_in_words(numbers: Numbers) -> str:
    allowed = Decimal(numbers.tolerance)
    within = f"{_plain(allowed * 100)} % of it" if numbers.relative else _plain(allowed)
    said = f"A reply is right when its number differs by {within} at most" if allowed else "A reply is right when it gives the same number"  # fmt: skip
    marks = [
        *(["1,234 is read as 1.234"] if numbers.comma else []),
        *(["18 % is read as 0.18"] if numbers.percent_as_share else []),
    ]
    return "; ".join([said, *marks]) + "."


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}" if abs(number.adjusted()) < 30 else str(number)


def _texts_in_words(texts: Texts) -> str:
    grader, mark = texts.grader, texts.right_from
    said = {
        "exact": "A reply is right when it is the same text, whatever its case and punctuation",
        "contains": "A reply is right when the reference's words stand in it, whatever their case",
        "regex": "A reply is right when the reference, a regular expression, is found in it",
        "similarity": f"{grader} compares meanings; a reply is right from a similarity of {mark}",
        "facts": f"{grader} looks which facts of the reference a reply states; it is right from a share of {mark}",
        "criterion": f"{grader} judges each reply by a criterion; it is right from a grade of {mark}",
        "preference": f"{grader} compares each reply with the reference by a criterion; it is right from a grade of {mark}",
    }[texts.match]
    return said + ("; a reference holds several right answers, with | between them." if texts.separated else ".")
