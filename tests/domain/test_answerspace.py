"""What answers can be, as data and as one integer each."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.answercodes import (
    UNREADABLE,
    decode,
    digits_of,
    encode,
    how_many,
    name_of,
)
from app.domain.answers import Label
from app.domain.answerspace import Answers, Field, Numbers, Texts, checked, dump, load
from app.domain.references import expected
from app.domain.shapes import shape_of
from app.errors import Invalid
from tests.domain.answer_kinds import CHECKS, EVERY_KIND, MAIL, MOODS, NUMBER, PERSON, TEXT


def labels(*names: str) -> tuple[Label, ...]:
    return tuple(Label(name) for name in names)


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_answers_come_back_from_their_json_data(kind: str) -> None:
    answers = checked(EVERY_KIND[kind])
    assert load(json.loads(json.dumps(dump(answers)))) == answers


def test_options_come_back_too() -> None:
    number = Answers("number", numbers=Numbers("0.5", relative=True, comma=True, percent_as_share=True))
    text = Answers("text", texts=Texts("contains", separated=True))
    assert [load(dump(number)), load(dump(text))] == [number, text]


@pytest.mark.parametrize("data", [["spam", "ham"], [{"name": "spam", "description": ""}, {"name": "ham"}]])
def test_a_list_of_labels_as_old_projects_have_it_is_one_label_of_many(data: list[object]) -> None:
    assert load(data) == Answers("label", labels("spam", "ham"))


def test_truth_values_and_numbers_in_data_become_the_text_of_a_reply() -> None:
    loaded = load(
        {"kind": "fields", "fields": [{"name": "a", "values": [True, False]}, {"name": "b", "values": [1, 2]}]}
    )
    assert [one.values for one in loaded.fields] == [("true", "false"), ("1", "2")]
    assert load({"kind": "number", "numbers": {"tolerance": 0.01}}).numbers.tolerance == "0.01"


REFUSED = {
    "unknown kind": ({"kind": "picture"}, "the kind of answers must be one of"),
    "no data": (None, "must be an object with a kind"),
    "label without name": ({"kind": "label", "labels": [{"title": "a"}]}, "cannot be understood"),
    "unknown option": ({"kind": "number", "numbers": {"rounding": 1}}, "cannot be understood"),
    "one label": ({"kind": "label", "labels": ["a"]}, "at least 2 labels"),
    "same reading": ({"kind": "label", "labels": ["Spam", "spam."]}, "'Spam' and 'spam.' would be read as the same"),
    "no letter": ({"kind": "label", "labels": ["a", "--"]}, "'--' cannot be read back"),
    "line break": ({"kind": "label", "labels": ["a", "b\nc"]}, "a line break"),
    "63 labels in a set": ({"kind": "labels", "labels": [f"l{i}" for i in range(63)]}, "at most 62 labels"),
    "labels of a number": ({"kind": "number", "labels": ["a", "b"]}, "kind number have no labels"),
    "fields of labels": ({"kind": "labels", "labels": ["a"], "fields": [{"name": "x"}]}, "have no fields"),
    "no field": ({"kind": "fields"}, "at least one field"),
    "one value": (
        {"kind": "fields", "fields": [{"name": "x", "values": ["a"]}]},
        "field x: a field needs at least two",
    ),
    "colon": ({"kind": "fields", "fields": [{"name": "x:y", "values": ["a", "b"]}]}, "no colon"),
    "values of a text": ({"kind": "text", "fields": [{"name": "x", "values": ["a", "b"]}]}, "has no list of values"),
    "63 fields": (
        {"kind": "fields", "fields": [{"name": f"f{i}", "values": ["a", "b"]} for i in range(63)]},
        "more than 2^62 combinations",
    ),
    "unknown match": ({"kind": "text", "texts": {"match": "fuzzy"}}, "exact, contains, regex"),
    "contains in fields": (
        {"kind": "text", "fields": [{"name": "x"}], "texts": {"match": "contains"}},
        "are compared exactly",
    ),
    "tolerance": ({"kind": "number", "numbers": {"tolerance": "-1"}}, "must be a number from 0"),
    "tolerance in words": ({"kind": "number", "numbers": {"tolerance": "a little"}}, "must be a number from 0"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_answers_that_cannot_be_used_are_refused_with_the_reason(name: str) -> None:
    data, says = REFUSED[name]
    with pytest.raises(Invalid) as refused:
        load(data)
    assert says in str(refused.value)


def test_everything_wrong_is_said_at_once() -> None:
    with pytest.raises(Invalid) as refused:
        load({"kind": "fields", "fields": [{"name": "x:y", "values": ["a"]}, {"name": "z", "values": ["b", "B"]}]})
    assert len(refused.value.problems) == 3


@pytest.mark.parametrize(
    ("answers", "value", "code", "name"),
    [
        (MAIL, "ham", 1, "ham"),
        (MAIL, " 'Phishing'. ", 2, "phishing"),
        (MOODS, [], 0, "none"),
        (MOODS, ["glad", "angry"], 0b101, "angry, glad"),
        (MOODS, "sad", 0b010, "sad"),
        (CHECKS, {"tone": "rude", "spam": "true"}, 0, "tone: rude · spam: true"),
        (CHECKS, {"spam": False, "Tone": "neutral"}, 2 + 3, "tone: neutral · spam: false"),
    ],
)
def test_an_answer_has_one_code_and_a_code_one_name(
    answers: Answers, value: str | list[str] | dict[str, str | bool], code: int, name: str
) -> None:
    assert encode(answers, value) == code
    assert name_of(answers, code) == name
    assert encode(answers, decode(answers, code)) == code


def test_an_unreadable_reply_and_right_and_wrong_have_names() -> None:
    assert [name_of(NUMBER, code) for code in (0, 1, UNREADABLE)] == ["right", "wrong", "unreadable"]


@pytest.mark.parametrize(
    ("answers", "value", "says"),
    [
        (MAIL, "eggs", "'eggs' is no label here; there are: spam, ham, phishing"),
        (MOODS, ["sad", "mad"], "'mad' is no label"),
        (CHECKS, {"tone": "rude"}, "field spam: has no value"),
        (CHECKS, {"tone": "odd", "spam": "true", "size": "1"}, "field tone: 'odd' is no value"),
        (NUMBER, "5", "kind number cannot be coded"),
    ],
)
def test_what_is_no_answer_has_no_code(
    answers: Answers, value: str | list[str] | dict[str, str | bool], says: str
) -> None:
    with pytest.raises(Invalid, match=says):
        encode(answers, value)


@pytest.mark.parametrize("code", [-1, 6, 2**63])
def test_numbers_that_are_no_code_are_refused(code: int) -> None:
    with pytest.raises(ValueError, match="no code of these answers"):
        digits_of(CHECKS, code)


@st.composite
def closed_answers(draw: st.DrawFn) -> Answers:
    kind = draw(st.sampled_from(["label", "labels", "fields"]))
    if kind == "fields":
        sizes = draw(st.lists(st.integers(2, 9), min_size=1, max_size=12))
        return Answers(
            "fields", fields=tuple(Field(f"f{i}", tuple(f"v{v}" for v in range(n))) for i, n in enumerate(sizes))
        )
    names = labels(*(f"l{i}" for i in range(draw(st.integers(2, 62)))))
    return Answers("label", names) if kind == "label" else Answers("labels", names)


@given(answers=closed_answers(), data=st.data())
def test_every_code_comes_back_alone_and_among_many(answers: Answers, data: st.DataObject) -> None:
    codes = data.draw(st.lists(st.integers(UNREADABLE, how_many(checked(answers)) - 1), max_size=8))
    shape = shape_of(answers)
    columns = shape.decoded(np.array(codes, np.int64)).tolist()
    assert len(columns) == len(codes)
    for code, row in zip(codes, columns, strict=True):
        if code == UNREADABLE:
            assert row == [-1] * len(shape.digits)
        else:
            assert tuple(row) == digits_of(answers, code)
            assert encode(answers, decode(answers, code)) == code


def test_the_largest_code_of_a_full_set_fits_the_columns() -> None:
    full = Answers("labels", labels(*(f"l{i}" for i in range(62))))
    assert shape_of(full).decoded(np.array([2**62 - 1, 0])).tolist() == [[1] * 62, [0] * 62]


@pytest.mark.parametrize(
    ("answers", "cell", "code"),
    [
        (MAIL, "Ham", 1),
        (MOODS, "glad, sad", 0b110),
        (MOODS, ["glad"], 0b100),
        (MOODS, "", 0),
        (MOODS, None, 0),
        (MOODS, "none", 0),
        (CHECKS, {"tone": "polite", "spam": True}, 1),
        (CHECKS, '{"tone": "polite", "spam": false}', 4),
        (CHECKS, "tone: polite\nspam: no", 4),
        (NUMBER, "1,234.50", 0),
        (NUMBER, 7, 0),
        (TEXT, "Paris", 0),
        (PERSON, '{"name": "Ann", "city": null}', 0),
        (Answers("text", texts=Texts("regex")), r"^\d+$", 0),
    ],
)
def test_a_cell_of_a_file_is_read_as_the_expected_answer(answers: Answers, cell: object, code: int) -> None:
    assert expected(answers, cell) == code


@pytest.mark.parametrize(
    ("answers", "cell", "says"),
    [
        (MAIL, "eggs", "'eggs' is not one label alone"),
        (MAIL, "", "the reference is empty"),
        (MOODS, "glad, mad", "'mad' is no label"),
        (CHECKS, "tone: polite", "field spam is missing"),
        (CHECKS, "{}", "field tone is missing"),
        (NUMBER, "many", "is no number"),
        (NUMBER, None, "is no number"),
        (TEXT, " ", "the reference is empty"),
        (PERSON, "Ann", "must be a JSON object"),
        (PERSON, {"name": "Ann"}, "lacks the field city"),
        (Answers("text", texts=Texts("regex")), "(", "not valid"),
    ],
)
def test_a_cell_that_is_no_answer_is_refused_with_the_reason(answers: Answers, cell: object, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        expected(answers, cell)
