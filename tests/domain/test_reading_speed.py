"""Readers are made for workers that run only blocks: light to import and quick for a short reply."""

import subprocess
import sys
import time

import pytest

from app.domain.answers import Label
from app.domain.answerspace import Answers
from app.domain.formats import AnswerFormat
from app.domain.readers.reading import reader

MANY = Answers("label", tuple(Label(f"label_{number}") for number in range(77)))


@pytest.mark.parametrize(
    ("how", "reply"),
    [
        ("text", "label_76"),
        ("text", 'Answer: "Label_76".'),
        ("text", "I think that this is label_76, as they ask for it."),
        ("json", '{"label": "label_76"}'),
    ],
)
def test_a_short_reply_is_read_for_its_label_in_less_than_ten_microseconds(how: str, reply: str) -> None:
    read = reader(MANY, AnswerFormat("json" if how == "json" else "text")).read
    took = []
    for _ in range(7):
        started = time.process_time()
        for _ in range(2_000):
            read(reply)
        took.append((time.process_time() - started) / 2_000)
    assert min(took) < 10e-6


def test_reading_needs_no_numerical_library() -> None:
    code = "import sys, app.domain.references; print({'numpy', 'scipy', 'sklearn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
