"""Every reference of real sets is read back from the replies that models give, in every format that it has."""

import json
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest

from app.domain.answercodes import decode, encode, name_of
from app.domain.answers import Label
from app.domain.answerspace import MOST_IN_A_SET, Answers, Field, Texts, checked, dump, load
from app.domain.formats import PLAIN, AnswerFormat, codes_of
from app.domain.readers.reading import reader
from app.domain.references import expected
from app.domain.shapes import shape_of
from app.errors import Invalid
from tests.conftest import data_folder

JSON, CODES = AnswerFormat("json"), AnswerFormat("codes")


def rows(name: str) -> list[dict[str, Any]]:
    lines = (data_folder() / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def of_labels(kind: Any, names: Iterable[str]) -> Answers:
    answers = checked(Answers(kind, tuple(map(Label, sorted(set(names))))))
    assert load(dump(answers)) == answers
    return answers


def test_every_gsm8k_number_is_read_from_the_ways_in_which_models_end() -> None:
    numbers = checked(Answers("number"))
    plain, from_json = reader(numbers), reader(numbers, JSON)
    for row in rows("gsm8k"):
        reference, solution = row["reference"], row["meta"]["solution"]
        grouped = f"{int(reference):,}"
        assert expected(numbers, reference) == 0
        for reply in (
            reference,
            f"The answer is ${grouped}.",
            f"The answer is {reference}.",
            f"{solution}\n#### {reference}",
            f"{solution}\n\n**Answer:** {grouped} in total",
            f"{solution}\nОтвет: {grouped.replace(',', ' ')}",
            solution + "\n$\\boxed{" + reference + "}$",
        ):
            assert plain.read(reply, reference).score == 1.0, reply
        assert from_json.read(f'{solution}\n{{"answer": {reference}}}', reference).score == 1.0
        assert plain.read(f"{solution}\n#### {int(reference) + 1}", reference).score == 0.0


def test_no_gsm8k_solution_without_a_marked_end_is_read() -> None:
    plain = reader(Answers("number"))
    readings = [plain.read(row["meta"]["solution"], row["reference"]) for row in rows("gsm8k")]
    assert all(reading.code == -1 for reading in readings)


@pytest.mark.parametrize("name", ["bbh", "rubq"])
def test_every_short_answer_is_read_back_and_no_other_one_is_taken_for_it(name: str) -> None:
    answers = checked(Answers("text"))
    plain, from_json = reader(answers), reader(answers, JSON)
    references = [row["reference"] for row in rows(name)]
    for reference, other in zip(references, references[1:] + references[:1], strict=True):
        for reply in (reference, f" {reference}\n", f"Answer: {reference}", f"Ответ: {reference}", reference.upper()):
            assert plain.read(reply, reference).score == 1.0, reply
        if reference[-1].isalnum() and "«" not in reference:
            assert plain.read(f"Ответ: «{reference}».", reference).score == 1.0, reference
        assert from_json.read(json.dumps({"answer": reference}), reference).score == 1.0
        if other.casefold() != reference.casefold():
            assert plain.read(other, reference).score == 0.0, (other, reference)


def test_a_russian_answer_may_be_one_of_several_or_stand_in_a_sentence() -> None:
    several = reader(Answers("text", texts=Texts(separated=True)))
    contains = reader(Answers("text", texts=Texts("contains")))
    for row in rows("rubq"):
        reference = row["reference"]
        assert several.read(reference, f"нечто иное|{reference}").score == 1.0
        assert contains.read(f"Думаю, это {reference}, и точка", reference).score == 1.0


@pytest.mark.parametrize("name", ["goemotions", "nlupp_banking"])
def test_every_set_of_labels_has_a_code_and_is_read_back_in_every_format(name: str) -> None:
    given = rows(name)
    answers = of_labels("labels", (label for row in given for label in row["labels"]))
    assert 20 < len(answers.labels) <= MOST_IN_A_SET
    with pytest.raises(Invalid, match="at most 20 labels"):
        codes_of(answers)
    plain, from_json, codes = reader(answers), reader(answers, JSON), []
    for row in given:
        wanted = row["labels"]
        code = encode(answers, wanted)
        assert set(decode(answers, code)) == set(wanted)
        assert expected(answers, wanted) == expected(answers, ", ".join(wanted)) == code
        for reply in (", ".join(wanted) or "none", "\n".join(f"- {label}" for label in wanted) or "None."):
            assert plain.read(reply).code == code
        assert from_json.read(json.dumps({label: label in wanted for label in answers.names})).code == code
        assert plain.read(name_of(answers, code)).code == code
        codes.append(code)
    counts = shape_of(answers).decoded(np.array(codes, np.int64)).sum(axis=0).tolist()
    assert counts == [sum(label in row["labels"] for row in given) for label in answers.names]


def test_the_same_sets_as_a_checklist_of_yes_and_no() -> None:
    given = rows("nlupp_banking")
    names = sorted({label for row in given for label in row["labels"]})
    answers = checked(Answers("fields", fields=tuple(Field(name, ("true", "false")) for name in names)))
    plain, from_json = reader(answers), reader(answers, JSON)
    for row in given[:500]:
        wanted = {name: name in row["labels"] for name in names}
        code = encode(answers, {name: str(value).lower() for name, value in wanted.items()})
        assert from_json.read(json.dumps(wanted)).code == code
        assert (
            plain.read("\n".join(f"{name}: {'yes' if value else 'no'}" for name, value in wanted.items())).code == code
        )


@pytest.mark.parametrize("name", ["banking77", "trec6", "rusentne2023", "nlbse24_issues", "sms_spam"])
def test_every_label_is_read_back_in_every_format(name: str) -> None:
    answers = of_labels("label", (row["label"] for row in rows(name)))
    plain, from_json = reader(answers), reader(answers, JSON)
    for index, label in enumerate(answers.names):
        assert expected(answers, label) == encode(answers, label) == index
        for reply in (label, f"Answer: {label}.", f"**{label.upper()}**"):
            assert plain.read(reply).code == index
        assert from_json.read(f'Because.\n```json\n{{"label": "{label}"}}\n```').code == index
    if len(answers.labels) <= 20:
        by_code = reader(answers, CODES)
        assert [by_code.read(f"({code})").code for code in codes_of(answers)] == list(range(len(answers.labels)))
    else:
        with pytest.raises(Invalid, match="use text or json"):
            reader(answers, CODES)


def test_plain_text_is_the_format_of_projects_that_never_chose_one() -> None:
    assert reader(load(["ham", "spam"])) is reader(load(["ham", "spam"]), PLAIN)
