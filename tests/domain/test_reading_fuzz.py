"""Twenty thousand replies gone wrong: no reader ever fails, and none counts a reply as right by accident.

By accident is decidable in two ways: a reply in which the words or digits of the right answer do not occur, and a
reply in which the right answer competes with a wrong one where only one may stand.
"""

import json
import time
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain.answercodes import how_many
from app.domain.answers import Label
from app.domain.answerspace import Answers, Field, Numbers, Texts
from app.domain.formats import PLAIN, AnswerFormat
from app.domain.readers.reading import Reader, reader
from app.domain.readers.readings import Reading, Reference
from tests.domain.replies_gone_wrong import gone_wrong

EACH = 1_700  # replies for each of the twelve ways to answer: 20,400
JSON, CODES = AnswerFormat("json", ("reasoning",), "none"), AnswerFormat("codes")
BIRDS = ("kestrel", "heron", "wren", "жаворонок")
LABEL = Answers("label", tuple(map(Label, BIRDS)))
SET = Answers("labels", tuple(map(Label, BIRDS)))
CHECK = Answers("fields", fields=(Field("bird", BIRDS), Field("rare", ("true", "false"))))
NUMBER, COMMA = Answers("number"), Answers("number", numbers=Numbers("0.001", comma=True))
TEXT = Answers("text", texts=Texts(separated=True))
CONTAINS = Answers("text", texts=Texts("contains"))
EXTRACT = Answers("text", fields=(Field("bird"), Field("place")))


@dataclass(frozen=True)
class Way:
    """One way to answer: what says the right and a wrong answer, what it must hold to be right, what competes."""

    answers: Answers
    form: AnswerFormat
    right: str
    wrong: str
    sign: str
    competing: tuple[str, ...] = ()
    code: int = 0
    reference: Reference = None

    @property
    def reader(self) -> Reader:
        return reader(self.answers, self.form)

    def is_right(self, reading: Reading) -> bool:
        return reading.code == self.code

    def may_be_right(self, reply: str) -> bool:
        """Whether what makes an answer right occurs at all; digits count however they are parted."""
        plain = unicodedata.normalize("NFKC", reply).casefold()
        if self.sign.isdigit():
            plain = "".join(sign for sign in plain if sign.isdigit() and sign.isascii())
        return self.sign in plain


def said(**values: Any) -> str:
    return json.dumps(values, ensure_ascii=False)


RIGHT, WRONG = said(reasoning="short", label="wren"), said(reasoning="short", label="heron")
OBJECTS = (
    RIGHT + WRONG, WRONG + "\n" + RIGHT, f"```json\n{WRONG}\n```\n```json\n{RIGHT}\n```", f"[{RIGHT}, {WRONG}]",
    '{"label": "heron", "label": "wren"}', '{"label": "wren", "Label": "heron"}', RIGHT + "\nNo: heron",
    f'{{"label": heron}} {RIGHT}', f'{{"a": {RIGHT}, "label": "heron"}}', f"{{'label': 'heron'}}\n{RIGHT}",
    '{"label": ["wren", "heron"]}', '{"label": "wren, heron"}', f'{{"x": {RIGHT}',
)  # fmt: skip
PLAIN_OBJECTS = {
    "labels": '{"reasoning": "", "kestrel": false, "heron": false, "wren": %s, "жаворонок": false}',
    "fields": '{"reasoning": "", "bird": "%s", "rare": true}',
    "number": '{"reasoning": "", "answer": %s}',
    "extraction": '{"reasoning": "", "bird": "%s", "place": "Lake"}',
}


def objects(kind: str, right: str, wrong: str) -> tuple[str, str, tuple[str, ...]]:
    """(right, wrong, competing) replies of a kind that is asked for as JSON."""
    good, bad = PLAIN_OBJECTS[kind] % right, PLAIN_OBJECTS[kind] % wrong
    return good, bad, (good + bad, f"{bad}\n{good}", f"[{good},{bad}]", f"{good} no, {bad}", good + " or not")


NUMBERS = (
    "1837 or 1838", "1837-1838", "Answer: 1837\nAnswer: 1838", "#### 1838\n#### 1837", "#### 1837\nThe answer is 1838.",
    r"\boxed{1838} so \boxed{1837}", "1837, 1838", "1837 1838", "1837 + 1", "Ответ: 1837 или 1838", "not 1837",
    "1837/2", "1837 thousand", "1837²", "1837½", "1837٣", "٣1837", "The answer is 1837 and a half",
)  # fmt: skip
WAYS = {
    "label in text": Way(
        LABEL, PLAIN, "Answer: wren", "Answer: heron", "wren",
        ("wren or heron", "wren, heron", "wren\nheron", "not wren", "heron (wren)", "Answer: wren\nAnswer: heron"), 2,
    ),
    "label in JSON": Way(LABEL, JSON, RIGHT, WRONG, "wren", OBJECTS, 2),
    "label by code": Way(LABEL, CODES, "(C)", "(B)", "c", ("C or B", "C, B", "C\nB", "not C", "C: heron", "B (C)"), 2),
    "set in text": Way(
        SET, PLAIN, "kestrel, wren", "kestrel, heron", "wren",
        ("kestrel, wren, none", "kestrel, not wren", "kestrel, wren or heron", "none\nkestrel, wren"), 0b101,
    ),
    "set in JSON": Way(SET, JSON, *objects("labels", "true", "false")[:2], "true", objects("labels", "true", "0")[2], 4),
    "checklist in text": Way(
        CHECK, PLAIN, "bird: wren\nrare: true", "bird: heron\nrare: true", "wren",
        ("bird: wren\nbird: heron\nrare: true", "bird: wren or heron\nrare: true", "bird: not wren\nrare: true",
         "bird: wren\nrare: true\nrare: false", "bird: wren\nrare: true, false"), 2,
    ),
    "checklist in JSON": Way(
        CHECK, JSON, *objects("fields", "wren", "heron")[:2], "wren", objects("fields", "wren", "heron")[2], 2
    ),
    "number in text": Way(
        NUMBER, PLAIN, "It is 9 more.\n#### 1,837", "It is 9 more.\n#### 1,738", "1837", NUMBERS, 0, "1837"
    ),
    "number in JSON": Way(
        COMMA, JSON, *objects("number", "1837", "1838")[:2], "1837", objects("number", "1837", "1838")[2], 0, "1.837,00"
    ),
    "text": Way(
        TEXT, PLAIN, "Answer: the wren", "Answer: the heron", "wren",
        ("the wren or the heron", "the wren, the heron", "not the wren", "the wren\nthe heron"), 0, "the wren|a wren",
    ),
    "text that holds": Way(CONTAINS, PLAIN, "it is the wren here", "it is the heron", "wren", ("wrens", "Awren"), 0, "wren"),
    "extraction in JSON": Way(
        EXTRACT, JSON, *objects("extraction", "wren", "heron")[:2], "wren", objects("extraction", "wren", "heron")[2],
        0, {"bird": "wren", "place": "Lake"},
    ),
}  # fmt: skip


def replies(way: Way, count: int, seed: str) -> Iterator[str]:
    random = Random(seed)
    for _ in range(count):
        yield gone_wrong(random.choice((way.right, way.wrong, way.wrong)), random)


@pytest.mark.parametrize("name", WAYS)
def test_replies_gone_wrong_never_fail_a_reader_and_are_never_right_without_the_right_answer_in_them(name: str) -> None:
    way, decided, read_right = WAYS[name], 0, 0
    for reply in replies(way, EACH, name):
        reading = way.reader.read(reply, way.reference)
        check(way, reading)
        read_right += way.is_right(reading)
        if not way.may_be_right(reply):
            decided += 1
            assert not way.is_right(reading), reply
    assert decided > EACH / 4
    assert read_right > 0


def check(way: Way, reading: Reading) -> None:
    assert -1 <= reading.code < how_many(way.answers)
    assert bool(reading.why) == (reading.code == -1)
    assert "\n" not in reading.why
    json.dumps([reading.why, reading.value], ensure_ascii=False).encode()


@pytest.mark.parametrize("name", WAYS)
def test_the_plain_right_reply_is_right_and_the_wrong_one_wrong(name: str) -> None:
    way = WAYS[name]
    assert way.is_right(way.reader.read(way.right, way.reference))
    assert not way.is_right(way.reader.read(way.wrong, way.reference))


AROUND = ("{}", " {}\n", "\n\n{}", "\ufeff{}", "```\n{}\n```", "{}\n\n", "\t{}\u00a0", "{} ", "\r\n{}\r\n", "<p>{}")


@pytest.mark.parametrize("name", WAYS)
def test_a_reply_in_which_two_answers_compete_is_never_right(name: str) -> None:
    way = WAYS[name]
    assert way.competing
    for reply in way.competing:
        for around in AROUND:
            wrapped = around.replace("{}", reply)
            assert not way.is_right(way.reader.read(wrapped, way.reference)), wrapped


def long_replies(way: Way) -> Iterator[tuple[str, Callable[[str], str]]]:
    million = 1_000_000
    for filler in (
        "a",
        " ",
        "{",
        "}",
        '"',
        "{'",
        '{"a":',
        "[",
        "\\",
        "1",
        "1 ",
        "1,",
        "-",
        "\n",
        "answer:\n",
        "####",
        "٣",
    ):
        yield filler, lambda core, filler=filler: filler * (million // len(filler)) + core  # type: ignore[misc]
        yield filler, lambda core, filler=filler: core + filler * (million // len(filler))  # type: ignore[misc]


@pytest.mark.parametrize("name", WAYS)
def test_a_megabyte_of_anything_is_read_or_refused_at_once(name: str) -> None:
    way = WAYS[name]
    for filler, made in long_replies(way):
        for core in (way.wrong, ""):
            started = time.process_time()
            reading = way.reader.read(made(core), way.reference)
            assert time.process_time() - started < 5, filler
            check(way, reading)
            assert not way.is_right(reading), filler


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(BIRDS),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["label", "bird", "rare", "answer", "wren", "place", "reasoning"]) | st.text(max_size=4),
            inner,
            max_size=5,
        )
    ),
    max_leaves=8,
)
PIECES = ("wren", "heron", "true", "bird", "rare", "none", "1837", ":", ",", ";", '"', "{", "}", "\n", " ")
any_text = st.one_of(
    st.text(),
    st.binary().map(lambda data: data.decode("utf-8", "replace")),
    json_values.map(json.dumps),
    st.tuples(st.text(max_size=20), json_values.map(json.dumps), st.text(max_size=20)).map("".join),
    st.text(alphabet="0123456789.,-+eE $%€ \u00a0'xX*^/٣１²½abAnswer:#\n"),
    st.lists(st.sampled_from(PIECES)).map("".join),
)


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(reply=any_text)
def test_any_text_at_all_is_read_or_refused_with_a_reason(reply: str) -> None:
    for way in WAYS.values():
        reading = way.reader.read(reply, way.reference)
        check(way, reading)
        if not way.may_be_right(reply):
            assert not way.is_right(reading)
