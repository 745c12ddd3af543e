"""Replies in plain words, codes and JSON for one label, a set of labels and a checklist."""

import json
from typing import Any

import pytest

from app.domain.answers import Label, read_label
from app.domain.answerspace import Answers, Field
from app.domain.formats import PLAIN, AnswerFormat
from app.domain.readers.reading import read
from tests.domain.answer_kinds import CHECKS, MAIL, MOODS

JSON, CODES = AnswerFormat("json"), AnswerFormat("codes")
ANGRY, SAD, GLAD = 1, 2, 4


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ("spam", 0),
        (" Ham.\n", 1),
        ("**Answer:** `phishing`", 2),
        ("Ответ: «ham»", 1),
        ("ＨＡＭ", 1),
        ("", -1),
        ("I think it is spam", -1),
        ("spam or ham", -1),
        ("not spam", -1),
        ("spam\nham", -1),
        ('{"label": "spam"}', -1),
        ("eggs", -1),
    ],
)
def test_a_label_is_read_only_when_it_stands_alone(reply: str, code: int) -> None:
    assert read(reply, MAIL).code == code
    old = read_label(reply, MAIL.names)
    assert code == (-1 if old is None else old)


def test_a_reading_says_what_was_read_or_why_nothing_was() -> None:
    assert read("Spam!", MAIL).value == "spam"
    assert read(" ", MAIL).why == "the reply is empty"
    assert read("it is\nspam", MAIL).why == "'it is spam' is not one label alone"
    assert len(read("spam " * 100_000, MAIL).why) < 120


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ("A", 0),
        ("b", 1),
        ("C.", 2),
        ("(A)", 0),
        ("B)", 1),
        ("Answer: A", 0),
        ("**A**", 0),
        ("A: spam", 0),
        ("(B) ham", 1),
        ("A: ham", -1),
        ("A B", -1),
        ("A or B", -1),
        ("D", -1),
        ("А", -1),
        ("spam", -1),
        ("AA", -1),
        ("", -1),
    ],
)
def test_a_code_is_read_alone_or_beside_its_own_label(reply: str, code: int) -> None:
    assert read(reply, MAIL, CODES).code == code


def test_labels_that_are_letters_do_not_take_the_place_of_codes() -> None:
    grades = Answers("label", (Label("B"), Label("A")))
    assert [read(reply, grades, CODES).code for reply in ("A", "B", "A: B", "A: A")] == [0, 1, 0, -1]


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ("angry", ANGRY),
        ("angry, Sad", ANGRY | SAD),
        ("glad; angry", ANGRY | GLAD),
        ("- sad\n- glad", SAD | GLAD),
        ("1. sad\n2. glad", SAD | GLAD),
        ("• angry\n• sad\n", ANGRY | SAD),
        ('["sad", "glad"]', SAD | GLAD),
        ("Labels: sad, sad", SAD),
        ("Answer:\nsad\nglad", SAD | GLAD),
        ("Ответ: sad", SAD),
        ("none", 0),
        ("None.", 0),
        ("Answer: none", 0),
        ("нет", 0),
        ("[]", 0),
        ("", -1),
        (" ,, ", -1),
        ("none, sad", -1),
        ("sad and glad", -1),
        ("sad, mad", -1),
        ("not sad", -1),
        ("sad: yes", -1),
        ("none of them, or sad", -1),
    ],
)
def test_a_set_of_labels_is_a_list_of_nothing_else(reply: str, code: int) -> None:
    assert read(reply, MOODS).code == code


@pytest.mark.parametrize(
    ("reply", "code"), [("A, C", ANGRY | GLAD), ("B", SAD), ("none", 0), ("A: angry\nB: sad", 3), ("A D", -1)]
)
def test_a_set_is_also_read_from_codes(reply: str, code: int) -> None:
    assert read(reply, MOODS, CODES).code == code


def test_marks_inside_labels_do_not_part_them() -> None:
    films = Answers("labels", (Label("Monsters, Inc"), Label("Up"), Label("none")))
    assert read("Up\nmonsters, inc", films).code == 0b011
    assert read("up; Monsters, Inc", films).code == 0b011
    assert read("Up, none", films).code == -1
    assert read("none", films).code == 0b100


def test_a_number_that_numbers_a_list_is_not_taken_off_a_number() -> None:
    stars = Answers("labels", (Label("1"), Label("2"), Label("5")))
    assert read("2. 5", stars).code == -1
    assert read("2, 5", stars).code == 0b110


RUDE_SPAM, POLITE_HAM = 0, 1 + 3


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ("tone: rude\nspam: true", RUDE_SPAM),
        ("Spam: no\n\nTone: Polite.", POLITE_HAM),
        ("- **tone**: polite\n- **spam**: нет", POLITE_HAM),
        ("tone: rude; spam: yes", RUDE_SPAM),
        ("Answer:\ntone: rude\nspam: true", RUDE_SPAM),
        ("```\ntone: rude\nspam: true\n```", RUDE_SPAM),
        ("tone: rude", -1),
        ("tone: rude\nspam: maybe", -1),
        ("tone: rude\ntone: polite\nspam: true", -1),
        ("tone: rude\nspam: true\nsize: big", -1),
        ("Here it is\ntone: rude\nspam: true", -1),
        ("tone: rude or polite\nspam: true", -1),
        ("", -1),
    ],
)
def test_a_checklist_is_read_line_by_line(reply: str, code: int) -> None:
    assert read(reply, CHECKS).code == code


def test_yes_no_fields_may_have_their_values_in_either_order() -> None:
    turned = Answers("fields", fields=(Field("spam", ("false", "true")),))
    assert [read(f"spam: {word}", turned).code for word in ("yes", "true", "no", "false")] == [1, 1, 0, 0]
    assert [read(json.dumps({"spam": word}), turned, JSON).code for word in (True, "yes", False, "No")] == [1, 1, 0, 0]


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ('{"label": "spam"}', 0),
        ('{"Label": " HAM "}', 1),
        ('```json\n{"label": "ham"}\n```', 1),
        ('It sells things, so:\n{"label": "spam"}', 0),
        ('{"label": "spam", "note": {"why": ["a", 1.5, null]}}', 0),
        ('{"label": "spam"} {"label": "spam"}', 0),
        (r'With \frac{1}{2} and {a, b}: {"label": "ham"}', 1),
        ('{"label": "spam"} {"label": "ham"}', -1),
        ('[{"label": "spam"}, {"label": "ham"}]', -1),
        ('{"label": "spam"} Wait, it is ham.', -1),
        ('```json\n{"label": "spam"}\n```\nNo: ham', -1),
        ('{"label": "spam", "label": "ham"}', -1),
        ('{"label": "spam", "LABEL": "spam"}', -1),
        ('{"answer": "spam"}', -1),
        ('{"label": "spam or ham"}', -1),
        ('{"label": ["spam"]}', -1),
        ('{"label": null}', -1),
        ('{"label": "spam"', -1),
        ("{'label': 'spam'}", -1),
        ('{label: spam} {"label": "ham"}', -1),
        ('{"draft": {"label": "ham"}, "label": spam}', -1),
        ('{"quote": "he said {"label":"ham"}", "label": "spam"}', -1),
        ("{“label”: “spam”}", -1),
        ('"{\\"label\\": \\"spam\\"}"', -1),
        ('{"label": "spam", "p": NaN}', -1),
        ("spam", -1),
        ("", -1),
        ("{" * 100_000, -1),
        ('{"a":' * 100_000, -1),
        ('{"label": "spam", "n": ' + "9" * 5000 + "}", -1),
    ],
)
def test_a_label_is_read_from_the_one_object_that_ends_the_reply(reply: str, code: int) -> None:
    reading = read(reply, MAIL, JSON)
    assert reading.code == code
    assert bool(reading.why) == (code == -1)


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        ("spam", "the reply holds no JSON object"),
        ('{"label": "spam"', "the JSON object is broken or incomplete"),
        ('{"label": "spam", "label": "ham"}', "the JSON object has the field label twice"),
        ('{"x": 1}', "the field label is missing"),
        ('{"label": "eggs"}', "'eggs' is no value of the field label"),
        ('{"label": {}}', "null, a list or an object is no value of the field label"),
        ('{"label": "spam"} {"label": "ham"}', "the reply holds two different JSON objects"),
        ('{"label": "spam"} because', "text follows the JSON object"),
    ],
)
def test_an_object_that_cannot_be_read_has_its_reason(reply: str, why: str) -> None:
    assert read(reply, MAIL, JSON).why == why


@pytest.mark.parametrize(
    ("found", "code"),
    [
        ({"angry": True, "sad": False, "glad": "yes"}, ANGRY | GLAD),
        ({"angry": "false", "sad": "no", "glad": False}, 0),
        ({"angry": True, "sad": False}, -1),
        ({"angry": 1, "sad": False, "glad": False}, -1),
        ({"labels": ["angry"]}, -1),
    ],
)
def test_a_set_in_json_has_a_truth_value_for_every_label(found: dict[str, Any], code: int) -> None:
    assert read(json.dumps(found), MOODS, JSON).code == code


@pytest.mark.parametrize(
    ("found", "code"),
    [
        ({"quote": "x", "tone": "rude", "spam": True}, RUDE_SPAM),
        ({"spam": "no", "tone": "Polite"}, POLITE_HAM),
        ({"spam": True}, -1),
        ({"spam": True, "tone": True}, -1),
        ({"spam": None, "tone": "rude"}, -1),
    ],
)
def test_a_checklist_in_json_needs_every_field(found: dict[str, Any], code: int) -> None:
    assert read(json.dumps(found), CHECKS, JSON).code == code


def test_values_that_are_numbers_may_be_json_numbers() -> None:
    stars = Answers("label", (Label("1"), Label("2"), Label("2.5")))
    replies = ['{"label": 2}', '{"label": "2"}', '{"label": 2.0}', '{"label": 2.5}', '{"label": 3}', '{"label": 1e999}']
    assert [read(reply, stars, JSON).code for reply in replies] == [1, 1, 1, 2, -1, -1]


STATED = AnswerFormat("json", (), "stated")


@pytest.mark.parametrize(
    ("answers", "reply", "stated"),
    [
        (MAIL, '{"label": "spam", "confidence": 0.75}', (0.75,)),
        (MAIL, '{"label": "spam", "confidence": 75}', ()),
        (MAIL, '{"label": "spam", "confidence": true}', ()),
        (MAIL, '{"label": "spam"}', ()),
        (CHECKS, '{"tone": "rude", "spam": true, "confidence": {"tone": 0.5, "Spam": 1}}', (0.5, 1.0)),
        (CHECKS, '{"tone": "rude", "spam": true, "confidence": {"tone": 0.5}}', ()),
        (CHECKS, '{"tone": "rude", "spam": true, "confidence": 1}', ()),
    ],
)
def test_stated_confidence_is_read_beside_the_verdict_which_does_not_depend_on_it(
    answers: Answers, reply: str, stated: tuple[float, ...]
) -> None:
    reading = read(reply, answers, STATED)
    assert (reading.code, reading.stated) == (0, stated)
    assert read(reply, answers, JSON).stated == ()


@pytest.mark.parametrize("form", [PLAIN, JSON, CODES])
def test_scores_of_closed_answers_are_left_to_their_codes(form: AnswerFormat) -> None:
    assert read('{"label": "spam"}', MAIL, form).score is None
