"""The goal's grammar: what can be written, how it is written down, and what is said of what cannot."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.goals import METRICS, parse_goal, parse_goals, written
from app.domain.shapes import Digit, Shape, fitting, of_labels
from app.errors import Invalid

MAIL = of_labels(["ham", "Spam"])
TONES = Shape("fields", (Digit("tone", ("rude", "kind", "flat")), Digit("spam", ("false", "true"))))
FEELINGS = Shape("labels", (Digit("joy", ("no", "yes")), Digit("anger", ("no", "yes"))))
NUMBER = Shape("number")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (" Accuracy ", "accuracy"),
        ("Macro-F1", "macro_f1"),
        ("macro f 0.5", "macro_f0.5"),
        ("f1", "macro_f1"),
        ("f2[spam]", "f2[spam]"),
        ("recall[spam] at precision>=0.9", "recall[spam] at precision>=0.9"),
        ("precision[ politics_bait ] at recall >= 80%", "precision[politics_bait] at recall>=0.8"),
        ("accuracy - 0.05*log(tokens)", "accuracy - 0.05*log(tokens)"),
        ("accuracy-.1 * log( Cost )-0.002*tokens", "accuracy - 0.1*log(cost) - 0.002*tokens"),
        ("accuracy[tone]", "accuracy[tone]"),
        ("recall[a;b (c.d)]; mcc ; mcc", "recall[a;b (c.d)]; mcc"),
        ("f1[tone=rude]", "f1[tone=rude]"),
    ],
)
def test_a_goal_is_read_however_it_is_spelled(text: str, name: str) -> None:
    goals = parse_goals(text)
    assert written(goals) == name
    assert parse_goals(name) == goals


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the goal is empty"),
        (" ; ", "the goal is empty"),
        ("acuracy", "did you mean accuracy\\?"),
        ("accuracy at recall", "there is no metric"),
        ("recall at precision>=0.9", "say of which class"),
        ("precision", "write macro_precision"),
        ("recall[] at precision>=0.9", "brackets of the goal are empty"),
        ("recall[spam] at precision>=1.2", "above 0 and at most 1"),
        ("recall[spam] at precision>=90.5.1", "above 0 and at most 1"),
        ("recall[spam] at recall>=0.9", "only recall can stand at a precision"),
        ("f1[spam] at precision>=0.9", "only recall can stand at a precision"),
        ("recall[spam] at mcc>=0.9", "after at comes precision or recall"),
        ("macro_f1[spam]", "is over all classes"),
        ("accuracy - 5", "a penalty is written"),
        ("accuracy - 0.1*log(words)", "there is no 'words'"),
        ("f0[spam]", "beta"),
        ("[spam]", "cannot be read"),
        ("accuracy" + " " * 400 + "!", "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason_and_what_was_given(text: str, said: str) -> None:
    with pytest.raises(Invalid, match=said) as refusal:
        parse_goals(text)
    assert repr(" ".join(text.split())) in str(refusal.value)


@given(st.text(max_size=60))
def test_no_text_does_worse_than_be_refused(text: str) -> None:
    try:
        goals = parse_goals(text)
    except Invalid:
        return
    assert parse_goals(written(goals)) == goals


@given(st.sampled_from(METRICS), st.floats(0.001, 1), st.floats(0.001, 9))
def test_what_is_written_down_is_read_back(metric: str, least: float, weight: float) -> None:
    of = "[a b]" if metric in ("precision", "recall", "f1") else ""
    at = f" at precision>={least:g}" if metric == "recall" else ""
    goal = parse_goal(f"{metric}{of}{at} - {weight:.4f}*log(tokens)")
    assert parse_goal(goal.name) == goal


@pytest.mark.parametrize(
    ("text", "shape", "name"),
    [
        ("recall[SPAM]", MAIL, "recall[Spam]"),
        ("f1[joy]", FEELINGS, "f1[joy]"),
        ("f1[tone=kind]", TONES, "f1[tone=kind]"),
        ("recall[spam] at precision>=0.5", TONES, "recall[spam] at precision>=0.5"),
        ("accuracy[Tone]", TONES, "accuracy[tone]"),
        ("hamming_score", FEELINGS, "hamming_score"),
        ("mean_score", NUMBER, "mean_score"),
    ],
)
def test_a_goal_takes_the_class_as_the_project_writes_it(text: str, shape: Shape, name: str) -> None:
    assert fitting(parse_goal(text), shape).name == name


@pytest.mark.parametrize(
    ("text", "shape", "said"),
    [
        ("recall[spamm]", MAIL, "did you mean Spam\\? There are ham, Spam"),
        ("accuracy[ham]", MAIL, "use recall\\[ham\\]"),
        ("hamming_score", MAIL, "use accuracy"),
        ("mcc", FEELINGS, "use macro_f1"),
        ("macro_f1", NUMBER, "which answers of kind number have not"),
        ("f1[tone]", TONES, "There are tone=rude, tone=kind, tone=flat, spam"),
    ],
)
def test_a_goal_that_these_answers_cannot_have_is_refused_with_what_they_have(
    text: str, shape: Shape, said: str
) -> None:
    with pytest.raises(Invalid, match=said):
        fitting(parse_goal(text), shape)


def test_a_goal_as_long_as_a_book_is_refused_at_once() -> None:
    with pytest.raises(Invalid, match="longer than 500 characters"):
        parse_goals("a at " * 20_000)
