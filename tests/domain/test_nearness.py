"""Near-duplicates: exactly the texts above the threshold and whoever they lead to, however the search goes about it."""

import json
from collections.abc import Callable
from functools import cache
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.clusters import Clusters
from app.domain.gramlists import make_index, pairs, stretches, unsettled
from app.domain.nearness import near_groups
from app.domain.prompts import normalised
from app.domain.sketches import sketch
from tests.conftest import data_folder


def grams(text: str) -> set[str]:
    plain = normalised(text)
    return {plain[first : first + 5] for first in range(len(plain) - 4)} or {plain}


def counted_out(texts: list[str]) -> list[int]:
    """The groups by comparing every text with every other."""
    sets = [grams(text) for text in texts]
    groups = list(range(len(texts)))
    for one in range(len(texts)):
        for other in range(one):
            shared = len(sets[one] & sets[other])
            if 5 * shared > 4 * (len(sets[one]) + len(sets[other]) - shared) and groups[one] != groups[other]:
                low, high = sorted((groups[one], groups[other]))
                groups = [low if group == high else group for group in groups]
    return groups


@pytest.mark.parametrize(
    ("texts", "groups"),
    [
        ([], []),
        (["alone"], [0]),
        (["", " ", "x"], [0, 0, 2]),
        (["ok", "OK ", "no", "Ok"], [0, 0, 2, 0]),
        (["abcd", "abcd.", "ABCD"], [0, 1, 0]),
        (["Ｆｕｌｌ width", "full  WIDTH"], [0, 0]),
        (["abcdefghijklmn", "abcdefghijklm"], [0, 0]),  # 9 of 10 grams
        (["abcdefgh", "abcdefghi"], [0, 1]),  # 4 of 5: exactly 0.8 is not above it
        (["abcdefghi", "abcdefghij"], [0, 0]),  # 5 of 6
        (["aaaaaaaaaaaaaaaa", "aaaaaa"], [0, 0]),  # sets, not bags
        (["abcdefghijklm", "abcdefghijklmn", "bcdefghijklmno"], [0, 0, 0]),  # passed on
    ],
)
def test_small_cases_can_be_counted_by_hand(texts: list[str], groups: list[int]) -> None:
    assert near_groups(texts) == groups == counted_out(texts)


@st.composite
def related_texts(draw: st.DrawFn) -> list[str]:
    """Texts that share beginnings, and copies of one another with some slips of the pen."""
    letters = draw(st.sampled_from(["ab", "abcd ", "abcdefghijklmnop ", "Абвгд ё\u4e00"]))
    beginning = draw(st.text(letters, max_size=60))
    texts = [beginning + tail for tail in draw(st.lists(st.text(letters, max_size=25), max_size=12))]
    texts += draw(st.lists(st.text(letters, max_size=80), min_size=1, max_size=6))
    for source in draw(st.lists(st.sampled_from(texts), max_size=12)):
        place = draw(st.integers(0, len(source)))
        texts.append(source[:place] + draw(st.text(letters, max_size=3)) + source[place + draw(st.integers(0, 3)) :])
    return draw(st.permutations(texts))


@settings(max_examples=120, deadline=None)
@given(related_texts())
def test_the_search_finds_just_what_comparing_all_pairs_finds(texts: list[str]) -> None:
    assert near_groups(texts) == counted_out(texts)


@cache
def words(seed: int, count: int) -> list[str]:
    rng = Random(seed)
    return ["".join(rng.choices("abcdefgiklmnoprstuvz", k=rng.randint(2, 9))) for _ in range(count)]


def shared_beginning(rng: Random) -> str:
    known = words(1, 300)
    return " ".join([*known[:20], *rng.choices(known, k=rng.randint(4, 6))])


def phrases_with_gaps(rng: Random) -> str:
    known = words(2, 60)
    return " ".join(f"{known[gap]} {known[gap + 10]} {known[gap + 20]} {rng.choice(known[30:50])}" for gap in range(10))


def few_words(rng: Random) -> str:
    return " ".join(rng.choices(words(3, 12), k=rng.randint(4, 30)))


def numbers_in_one_sentence(rng: Random) -> str:
    return f"{'where is the parcel that i ordered a week ago ' * 2} {rng.randrange(10**7):07d}"


def four_letters(rng: Random) -> str:
    return "".join(rng.choices("acgt", k=rng.randint(60, 120)))


def many_scripts(rng: Random) -> str:
    """More than 7,130 different characters in all: grams are hashed instead of spelled."""
    first = 0x4E00 + 20 * rng.randrange(450)
    return "".join(chr(first + rng.randrange(20)) for _ in range(60)) + "日本語日本語日本語" * rng.randrange(2)


KINDS = [shared_beginning, phrases_with_gaps, few_words, numbers_in_one_sentence, four_letters, many_scripts]


@pytest.mark.parametrize("kind", KINDS)
def test_crowded_sets_come_out_as_by_comparing_all_pairs(kind: Callable[[Random], str]) -> None:
    rng = Random(7)
    texts = [kind(rng) for _ in range(250)]
    for _ in range(50):
        source = rng.choice(texts)
        place = rng.randrange(len(source))
        texts.append(source[:place] + rng.choice(source) + source[place + 1 :])
    rng.shuffle(texts)
    assert near_groups(texts) == counted_out(texts)


def groups_of(clusters: Clusters) -> list[int]:
    """By text, the index of the first of its cluster."""
    of = {index: int(clusters.of[rank]) for rank, index in enumerate(clusters.sketches.order.tolist())}
    firsts: dict[int, int] = {}
    return [firsts.setdefault(of[index], index) for index in sorted(of)]


def crowd(kind: Callable[[Random], str], seed: int) -> list[str]:
    """Different normalised texts, some of them near to others."""
    rng = Random(seed)
    texts = [kind(rng) for _ in range(150)]
    for _ in range(60):
        source = rng.choice(texts)
        place = rng.randrange(len(source))
        texts.append(source[:place] + rng.choice("acgt") + source[place + 1 :])
    rng.shuffle(texts)
    return list(dict.fromkeys(map(normalised, texts)))


@pytest.mark.parametrize("kind", KINDS)
def test_scanning_neighbours_in_size_alone_misses_nothing(kind: Callable[[Random], str]) -> None:
    texts = crowd(kind, 1)
    clusters = Clusters(texts, sketch(texts)[0])
    clusters.scan(np.arange(len(texts)))
    assert groups_of(clusters) == counted_out(texts)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", KINDS)
def test_every_near_pair_of_two_clusters_stands_in_the_lists_or_is_left_to_a_scan(
    kind: Callable[[Random], str], seed: int
) -> None:
    texts = crowd(kind, seed)
    sketches, entries = sketch(texts)
    clusters = np.random.default_rng(seed).choice(5, len(texts), p=[0.05, 0.05, 0.8, 0.05, 0.05]).astype(np.int32)
    entries = unsettled(entries, clusters)
    index = make_index(entries, sketches.sizes, clusters)
    found, crowded = stretches(entries, index, sketches.sizes, clusters)
    met: set[tuple[int, int]] = set()
    for left, right in pairs(found, index, sketches.sizes):
        met |= set(zip(np.maximum(left, right).tolist(), np.minimum(left, right).tolist(), strict=True))
    sets = [grams(texts[index]) for index in sketches.order]
    near = [
        (high, low)
        for high in range(len(texts))
        for low in range(high)
        if clusters[high] != clusters[low] and 9 * len(sets[high] & sets[low]) > 4 * (len(sets[high]) + len(sets[low]))
    ]
    assert near
    assert all(pair in met or pair[0] in crowded for pair in near)


def test_long_texts_and_short_ones_stand_side_by_side() -> None:
    rng = Random(5)
    known = words(5, 5000)
    long_texts = [" ".join(rng.choices(known, k=20_000)) for _ in range(3)]
    texts = [*long_texts, long_texts[0][:-3000], long_texts[1][:-40_000], "short", "SHORT"]
    assert near_groups(texts) == [0, 1, 2, 0, 4, 5, 5]


def test_order_does_not_matter() -> None:
    rng = Random(9)
    texts = [shared_beginning(rng) for _ in range(200)]
    shuffled = texts[:]
    rng.shuffle(shuffled)

    def families(made: list[str]) -> set[frozenset[str]]:
        groups = near_groups(made)
        return {frozenset(made[i] for i, g in enumerate(groups) if g == group) for group in groups}

    assert families(texts) == families(shuffled)


@pytest.mark.parametrize("name", ["snips_intents", "sms_spam"])
def test_groups_of_real_sets_are_those_of_comparing_all_pairs(name: str) -> None:
    lines = (data_folder() / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    texts = [json.loads(line)["input"] for line in lines][:600]
    assert near_groups(texts) == counted_out(texts)
