"""What an answer of a project can be: one label, a set of labels, a checklist, a number or a short text."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal, InvalidOperation
from math import prod
from typing import Any, Literal, get_args

from app.domain.answers import Label, comparable
from app.domain.findings import Findings
from app.errors import Invalid

Kind = Literal["label", "labels", "fields", "number", "text"]
Match = Literal["exact", "contains", "regex", "similarity", "facts", "criterion", "preference"]
KINDS: tuple[Kind, ...] = get_args(Kind)
MATCHES: tuple[Match, ...] = get_args(Match)
GRADED: tuple[Match, ...] = ("similarity", "facts", "criterion", "preference")
JUDGED_BY_CRITERION: tuple[Match, ...] = ("criterion", "preference")
LONGEST_CRITERION = 2_000
MOST_IN_A_SET = 62
MOST_COMBINATIONS = 2**62
YES_NO = ("true", "false")


@dataclass(frozen=True)
class Field:
    """One question of a checklist with the values it can have; without values it is text to be extracted."""

    name: str
    values: tuple[str, ...] = ()
    description: str = ""

    @property
    def is_yes_no(self) -> bool:
        return sorted(value.casefold() for value in self.values) == sorted(YES_NO)


@dataclass(frozen=True)
class Numbers:
    """How a number is read and compared.

    `tolerance` is a decimal number in the unit of the reference, or a share of the reference when `relative`;
    0 asks for the same number. `comma` says that the comma is the decimal mark where a number can be read in two
    ways: "1,234" is then 1.234 and "1.234" is 1234, otherwise the other way round. With `percent_as_share` 18 % is
    0.18, otherwise the sign is a unit like any other and 18 % is 18.
    """

    tolerance: str = "0"
    relative: bool = False
    comma: bool = False
    percent_as_share: bool = False


@dataclass(frozen=True)
class Texts:
    """How a text is compared; `separated`: a reference holds several right answers with `|` between them.

    A match of `GRADED` asks a grader, the endpoint with that full name, for a grade from 0 to 1; an answer counts as
    right from `right_from` on, a decimal number. `criterion` is what a judge looks at.
    """

    match: Match = "exact"
    separated: bool = False
    criterion: str = ""
    grader: str = ""
    right_from: str = "0.5"


@dataclass(frozen=True)
class Answers:
    """Everything that an answer can be; what does not belong to the kind stays empty.

    Kind `text` with fields, which have no values then, is the extraction of several texts.
    """

    kind: Kind = "label"
    labels: tuple[Label, ...] = ()
    fields: tuple[Field, ...] = ()
    numbers: Numbers = field(default_factory=Numbers)
    texts: Texts = field(default_factory=Texts)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(label.name for label in self.labels)

    @property
    def is_extraction(self) -> bool:
        return self.kind == "text" and bool(self.fields)

    @property
    def is_open(self) -> bool:
        """Whether readings say only right or wrong, since there is no closed list of answers."""
        return self.kind in ("number", "text")


def checked(answers: Answers) -> Answers:
    """The same answers. Raises Invalid with everything that makes them unusable."""
    findings = Findings()
    _check_belonging(answers, findings)
    if answers.kind in ("label", "labels"):
        _check_labels(answers, findings)
    if answers.fields:
        _check_fields(answers, findings)
    if answers.kind == "number":
        _check_tolerance(answers.numbers.tolerance, findings)
    findings.settle()
    return answers


def _check_belonging(answers: Answers, findings: Findings) -> None:
    if answers.kind not in KINDS:
        findings.add(f"the kind of answers must be one of {', '.join(KINDS)}; given was {answers.kind!r}", "kind")
    if answers.labels and answers.kind not in ("label", "labels"):
        findings.add(f"answers of kind {answers.kind} have no labels", "labels")
    if answers.fields and answers.kind not in ("fields", "text"):
        findings.add(f"answers of kind {answers.kind} have no fields", "fields")
    if answers.kind == "fields" and not answers.fields:
        findings.add("a checklist needs at least one field", "fields")
    if answers.texts.match not in MATCHES:
        findings.add(f"texts match by one of {', '.join(MATCHES)}; given was {answers.texts.match!r}", "match")
    if answers.is_extraction and answers.texts.match != "exact":
        findings.add("texts of several fields are compared exactly; choose exact", "match")
    if answers.kind == "text":
        _check_grading(answers.texts, findings)


def _check_grading(texts: Texts, findings: Findings) -> None:
    if texts.match not in GRADED:
        return
    if not texts.grader.strip():
        findings.add(f"{texts.match} needs a grader: the PROVIDER/NAME of an endpoint", "grader")
    if texts.match in JUDGED_BY_CRITERION and not 0 < len(texts.criterion.strip()) <= LONGEST_CRITERION:
        findings.add(f"say in at most {LONGEST_CRITERION:,} characters what the judge looks at", "criterion")
    if texts.separated:
        findings.add(
            f"{texts.match} takes the reference as it is; several right answers cannot be told apart", "separated"
        )
    mark = _decimal(texts.right_from)
    if mark is None or not 0 < mark <= 1:
        said = f"must be a number above 0 and up to 1, such as 0.5; given was {texts.right_from!r}"
        findings.add(said, "right_from")


def _check_labels(answers: Answers, findings: Findings) -> None:
    fewest = 2 if answers.kind == "label" else 1
    if len(answers.labels) < fewest:
        findings.add(f"answers of kind {answers.kind} need at least {fewest} labels", "labels")
    if answers.kind == "labels" and len(answers.labels) > MOST_IN_A_SET:
        findings.add(f"a set can be of at most {MOST_IN_A_SET} labels; given were {len(answers.labels)}", "labels")
    _check_names(answers.names, "labels", findings)


def _check_fields(answers: Answers, findings: Findings) -> None:
    _check_names([field.name for field in answers.fields], "fields", findings)
    for one in answers.fields:
        where = f"field {one.name}"
        if ":" in one.name:
            findings.add("a field's name may hold no colon, since replies are read as field: value", where)
        if set("[];=") & set(one.name):
            findings.add("a field's name may hold none of [ ] ; =, since goals name fields and values so", where)
        if answers.kind == "text" and one.values:
            findings.add("a text to be extracted has no list of values", where)
        if answers.kind == "fields" and len(one.values) < 2:
            findings.add("a field needs at least two values, such as true and false", where)
        _check_names(one.values, where, findings)
    if answers.kind == "fields" and combinations(answers.fields) > MOST_COMBINATIONS:
        findings.add(
            f"the fields have more than 2^62 combinations of values; use fewer of {len(answers.fields)}", "fields"
        )


def _check_names(names: Sequence[str], where: str, findings: Findings) -> None:
    """Names must be one line each, and none may read like another."""
    for name in names:
        if not comparable(name):
            findings.add(f"{name!r} cannot be read back: it holds no letter or digit", where)
        elif name != " ".join(name.split()):
            findings.add(f"{name!r} has blanks at an end, two in a row or a line break; leave them out", where)
    for reading, times in Counter(map(comparable, names)).items():
        if reading and times > 1:
            same = " and ".join(repr(name) for name in names if comparable(name) == reading)
            findings.add(f"{same} would be read as the same", where)


def _check_tolerance(text: str, findings: Findings) -> None:
    tolerance = _decimal(text)
    if tolerance is None or not 0 <= tolerance <= Decimal("1e30"):
        findings.add(f"the tolerance must be a number from 0, such as 0.01; given was {text!r}", "tolerance")


def _decimal(text: str) -> Decimal | None:
    try:
        found = Decimal(text)
    except (InvalidOperation, ValueError):
        return None
    return found if found.is_finite() else None


def combinations(fields: Iterable[Field]) -> int:
    return prod(len(one.values) for one in fields)


def dump(answers: Answers) -> dict[str, Any]:
    """Plain JSON data that `load` understands; the options of other kinds are left out."""
    data: dict[str, Any] = {"kind": answers.kind}
    if answers.labels:
        data["labels"] = [asdict(label) for label in answers.labels]
    if answers.fields:
        data["fields"] = [{**asdict(one), "values": list(one.values)} for one in answers.fields]
    if answers.kind == "number":
        data["numbers"] = asdict(answers.numbers)
    if answers.kind == "text":
        data["texts"] = asdict(answers.texts)
    return data


def load(data: Any) -> Answers:
    """Answers from plain JSON data; a list of labels, as old projects have it, is kind `label`.

    Raises Invalid when the data cannot be understood or `checked` refuses what it says.
    """
    if isinstance(data, list):
        return Answers("label", tuple(map(_label, data)))
    if not isinstance(data, Mapping):
        raise Invalid("answers must be an object with a kind, or a list of labels")
    try:
        answers = Answers(
            data.get("kind", "label"),
            tuple(map(_label, data.get("labels", ()))),
            tuple(map(_field, data.get("fields", ()))),
            _numbers(data.get("numbers", {})),
            _texts(data.get("texts", {})),
        )
    except (TypeError, KeyError, AttributeError) as fault:
        raise Invalid(f"answers cannot be understood: {fault}") from fault
    return checked(answers)


def _label(data: Any) -> Label:
    return Label(data) if isinstance(data, str) else Label(str(data["name"]), str(data.get("description", "")))


def _field(data: Any) -> Field:
    values = tuple(map(_value, data.get("values", ())))
    return Field(str(data["name"]), values, str(data.get("description", "")))


def _numbers(data: Any) -> Numbers:
    given = replace(Numbers(), **data)
    return replace(given, tolerance=str(given.tolerance))


def _texts(data: Any) -> Texts:
    given = replace(Texts(), **data)
    return replace(given, right_from=str(given.right_from))


def _value(value: Any) -> str:
    """A value as a reply writes it: JSON's truth values and numbers become their text."""
    return str(value).lower() if isinstance(value, bool) else str(value)
