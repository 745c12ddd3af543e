"""Our linear search of regular expressions agrees with Python's and never hangs."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.readers.patterns import compiled
from app.errors import Invalid

TEXTS = (
    "",
    "a",
    "ab",
    "aab",
    "ba_b",
    "a\n",
    "a\nb",
    "\n",
    "Ab 12",
    "x{2}",
    "пр ив",
    "a" * 12,
    "[a]",
    "2024-01-02",
    "|",
)
PATTERNS = (
    "", "a", "a*", "^a$", "^a+b?$", "(a|b)*", "(?:ab)+", "(?P<x>a)b", "a{2}", "a{2,}", "a{,2}b", "a{1,3}?b", "^$",
    "[a-c]+", "[^a]", "[]a]", "[^]a]", r"[\]a]", r"\d+-\d+", r"\bab\b", r"\Bb", r"\Aa\Z", r"\w\s\w", r"\W", ".", "a.b",
    "(?s)a.b", "(?m)^b$", "(?i)AB", "(?im)^B", "x{2}", "x{", "{}", r"\x61", r"\u0061", r"\n", r"a\|b", "a||b", "(|a)b",
    "(a*)*b", "(a?){3}b", "a$", r"\.", "п.*в", "[[]a", "a+?", "(^a|b$)", r"[\w-]+$", r"\t|\0",
)  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_search_agrees_with_pythons(pattern: str) -> None:
    ours = compiled(pattern)
    for text in TEXTS:
        assert ours.search(text) == bool(re.search(pattern, text)), text


atoms = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", r"\w", r"\b", "^", "$", "\n", r"\s"])
trees = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"(?:{'|'.join(parts)})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,2}"])).map(lambda both: f"(?:{both[0]}){both[1]}"),
    ),
    max_leaves=6,
)


@given(pattern=trees, texts=st.lists(st.text("ab \n_", max_size=6), max_size=4))
@settings(max_examples=300, deadline=None)
def test_made_up_patterns_agree_with_pythons_too(pattern: str, texts: list[str]) -> None:
    ours = compiled(pattern)
    for text in texts:
        if text or "\\B" not in pattern:
            assert ours.search(text) == bool(re.search(pattern, text)), (pattern, text)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("(a+)+$", "a" * 19_999 + "b"),
        ("(a|aa)+$", "a" * 19_999 + "b"),
        ("(x+x+)+y", "x" * 20_000),
        (".*.*.*.*z", "y" * 20_000),
        ("(a|b)*a(a|b){40}c", "ab" * 10_000),
        (r"(\w|a|[a-z])*q(.|\w){30}z", "qwertyuiopa5q" * 1_500),
    ],
)
def test_patterns_on_which_others_hang_take_no_time(pattern: str, text: str) -> None:
    started = time.process_time()
    assert compiled(pattern).search(text) is False
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("(", "not valid"),
        ("[z-a]", "not valid"),
        ("(?i", "not valid"),
        (r"(a)\1", "reference to a group"),
        ("(?=a)", "looking ahead"),
        ("(?<!a)b", "looking ahead or behind"),
        ("(?P<x>a)(?P=x)", "not supported"),
        ("a++", "possessive"),
        ("(?>a)", "not supported"),
        ("(?i:a)", "not supported"),
        ("(?x)a b", "not supported"),
        ("a" * 501, "longer than 500"),
        ("(?:a{100}){100}", "too large"),
        ("(?:(?:){1000}){1000}", "too large"),
        ("(" * 60 + ")" * 60, "50 deep"),
    ],
)
def test_patterns_that_cannot_be_used_are_refused_with_the_reason(pattern: str, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        compiled(pattern)
