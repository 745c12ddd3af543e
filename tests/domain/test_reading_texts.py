"""Short texts: exact, contained, by a pattern, and several by their fields."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.answerspace import Answers, Field, Texts
from app.domain.formats import PLAIN, AnswerFormat
from app.domain.readers.reading import read
from app.domain.readers.readings import Reference
from app.domain.readers.texts import normalised
from app.errors import Invalid
from tests.domain.answer_kinds import PERSON, TEXT

JSON = AnswerFormat("json")
SEVERAL = Answers("text", texts=Texts(separated=True))
CONTAINS = Answers("text", texts=Texts("contains"))
REGEX = Answers("text", texts=Texts("regex"))


@pytest.mark.parametrize(
    ("reply", "reference", "right"),
    [
        ("Москва", "москва", True),
        ("Answer: «Москва».", "москва", True),
        ("**Ответ:** Москва", "Москва", True),
        ("Великобритания", "Великобритания.", True),
        ("The  Buggles\n", "the buggles", True),
        ("Ｐａｒｉｓ", "Paris", True),
        ("(A)", "(A)", True),
        ("A.", "(A)", True),
        ("] ) )", "] ) )", True),
        (") )", "] ) )", False),
        ("-147", "147", False),
        ("147", "-147", False),
        ("10²", "102", False),
        ("½", "1⁄2", False),
        ("It is Москва", "Москва", False),
        ("Moscow or Paris", "Paris", False),
        ('"this" or "that"', 'this" or "that', False),
        ("C++", "C", False),
        ("Answer:", "Answer", True),
    ],
)
def test_a_text_is_right_when_only_form_tells_it_from_the_reference(reply: str, reference: str, right: bool) -> None:
    reading = read(reply, TEXT, PLAIN, reference)
    assert (reading.code, reading.score) == (int(not right), float(right))


@pytest.mark.parametrize("reply", ["", " \n", "\t"])
def test_an_empty_reply_is_unreadable(reply: str) -> None:
    assert read(reply, TEXT, PLAIN, "x").why == "the reply is empty"


def test_the_value_of_a_reading_is_kept_short_and_clean() -> None:
    value = read("\ud800a\x00" + "b" * 1000, TEXT, PLAIN, "x").value
    assert value.startswith("ab")
    assert len(value) <= 500


@pytest.mark.parametrize("reference", [["Гашек", "Ярослав Гашек"], "Гашек|Ярослав Гашек", " Гашек | | Ярослав Гашек "])
def test_several_answers_may_be_right(reference: Reference) -> None:
    replies = ("Гашек", "ярослав гашек", "Чапек")
    assert [read(reply, SEVERAL, PLAIN, reference).code for reply in replies] == [0, 0, 1]


def test_a_bar_is_a_plain_character_unless_the_project_says_otherwise() -> None:
    assert [read(reply, TEXT, PLAIN, "a|b").code for reply in ("a", "a|b")] == [1, 0]


@pytest.mark.parametrize("reference", [None, "", " | ", [], ["", None]])
def test_a_reference_without_text_is_an_error_of_the_set(reference: Reference) -> None:
    with pytest.raises(Invalid, match="the reference is empty"):
        read("x", SEVERAL, PLAIN, reference)


@pytest.mark.parametrize(
    ("reply", "reference", "right"),
    [
        ("The capital is Paris, of course.", "paris", True),
        ("Comparison", "paris", False),
        ("female", "male", False),
        ("It has 18 legs", "18", True),
        ("It has 180 legs", "18", False),
        ("1.18", "18", False),
        ("-18", "18", False),
        ("18.5", "18", False),
        ("In the end 18.", "18", True),
    ],
)
def test_contains_looks_for_whole_words_and_numbers(reply: str, reference: str, right: bool) -> None:
    assert read(reply, CONTAINS, PLAIN, reference).score == float(right)


@pytest.mark.parametrize(
    ("reply", "reference", "right"),
    [
        ("due 2026-11-30", r"\b\d{4}-\d\d-\d\d\b", True),
        ("Order 66", r"^order", False),
        ("Order 66", r"(?i)^order", True),
        ("a|b", r"^(a|b)$", False),
    ],
)
def test_a_pattern_is_searched_in_the_reply(reply: str, reference: str, right: bool) -> None:
    assert read(reply, REGEX, PLAIN, reference).score == float(right)


def test_a_pattern_that_would_hang_other_engines_is_quick_and_long_replies_are_not_read() -> None:
    assert read("a" * 19_000 + "b", REGEX, PLAIN, "(a+)+$").code == 1
    assert "longer than 20,000" in read("a" * 20_001, REGEX, PLAIN, "a").why


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ('{"answer": "Paris"}', 0),
        ('So it must be\n```\n{"answer": "paris."}\n```', 0),
        ('{"answer": "Rome"}', 1),
        ('{"answer": ""}', -1),
        ('{"answer": null}', -1),
        ('{"answer": ["Paris"]}', -1),
        ("Paris", -1),
    ],
)
def test_a_text_is_read_from_json(reply: str, code: int) -> None:
    assert read(reply, TEXT, JSON, "Paris").code == code


WANTED = {"name": ["Ann", "Anna"], "city": "Riga"}


@pytest.mark.parametrize(
    ("found", "score"),
    [
        ({"name": "anna", "city": "Riga."}, 1.0),
        ({"name": "Ann", "city": "Rome"}, 0.5),
        ({"name": "Eve", "city": None}, 0.0),
        ({"name": "Ann"}, None),
        ({"name": {"first": "Ann"}, "city": "Riga"}, None),
    ],
)
def test_extracted_texts_are_scored_by_their_share(found: dict[str, object], score: float | None) -> None:
    for reference in (WANTED, json.dumps(WANTED)):
        reading = read(json.dumps(found), PERSON, JSON, reference)
        assert reading.score == score
        assert reading.code == (-1 if score is None else int(score < 1))


def test_extracted_texts_may_stand_in_lines() -> None:
    reading = read("Name: Ann\nCity: Riga", PERSON, PLAIN, WANTED)
    assert (reading.code, reading.value) == (0, "name: Ann · city: Riga")


def test_what_the_input_does_not_tell_must_be_left_out() -> None:
    reference = {"name": "Ann", "city": None}
    cities: list[object] = [None, "", "Riga"]
    replies = [json.dumps({"name": "Ann", "city": city}) for city in cities]
    assert [read(reply, PERSON, JSON, reference).score for reply in replies] == [1.0, 1.0, 0.5]


def test_numbers_and_truth_values_are_extracted_as_text() -> None:
    answers = Answers("text", fields=(Field("age"), Field("adult")))
    assert read('{"age": 42, "adult": true}', answers, JSON, {"age": 42, "adult": True}).score == 1.0


@given(st.text(max_size=40))
def test_normalising_twice_changes_nothing_more_than_once(text: str) -> None:
    once = normalised(text)
    assert normalised(text + " ") == once
    assert normalised(f"«{once}»") in (once, f"«{once}»".casefold(), normalised(once))
