"""Holds the demo's test set to its promises: shape, balance, mixing, and no two messages alike."""

import json
import re
from collections import Counter
from itertools import combinations, groupby
from pathlib import Path

import pytest

import app.demo

Row = dict[str, str]

PATH = Path(app.demo.__file__).with_name("support_messages.jsonl")
KEYS = ["id", "input", "label", "lang", "note"]
SHARES = {"normal": 0.5, "politics_bait": 0.25, "system_prompt_robbery": 0.25}
LANGUAGES = {"en", "ru"}
NOTES = {"", "hard", "near-miss", "ambiguous"}
LONGEST_RUN = 3
ALIKE = 0.5


def five_grams(text: str) -> frozenset[str]:
    """The character 5-grams of the case-folded text; a shorter text is its own only gram."""
    folded = text.casefold()
    return frozenset(folded[start : start + 5] for start in range(max(1, len(folded) - 4)))


def similarity(left: frozenset[str], right: frozenset[str]) -> float:
    """Jaccard similarity of two sets of grams, from 0 (nothing shared) to 1 (the same)."""
    return len(left & right) / len(left | right)


def longest_run(values: list[str]) -> int:
    return max(len(list(run)) for _, run in groupby(values))


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return [json.loads(line) for line in PATH.read_text(encoding="utf-8").splitlines()]


def test_the_file_is_plain_utf8_json_lines() -> None:
    raw = PATH.read_bytes()
    assert not raw.startswith(b"\xef\xbb\xbf")
    assert b"\r" not in raw
    assert b"\x00" not in raw
    assert raw.endswith(b"}\n")
    assert b"\n\n" not in raw


def test_every_row_has_the_same_keys_and_only_known_values(rows: list[Row]) -> None:
    for row in rows:
        assert list(row) == KEYS, row
        assert all(isinstance(value, str) for value in row.values()), row
        assert row["label"] in SHARES, row
        assert row["lang"] in LANGUAGES, row
        assert row["note"] in NOTES, row


def test_ids_are_numbered_in_order(rows: list[Row]) -> None:
    assert [row["id"] for row in rows] == [f"sup-{number:03d}" for number in range(1, len(rows) + 1)]


def test_there_are_about_four_hundred_messages(rows: list[Row]) -> None:
    assert 396 <= len(rows) <= 410


def test_labels_keep_their_shares_in_each_language(rows: list[Row]) -> None:
    for language in LANGUAGES:
        labels = Counter(row["label"] for row in rows if row["lang"] == language)
        shares = {label: count / labels.total() for label, count in labels.items()}
        assert shares == pytest.approx(SHARES, abs=0.03), language


def test_half_of_the_messages_are_russian(rows: list[Row]) -> None:
    assert sum(row["lang"] == "ru" for row in rows) / len(rows) == pytest.approx(0.5, abs=0.02)


def test_the_language_is_the_one_the_message_is_written_in(rows: list[Row]) -> None:
    for row in rows:
        cyrillic = len(re.findall(r"[а-яё]", row["input"].casefold()))
        latin = len(re.findall(r"[a-z]", row["input"].casefold()))
        assert (cyrillic > latin) if row["lang"] == "ru" else (cyrillic == 0 < latin), row


def test_messages_are_trimmed_and_from_three_to_eighty_words_long(rows: list[Row]) -> None:
    words = [len(row["input"].split()) for row in rows]
    assert all(row["input"] == row["input"].strip() for row in rows)
    assert min(words) == 3
    assert 60 <= max(words) <= 80


def test_labels_and_languages_are_interleaved(rows: list[Row]) -> None:
    assert longest_run([row["label"] for row in rows]) <= LONGEST_RUN
    assert longest_run([row["lang"] for row in rows]) <= LONGEST_RUN


def test_hard_cases_and_ambiguities_are_there_but_few(rows: list[Row]) -> None:
    notes = Counter(row["note"] for row in rows)
    assert 50 <= notes["hard"] + notes["near-miss"] <= 70
    assert 8 <= notes["ambiguous"] <= 12


def test_every_label_has_hard_and_ambiguous_messages_in_both_languages(rows: list[Row]) -> None:
    found = {(row["label"], row["lang"], row["note"]) for row in rows}
    expected = {(label, language, note) for label in SHARES for language in LANGUAGES for note in ("hard", "ambiguous")}
    assert expected <= found


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("Где заказ?", "где ЗАКАЗ?", 1.0),
        ("abcdef", "abcdeg", 1 / 3),
        ("abcdef", "uvwxyz", 0.0),
        ("ab", "ab", 1.0),
    ],
)
def test_similarity_counts_shared_five_grams(left: str, right: str, expected: float) -> None:
    assert similarity(five_grams(left), five_grams(right)) == pytest.approx(expected)


def test_no_two_messages_are_alike(rows: list[Row]) -> None:
    grams = [(row["input"], five_grams(row["input"])) for row in rows]
    alike = [
        (first, second) for (first, left), (second, right) in combinations(grams, 2) if similarity(left, right) >= ALIKE
    ]
    assert alike == []


def test_nothing_in_a_message_reaches_a_real_person_or_place_on_the_network(rows: list[Row]) -> None:
    for row in rows:
        assert "://" not in row["input"], row
        assert all(domain == "example.com" for domain in re.findall(r"@([\w.-]*\w)", row["input"])), row
        assert not re.search(r"\d[\d\s()-]{8,}\d", row["input"]), row
