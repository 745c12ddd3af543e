"""How answers are asked for: what goes together, the schema, the words."""

import json
from typing import Any

import pytest

from app.domain.answers import Label, describe_format
from app.domain.answerspace import Answers, Field
from app.domain.formats import PLAIN, AnswerFormat, checked, codes_of, dump, load, response_format, schema, written
from app.domain.wording import describe, instructions
from app.errors import Invalid
from tests.domain.answer_kinds import CHECKS, EVERY_KIND, MAIL, MOODS, NUMBER, PERSON, TEXT

JSON = AnswerFormat("json")
MANY = Answers("label", tuple(Label(f"label {number}") for number in range(21)))


@pytest.mark.parametrize(
    "form", [PLAIN, JSON, AnswerFormat("json", ("reasoning", "quote"), "logprobs"), AnswerFormat("codes", (), "votes")]
)
def test_a_format_comes_back_from_its_json_data(form: AnswerFormat) -> None:
    assert load(json.loads(json.dumps(dump(form)))) == form


@pytest.mark.parametrize("data", [None, {}])
def test_without_a_format_answers_are_plain_text_without_probabilities(data: object) -> None:
    assert load(data) == PLAIN == AnswerFormat("text", (), "none")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"how": "xml"}, "one of text, json, codes"),
        ({"before": ["poem"], "how": "json"}, "'poem' is unknown"),
        ({"before": ["quote", "quote"], "how": "json"}, "only once"),
        ({"before": "quote"}, "a list"),
        ({"probabilities": "guess"}, "none, logprobs, votes, stated"),
        ("json", "must be an object"),
    ],
)
def test_an_unknown_format_is_refused_with_what_there_is(data: object, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        load(data)


@pytest.mark.parametrize(
    ("answers", "form", "says"),
    [
        (MAIL, AnswerFormat("text", ("quote",)), "need the json format"),
        (MANY, AnswerFormat("codes"), "at most 20 labels; there are 21"),
        (CHECKS, AnswerFormat("codes"), "kind fields have none"),
        (NUMBER, AnswerFormat("json", (), "logprobs"), "closed list of answers"),
        (MAIL, AnswerFormat("text", (), "stated"), "needs the json format"),
        (MOODS, AnswerFormat("text", (), "logprobs"), "a set of labels are read from a JSON object: choose the json"),
        (MOODS, AnswerFormat("codes", (), "logprobs"), "choose the json format, or votes"),
        (CHECKS, AnswerFormat("text", (), "logprobs"), "several fields are read from a JSON object"),
        (Answers("labels", (Label("Quote"),)), AnswerFormat("json", ("quote",)), "two fields called quote"),
        (
            Answers("fields", fields=(Field("confidence", ("a", "b")),)),
            AnswerFormat("json", (), "stated"),
            "two fields called confidence",
        ),
    ],
)
def test_answers_and_formats_that_do_not_go_together_are_refused(
    answers: Answers, form: AnswerFormat, says: str
) -> None:
    with pytest.raises(Invalid, match=says):
        checked(answers, form)


@pytest.mark.parametrize("how", ["text", "json"])
@pytest.mark.parametrize("answers", [MAIL, MOODS, CHECKS])
def test_votes_go_with_every_closed_kind_of_answer(answers: Answers, how: Any) -> None:
    assert checked(answers, AnswerFormat(how, (), "votes")).probabilities == "votes"


def test_codes_are_single_letters_in_the_order_of_the_labels() -> None:
    assert codes_of(MAIL) == ("A", "B", "C")
    assert codes_of(Answers("label", MANY.labels[:20]))[-1] == "T"


@pytest.mark.parametrize(
    ("kind", "probabilities"),
    [*((kind, "none") for kind in EVERY_KIND), *((kind, "stated") for kind in ("label", "labels", "fields"))],
)
def test_a_schema_is_strict_at_every_level_and_keeps_the_order_of_the_fields(kind: str, probabilities: Any) -> None:
    answers = EVERY_KIND[kind]
    form = AnswerFormat("json", ("reasoning", "quote"), probabilities)
    made = json.loads(json.dumps(schema(answers, form)))
    assert list(made["properties"])[:2] == ["reasoning", "quote"]
    for part in (made, *(one for one in made["properties"].values() if one["type"] == "object")):
        assert part["additionalProperties"] is False
        assert part["required"] == list(part["properties"])
    assert response_format(answers, form)["json_schema"]["strict"] is True


def test_the_schema_of_each_kind_says_what_the_values_are() -> None:
    kinds = {name: schema(answers, JSON)["properties"] for name, answers in EVERY_KIND.items()}
    assert kinds["label"]["label"] == {"type": "string", "enum": ["spam", "ham", "phishing"]}
    assert kinds["labels"] == {name: {"type": "boolean"} for name in ("angry", "sad", "glad")}
    assert kinds["fields"]["tone"]["enum"] == ["rude", "polite", "neutral"]
    assert kinds["fields"]["tone"]["description"] == "of the whole text"
    assert kinds["fields"]["spam"] == {"type": "boolean"}
    assert kinds["number"] == {"answer": {"type": "number"}}
    assert kinds["text"] == {"answer": {"type": "string"}}
    assert list(kinds["extraction"]) == ["name", "city"]


def test_values_are_written_as_the_json_text_has_them() -> None:
    quoted = Answers("label", (Label('say "no"'), Label("да")))
    assert written(quoted, "label") == ('"say \\"no\\""', '"да"')
    assert written(MOODS, "sad") == ("false", "true")
    assert written(CHECKS, "spam") == ("true", "false")
    assert written(CHECKS, "tone") == ('"rude"', '"polite"', '"neutral"')
    assert written(TEXT, "answer") == ()


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_plain_text_adds_nothing_to_a_prompt(kind: str) -> None:
    assert instructions(EVERY_KIND[kind]) == ""


def test_the_words_for_one_label_in_plain_text_are_those_of_always() -> None:
    assert describe(MAIL) == describe_format(MAIL.labels)


def test_json_instructions_name_the_fields_in_order_with_their_values() -> None:
    said = instructions(CHECKS, AnswerFormat("json", ("quote",), "stated")).splitlines()
    assert [line.split('"')[1] for line in said[1:]] == ["quote", "tone", "spam", "confidence"]
    assert said[2] == '- "tone": one of "rude", "polite", "neutral"; of the whole text'
    assert said[3] == '- "spam": true or false'


def test_code_instructions_hold_the_table() -> None:
    assert instructions(MAIL, AnswerFormat("codes")).splitlines()[1:] == ["A: spam", "B: ham", "C: phishing"]


@pytest.mark.parametrize(
    ("kind", "how"),
    [*((kind, how) for kind in EVERY_KIND for how in ("text", "json")), ("label", "codes"), ("labels", "codes")],
)
def test_the_words_for_an_author_name_every_label_and_field(kind: str, how: Any) -> None:
    answers, form = EVERY_KIND[kind], AnswerFormat(how)
    said = describe(answers, form)
    for name in (*answers.names, *(one.name for one in answers.fields)):
        assert name in said
    assert "\n" not in said


def test_labels_with_commas_are_asked_for_one_on_a_line() -> None:
    assert "each on a line of its own" in describe(Answers("labels", (Label("Monsters, Inc"), Label("Up"))))


def test_the_fields_of_an_extraction_are_asked_for_by_name() -> None:
    assert '"city": text' in instructions(PERSON, JSON)
