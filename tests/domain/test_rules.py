"""How replies are compared: which options fit, what is checked, and how it is said in one line."""

import json
from typing import Any

import pytest

from app.domain.answerspace import Answers, Numbers, Texts
from app.domain.columns import Wishes, guess_columns
from app.domain.examples import read_examples
from app.domain.rules import chosen, fitting, in_words, options_of, over, part_of
from app.domain.tables import TableLimits, read_table
from app.errors import Invalid

NUMBER, TEXT = Answers("number"), Answers("text")
JUDGED: Any = {"match": "criterion", "criterion": "Is it polite?", "grader": "practice/scholar-v1"}


@pytest.mark.parametrize(
    ("before", "options", "after"),
    [
        (NUMBER, {"tolerance": 0.01, "relative": True}, Numbers("0.01", relative=True)),
        (NUMBER, {"tolerance": " 0,5 ", "comma": True}, Numbers("0.5", comma=True)),
        (TEXT, {"match": "contains", "separated": True}, Texts("contains", separated=True)),
        (TEXT, JUDGED, Texts("criterion", criterion="Is it polite?", grader="practice/scholar-v1")),
        (chosen(TEXT, JUDGED), {"right_from": 1}, Texts(**JUDGED, right_from="1")),
        (chosen(TEXT, JUDGED), {"match": "facts"}, Texts("facts", grader="practice/scholar-v1")),
        (chosen(TEXT, JUDGED), {"match": "exact"}, Texts()),
        (chosen(TEXT, {"separated": True}), JUDGED, Texts(**JUDGED)),
        (chosen(TEXT, {"separated": True}), {"match": "contains"}, Texts("contains", separated=True)),
    ],
)
def test_options_change_what_they_name_and_drop_what_does_not_fit_any_more(
    before: Answers, options: dict[str, Any], after: Numbers | Texts
) -> None:
    found = chosen(before, options)
    assert (found.numbers if before.kind == "number" else found.texts) == after


@pytest.mark.parametrize(
    ("answers", "options", "where", "said"),
    [
        (TEXT, {"tolerance": "1"}, "tolerance", "how numbers are compared, and the answers here are taken for texts"),
        (NUMBER, {"match": "contains"}, "match", "how texts are compared, and the answers here are taken for numbers"),
        (Answers("label"), {"comma": True}, "comma", "the answers here are taken for labels"),
        (TEXT, {"case": True}, "case", "is no option"),
        (TEXT, {"match": "fuzzy"}, "match", "texts match by one of exact, contains"),
        (TEXT, {"match": "exact", "criterion": "x"}, "criterion", "goes with criterion or preference only"),
        (TEXT, {"match": "regex", "separated": True}, "separated", "goes with exact or contains only"),
        (TEXT, {"match": "facts"}, "grader", "facts needs a grader"),
        (TEXT, {**JUDGED, "criterion": " "}, "criterion", "what the judge looks at"),
        (TEXT, {**JUDGED, "right_from": "2"}, "right_from", "above 0 and up to 1"),
        (NUMBER, {"tolerance": "-1"}, "tolerance", "must be a number from 0"),
        (NUMBER, {"tolerance": "a bit"}, "tolerance", "must be a number from 0"),
    ],
)
def test_an_option_that_does_not_fit_is_named(answers: Answers, options: Any, where: str, said: str) -> None:
    with pytest.raises(Invalid) as refused:
        chosen(answers, options)
    problem = refused.value.problems[0]
    assert problem.where == where
    assert said in problem.message


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (NUMBER, "A reply is right when it gives the same number."),
        (chosen(NUMBER, {"tolerance": "0.50"}), "A reply is right when its number differs by 0.5 at most."),
        (
            chosen(NUMBER, {"tolerance": "0.01", "relative": True, "comma": True, "percent_as_share": True}),
            "A reply is right when its number differs by 1 % of it at most; 1,234 is read as 1.234; "
            "18 % is read as 0.18.",
        ),
        (TEXT, "A reply is right when it is the same text, whatever its case and punctuation."),
        (
            chosen(TEXT, {"match": "contains", "separated": True}),
            "A reply is right when the reference's words stand in it, whatever their case; "
            "a reference holds several right answers, with | between them.",
        ),
        (
            chosen(TEXT, JUDGED),
            "practice/scholar-v1 judges each reply by a criterion; it is right from a grade of 0.5.",
        ),
        (Answers("label"), ""),
    ],
)
def test_a_rule_is_said_in_one_line(answers: Answers, said: str) -> None:
    assert in_words(answers) == said


def test_options_given_later_win_and_what_they_make_useless_goes() -> None:
    assert over(JUDGED, {"match": "exact"}) == {"match": "exact"}
    assert over(JUDGED, {"right_from": "1"}) == {**JUDGED, "right_from": "1"}
    assert over({"tolerance": "1"}, {"comma": True}) == {"tolerance": "1", "comma": True}
    assert fitting("text", "facts") == ("match", "grader", "right_from")
    assert fitting("number", "exact") == tuple(options_of(NUMBER))
    assert (part_of("similarity"), part_of("facts")) == ("embedder", "judge")


@pytest.mark.parametrize(
    ("rule", "reference", "said"),
    [
        ({"match": "regex"}, "a(b", "cannot be compared by regex"),
        ({"match": "facts", "grader": "a/b"}, "|".join(map(str, range(41))), "holds 41 facts; it must hold 1 to 40"),
        ({"match": "facts", "grader": "a/b"}, " - ", "holds 0 facts"),
        ({"match": "contains", "separated": True}, " | ", "the reference is empty"),
        ({"tolerance": "1"}, "about", "the answers here are taken for texts"),
    ],
)
def test_a_reference_that_the_rule_cannot_use_is_named_with_its_row(rule: Any, reference: str, said: str) -> None:
    rows = [{"question": f"question {n}", "reference": reference if n == 3 else f"answer {n}"} for n in range(30)]
    table = read_table("\n".join(map(json.dumps, rows)).encode(), "a.jsonl", TableLimits())
    with pytest.raises(Invalid) as refused:
        read_examples(table, guess_columns(table, wishes=Wishes(rule=rule)), "ask")
    problem = refused.value.problems[0]
    assert said in problem.message
    assert problem.where in ("line 4, column reference", "tolerance")
