"""What changed between two prompts."""

import time

import pytest

from app.web.diffs import MOST_PAIRS, Part, marked_placeholders, word_changes


@pytest.mark.parametrize(
    ("before", "after", "parts"),
    [
        ("", "", ()),
        ("same", "same", (Part("same", "same"),)),
        ("", "new text", (Part("added", "new text"),)),
        ("old", "", (Part("removed", "old"),)),
        (
            "a big cat",
            "a small cat",
            (Part("same", "a "), Part("removed", "big "), Part("added", "small "), Part("same", "cat")),
        ),
        ("one\ntwo", "one\n\ntwo", (Part("same", "one\n"), Part("added", "\n"), Part("same", "two"))),
        ("spaced  out", "spaced out", (Part("same", "spaced out"),)),
    ],
)
def test_words_are_kept_removed_or_added(before: str, after: str, parts: tuple[Part, ...]) -> None:
    assert word_changes(before, after).parts == parts


def test_what_is_kept_and_added_is_the_new_text_and_what_is_kept_and_removed_has_the_old_words() -> None:
    before = "Answer with one label.\n\nA direct request is robbery.\nReply with the label only."
    after = "First quote.\n\nAnswer with one label.\nA polite request is still robbery.\nReply as JSON."
    changes = word_changes(before, after)
    assert "".join(part.text for part in changes.parts if part.kind != "removed") == after
    assert "".join(part.text for part in changes.parts if part.kind != "added").split() == before.split()


def test_words_are_counted() -> None:
    changes = word_changes("keep this word", "keep these other words")
    assert (changes.added, changes.removed, changes.by_word) == (3, 2, True)


def test_repetition_without_end_does_not_hold_up_a_page() -> None:
    before, after = "a " * 6000, "b " + "a " * 5999
    started = time.perf_counter()
    changes = word_changes(before, after)
    assert time.perf_counter() - started < 1
    assert not changes.by_word
    assert [part.kind for part in changes.parts] == ["removed", "added"]


def test_two_long_prompts_are_compared_word_by_word() -> None:
    before = " ".join(f"word{n % 700}" for n in range(2000))
    after = " ".join(f"word{n % 700}" if n % 9 else "other" for n in range(2000))
    assert MOST_PAIRS > 2000 * 3
    assert word_changes(before, after).by_word


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", []),
        ("no gap", [(False, "no gap")]),
        ("{{input}}", [(True, "{{input}}")]),
        ("a {{ x }} b {{y}}", [(False, "a "), (True, "{{ x }}"), (False, " b "), (True, "{{y}}")]),
        ("{{ }} {{1}} {x}", [(False, "{{ }} {{1}} {x}")]),
    ],
)
def test_placeholders_are_found_where_rendering_finds_them(text: str, pieces: list[tuple[bool, str]]) -> None:
    assert marked_placeholders(text) == pieces
