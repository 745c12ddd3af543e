"""What makes a whole set of examples useless as a test set, by the kind of its answers; and the answers it has."""

from collections.abc import Iterable, Sequence

from app.domain.answers import Label, read_label
from app.domain.answerspace import MOST_IN_A_SET, Answers, Field, Kind, checked
from app.domain.examplerows import Example
from app.domain.findings import Findings
from app.domain.rightanswers import parts_of
from app.errors import Invalid

SMALLEST, MOST_LABELS, MOST_VALUES = 20, 500, 100


def answers_of(kind: Kind, examples: Iterable[Example], labels: Sequence[str] = ()) -> Answers:
    """What an answer can be by what the examples have, unchecked; `labels` known before keep their places."""
    if kind == "fields":
        return Answers("fields", fields=_fields(examples))
    if kind not in ("label", "labels"):
        return Answers(kind)
    found = {part for example in examples for part in parts_of(example.reference)}
    return Answers(kind, tuple(map(Label, (*labels, *sorted(found - set(labels))))))


def _fields(examples: Iterable[Example]) -> tuple[Field, ...]:
    """Every field with its values in the order of their text, but true before false."""
    found: dict[str, set[str]] = {}
    for example in examples:
        for name, value in dict(_pairs(example)).items():
            found.setdefault(name, set()).add(value)
    return tuple(Field(name, _ordered(values)) for name, values in found.items())


def _ordered(values: set[str]) -> tuple[str, ...]:
    """A yes/no field has both values, also where the file holds only one."""
    return ("true", "false") if values <= {"true", "false"} else tuple(sorted(values))


def _pairs(example: Example) -> list[tuple[str, str]]:
    return [(part[0], part[1]) for part in example.reference if not isinstance(part, str)]


def check_set(examples: Sequence[Example], kind: Kind) -> None:
    """Raises Invalid: too few rows, one label, too many labels, names that read the same."""
    findings = Findings()
    if kind == "label":
        _check_label_set(examples, findings)
    else:
        _check_size(examples, findings)
        _check_answers(examples, kind, findings)
    findings.settle()


def _check_size(examples: Sequence[Example], findings: Findings) -> None:
    if len(examples) < SMALLEST:
        findings.add(f"only {len(examples)} usable rows; at least {SMALLEST} are needed")


def _check_answers(examples: Sequence[Example], kind: Kind, findings: Findings) -> None:
    if len({example.reference for example in examples}) == 1:
        findings.add("every row has the same right answer; at least two different ones are needed", "label")
        return
    answers = answers_of(kind, examples)
    if len(answers.labels) > MOST_IN_A_SET:
        findings.add(f"{len(answers.labels)} different labels; a set can be of at most {MOST_IN_A_SET}", "label")
        return
    for one in answers.fields:
        if len(one.values) > MOST_VALUES:
            findings.add(f"{len(one.values)} different values: this looks like free text, not a field", one.name[:80])
            return
    try:
        checked(answers)
    except Invalid as fault:
        for problem in fault.problems:
            findings.add(problem.message, problem.where if kind == "fields" else "label")


def _check_label_set(examples: Sequence[Example], findings: Findings) -> None:
    labels = sorted({example.label for example in examples})
    if len(labels) == 1:
        findings.add(f"every row has the label {labels[0]}; at least two labels are needed", "label")
    if len(examples) < SMALLEST:
        _check_size(examples, findings)
    elif len(labels) > MOST_LABELS or 2 * len(labels) > len(examples):
        looks = f"{len(labels)} different labels in {len(examples)} rows: this looks like free text"
        findings.add(f"{looks}; choose the kind text, or number, if they are no labels", "label")
    else:
        _check_labels(labels, findings)


def _check_labels(labels: Sequence[str], findings: Findings) -> None:
    for index, label in enumerate(labels):
        read = read_label(label, labels)
        if read_label("", [label]) is not None:
            findings.add(f"{label!r} cannot be read back as a label: it holds no letter or digit", "label")
        elif read is not None and read != index:
            findings.add(f"{labels[read]!r} and {label!r} would be read as the same label", "label")
