"""From rows to labelled examples: columns guessed, bad rows named, repeats dropped, contradictions handed to a person."""

import json
from random import Random
from typing import Any

import pytest

from app.domain.columns import Columns, Wishes, guess_columns
from app.domain.examples import ConflictingLabels, Imported, build_examples
from app.domain.tables import Row, Table
from app.errors import Invalid
from tests.conftest import data_folder

Values = dict[str, Any]


def table(rows: list[Values]) -> Table:
    columns = dict.fromkeys(name for row in rows for name in row)
    return Table(tuple(columns), tuple(Row(line, row) for line, row in enumerate(rows, start=1)), 0)


def good_rows(count: int = 40) -> list[Values]:
    return [{"input": f"text number {i}", "label": "ab"[i % 2]} for i in range(count)]


def imported(rows: list[Values], on_conflict: str = "refuse", **choices: Any) -> Imported:
    made = table(rows)
    return build_examples(made, guess_columns(made, **choices), on_conflict)


def problems(rows: list[Values], **choices: Any) -> list[str]:
    with pytest.raises(Invalid) as refused:
        imported(rows, **choices)
    return [str(problem) for problem in refused.value.problems]


GUESSES: list[tuple[Values, Values, Columns]] = [
    ({"input": "x", "label": "y"}, {}, Columns("input", "label")),
    ({" Text ": "x", "CATEGORY": "y"}, {}, Columns(" Text ", "CATEGORY")),
    (
        {"prompt": "x", "message": "x", "intent": "y", "id": 1, "group": "g", "more": 1},
        {},
        Columns("message", "intent", "id", "group", (), ("prompt", "more")),
    ),
    ({"phrase": "x", "label": "y"}, {}, Columns("phrase", "label")),
    ({"a": "x", "b": "y"}, {"input_column": "A", "label_column": "b"}, Columns("a", "b")),
    (
        {"text": "x", "label": "y", "tone": "t", "city": "c"},
        {"wanted_variables": ("tone",)},
        Columns("text", "label", None, None, ("tone",), ("city",)),
    ),
    (
        {"text": "x", "label": "y", "meta": {"group": "g", "lang": "en"}},
        {"wanted_variables": ("meta.lang", "text")},
        Columns("text", "label", None, "meta.group", ("meta.lang", "text"), ("meta",)),
    ),
    ({"Текст": "x", "Метка": "y"}, {}, Columns("Текст", "Метка")),
    (
        {"вопрос": "x", "Категория": "y", "ответ": "a", "Пользователь": "u", "дата_создания": "2024-01-01"},
        {},
        Columns("вопрос", "Категория", None, "Пользователь", (), ("ответ", "дата_создания"), at="дата_создания"),
    ),
    ({"комментарий": "x", "класс": "y"}, {}, Columns("комментарий", "класс")),
    ({"Текст обращения": "x", "категория": "y"}, {}, Columns("Текст обращения", "категория")),
]


@pytest.mark.parametrize(("row", "choices", "columns"), GUESSES)
def test_columns_are_guessed_by_name_and_choices_go_before_guesses(
    row: Values, choices: Values, columns: Columns
) -> None:
    assert guess_columns(table([row]), **choices) == columns


@pytest.mark.parametrize(
    ("row", "choices", "said"),
    [
        (
            {"input": "x", "note": "y"},
            {},
            ["label_column: no column looks like the label; name it. There are: input, note"],
        ),
        (
            {"a": "x", "b": "y", "c": 1},
            {},
            ["input_column: no column looks like the input", "label_column: no column looks like"],
        ),
        (
            {"input": "x"},
            {"label_column": "kind"},
            ["label_column: there is no column kind for the label; there are: input"],
        ),
        ({"input": "x", "label": "y"}, {"label_column": "input"}, ["input and label cannot both be the column input"]),
        (
            {"input": "x", "label": "y"},
            {"wanted_variables": ("tone", "label")},
            [
                "tone: the prompt has a placeholder {{tone}}, but there is no such column; there are: input, label",
                "label: the prompt has the placeholder {{label}}, which would show the label",
            ],
        ),
    ],
)
def test_a_column_that_is_not_there_is_said_with_those_that_are(row: Values, choices: Values, said: list[str]) -> None:
    found = problems([row], **choices)
    assert len(found) == len(said)
    assert all(expected in message for message, expected in zip(found, said, strict=True))


ROLES: Values = {"text": "x", "label": "y", "user": "u", "date": "2024-01-01", "meta": {"user": "u"}}


@pytest.mark.parametrize(
    ("row", "wishes", "said"),
    [
        (ROLES, Wishes(group="Label"), "group_column: the column label holds the answer, and all rows of one answer"),
        (
            ROLES,
            Wishes(group="text"),
            "group_column: the column text holds the input, and rows with the same input are",
        ),
        (ROLES, Wishes(time="label"), "time_column: the column label holds the answer, not when a row came to be"),
        (ROLES, Wishes(time="text"), "time_column: the column text holds the input, not when a row came to be"),
        (ROLES, Wishes(group="customer"), "group_column: there is no column customer for the group; there are: text,"),
        (ROLES, Wishes(time="meta.day"), "time_column: there is no column meta.day for the time; there are: text,"),
        (
            {"text": "x", "label": {"tone": "a"}},
            Wishes(group="label.tone"),
            "group_column: the column label.tone holds the answer",
        ),
        (
            {"text": "x", "late": True, "rude": False},
            Wishes(group="rude"),
            "group_column: the column rude holds the answer",
        ),
    ],
)
def test_a_column_of_groups_or_times_that_cannot_be_one_is_refused_by_name(
    row: Values, wishes: Wishes, said: str
) -> None:
    with pytest.raises(Invalid) as refused:
        guess_columns(table([row]), wishes=wishes)
    assert [str(problem)[: len(said)] for problem in refused.value.problems] == [said]


def test_one_column_may_hold_groups_and_times_as_of_all_that_came_on_one_day() -> None:
    columns = guess_columns(table([ROLES]), wishes=Wishes(group="date"))
    assert (columns.group, columns.at) == ("date", "date")


def test_a_guess_never_takes_the_column_of_the_input_or_the_answer() -> None:
    columns = guess_columns(table([{"document": "x", "date": "2024-01-01"}]), "document", "date")
    assert (columns.group, columns.at, columns.time_problem) == (None, None, "")


@pytest.mark.parametrize(
    ("times", "problem"),
    [
        (
            {"date": ["03/04/2023"]},
            "Column date: could have the day first or the month first; write dates as 2023-07-16.",
        ),
        ({"time": [""]}, "Column time: holds no times."),
        ({"time": ["soon", "late"]}, "Column time: holds no times that can be read; write times as 2023-07-16 or"),
        ({"at": ["2023-07-16", "2023-07-17", "soon"]}, "Column at: line 3 and 12 more cannot be read as a time like"),
        ({"date": ["2023-07-16", "", ""]}, "Column date: only 14 of 40 rows have a time, and at least half must."),
        ({"created_at": ["soon"], "date": ["03/04/2023"]}, "Column created_at: holds no times that can be read"),
    ],
)
def test_a_column_named_like_times_that_cannot_be_used_says_why(times: Values, problem: str) -> None:
    rows = [{**row, **{name: held[i % len(held)] for name, held in times.items()}} for i, row in enumerate(good_rows())]
    columns = guess_columns(table(rows))
    assert (columns.at, columns.time_problem[: len(problem)]) == (None, problem)
    assert guess_columns(table(rows), wishes=Wishes(time="-")).time_problem == columns.time_problem


def test_the_first_column_whose_times_can_be_read_is_the_one() -> None:
    rows = [{**row, "created_at": "soon", "date": "2023-07-16", "meta": {"at": "2024-01-01"}} for row in good_rows()]
    assert (guess_columns(table(rows)).at, guess_columns(table(rows)).time_problem) == ("date", "")
    none = guess_columns(table(rows), wishes=Wishes(time="-"))
    assert (none.at, none.time_problem) == (None, "Column date holds times, but is not chosen.")


BAD_ROWS: list[tuple[Values, list[str]]] = [
    ({"label": "a"}, ["column input: is missing"]),
    ({"input": None, "label": "a"}, ["column input: is missing"]),
    ({"input": " \n", "label": "a"}, ["column input: is empty"]),
    ({"input": 5, "label": "a"}, ["column input: is not text"]),
    ({"input": ["x"], "label": "a"}, ["column input: is not text"]),
    ({"input": "x"}, ["column label: is missing"]),
    ({"input": "x", "label": ""}, ["column label: is empty"]),
    ({"input": "x", "label": ["a"]}, ["column label: is not one label (text, number, true or false)"]),
    ({"input": "x", "label": "y" * 201}, ["column label: is longer than 200 characters, too long for a label"]),
    ({"input": "", "label": {}}, ["column input: is empty", "column label: is not one label"]),
    ({"input": "x", "label": "a", "id": [1]}, ["column id: is not text or a number"]),
    ({"input": "x", "label": "a", "group": "g" * 501}, ["column group: is longer than 500 characters"]),
]


@pytest.mark.parametrize(("row", "said"), BAD_ROWS)
def test_a_bad_row_is_named_by_line_and_column(row: Values, said: list[str]) -> None:
    found = problems([*good_rows(), row])
    assert len(found) == len(said)
    assert all(f"line 41, {expected}" in message for message, expected in zip(found, said, strict=True))


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"input": "x", "label": "a"}, "line 41, column tone: is missing"),
        ({"input": "x", "label": "a", "tone": {}}, "line 41, column tone: is not text or a number"),
    ],
)
def test_every_row_needs_a_value_for_each_placeholder(row: Values, said: str) -> None:
    rows = [{**good, "tone": 1.0} for good in good_rows()]
    assert imported(rows, wanted_variables=("tone",)).examples[0].variables == {"tone": "1"}
    assert said in problems([*rows, row], wanted_variables=("tone",))[0]


def test_more_than_a_hundred_problems_end_with_how_many_there_were() -> None:
    found = problems([*good_rows(), *({"input": ""} for _ in range(60))])
    assert (len(found), found[-1]) == (101, "and 20 more problems")


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (["same"] * 40, ["every row has the label same; at least two labels are needed"]),
        (["a", "b"] * 9, ["only 18 usable rows; at least 20 are needed"]),
        (["a"] * 3, ["every row has the label a", "only 3 usable rows"]),
        ([f"answer {i}" for i in range(40)], ["40 different labels in 40 rows: this looks like free text"]),
        ([f"answer {i // 3}" for i in range(1503)], ["501 different labels in 1503 rows: this looks like free text"]),
        (["Spam", "spam", "ham"] * 10, ["'Spam' and 'spam' would be read as the same label"]),
        (["yes", "no", "no!"] * 10, ["'no' and 'no!' would be read as the same label"]),
        ([1, 0, -1] * 10, ["'-1' and '1' would be read as the same label"]),
        (["?", "yes"] * 10, ["'?' cannot be read back as a label: it holds no letter or digit"]),
    ],
)
def test_a_set_that_teaches_nothing_is_refused(labels: list[object], said: list[str]) -> None:
    found = problems([{"input": f"text {i}", "label": label} for i, label in enumerate(labels)])
    assert len(found) == len(said)
    assert all(expected in message for message, expected in zip(found, said, strict=True))


def test_labels_become_text_without_needless_blanks() -> None:
    kinds: list[object] = [True, False, 1, 2.0, 2.5, " new \n york "]
    found = imported([{"input": f"text {i}", "label": kinds[i % 6]} for i in range(60)])
    assert {example.label for example in found.examples} == {"true", "false", "1", "2", "2.5", "new york"}


def test_everything_else_is_kept_as_meta_nested_or_not() -> None:
    rows = [{**row, "id": i, "group": i % 7, "lang": "en", "more": {"a": [i]}} for i, row in enumerate(good_rows())]
    example = imported(rows).examples[3]
    assert (example.external_id, example.group, example.line) == ("3", "3", 4)
    assert example.meta == {"lang": "en", "more": {"a": [3]}}


def test_an_id_may_come_twice_only_with_the_row_it_belongs_to() -> None:
    rows = [{**row, "id": i} for i, row in enumerate(good_rows())]
    assert imported([*rows, rows[0]]).duplicates_dropped == 1
    assert problems([*rows, {**rows[0], "input": "another"}]) == ["lines 1, 41: the id 0 is used 2 times"]


def test_repeats_are_dropped_whatever_their_order_and_variables_make_a_difference() -> None:
    rows = [{**row, "tone": "kind"} for row in good_rows()]
    more = [
        {**rows[0], "group": "g"},
        {**rows[0], "tone": "rude", "label": "b"},
        {**rows[1], "input": " text number 1 "},
    ]
    shuffled = [*rows, *more]
    Random(1).shuffle(shuffled)
    one, other = (imported(made, wanted_variables=("tone",)) for made in ([*rows, *more], shuffled))
    assert (one.rows, one.duplicates_dropped, len(one.examples)) == (43, 2, 41)
    kept = [{(e.key, e.label, e.group, e.external_id) for e in found.examples} for found in (one, other)]
    assert kept[0] == kept[1]
    assert sum(example.group == "g" for example in one.examples) == 1


def test_contradictions_are_asked_about_refused_or_dropped_whole() -> None:
    rows = [*good_rows(), {"input": "text number 1", "label": "a"}, {"input": "text number 1", "label": "b"}]
    with pytest.raises(ConflictingLabels) as asked:
        imported(rows, "ask")
    assert asked.value.groups == ((2, 41, 42),)
    said = "lines 2, 41, 42: the same input has different labels (a, b); drop these rows or correct them"
    assert [str(problem) for problem in asked.value.problems] == [said]
    with pytest.raises(Invalid) as refused:
        imported(rows, "refuse")
    assert (str(refused.value), isinstance(refused.value, ConflictingLabels)) == (said, False)
    kept = imported(rows, "drop")
    assert (len(kept.examples), kept.duplicates_dropped, kept.conflicts_dropped) == (39, 0, 3)
    assert kept.conflicts == ((2, 41, 42),)


def test_the_text_of_an_example_is_all_that_a_model_sees_of_it() -> None:
    rows = [{**row, "b": "two", "a": "one"} for row in good_rows()]
    assert imported(rows, wanted_variables=("b", "a", "input")).examples[0].text == "text number 0\none\ntwo"


@pytest.mark.parametrize(
    ("name", "examples", "labels"),
    [("trec6", 2000, 6), ("banking77", 2000, 77), ("rusentne2023", 1200, 3), ("prompt_attacks", 1200, 4)],
)
def test_real_sets_are_read_whole(name: str, examples: int, labels: int) -> None:
    lines = (data_folder() / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    found = imported([json.loads(line) for line in lines])
    assert (len(found.examples), found.duplicates_dropped, found.conflicts_dropped) == (examples, 0, 0)
    assert len({example.label for example in found.examples}) == labels
    assert all(example.group for example in found.examples) == (name == "rusentne2023")
