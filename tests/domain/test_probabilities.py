"""From tokens, votes and stated confidence to the probabilities of an answer's values."""

import json
import random
import subprocess
import sys
from math import inf, log, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.jsonspans import find_value
from app.domain.probabilities import (
    Distribution,
    entropy,
    from_stated,
    from_votes,
    in_json,
    in_text,
    margin,
)
from app.domain.tokenwalk import Token

Spelled = tuple[str | bytes, float, dict[str | bytes, float]]


def tokens(*spelled: Spelled) -> list[Token]:
    """Tokens with probabilities; the sampled one need not be among the alternatives."""
    return [
        Token(_bytes(text), log(p), tuple((_bytes(other), log(q)) for other, q in top.items()))
        for text, p, top in spelled
    ]


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


@pytest.mark.parametrize(
    ("text", "path", "span"),
    [
        ('{"a":"x"}', ["a"], 'x"'),
        ('{"a":""}', ["a"], '"'),
        ('Sure:\n```json\n{"a": true}\n```', ["a"], "true"),
        ('{"b":{"a":1},"a":-2.5e3}', ["a"], "-2.5e3"),
        ('{"b":{"a":1},"a":2}', ["b", "a"], "1"),
        ('{"a":[1,{"k":"q\\"q"}]}', ["a", 1, "k"], 'q\\"q"'),
        ('["x","y"]', [1], 'y"'),
        ('{"a":"first","a":"last"}', ["a"], 'last"'),
        ('{"caf\\u00e9":"yes"}', ["café"], 'yes"'),
        ('{"a":"{\\"a\\":\\"inner\\"}","b":1}', ["b"], "1"),
        ('think {x} {"a":"y"}', ["a"], 'y"'),
        ('{"quote":"line\nbreak","a":null}', ["a"], "null"),
    ],
)
def test_the_span_of_a_value_is_found(text: str, path: list[str | int], span: str) -> None:
    document = text.encode()
    found = find_value(document, path)
    assert found is not None
    assert document[found.start : found.end].decode() == span
    assert found.quoted == span.endswith('"')


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", '{"a"', '{"a":', '{"a":"x', '{"a":"x"', '{"a":}', '{a:"x"}', '{"b":"x"}', '{"a":{"x":1}}'),
        *('{"a":"x",}', '{"a" "x"}', '{"a":tru}', '[{"a":"x"}]', '{"a":"x" "y"}', '"a"', '{"z":{"a":"x"}'),
        *("[" * 5000, '{"a":' * 3000),
    ],
)
def test_broken_json_and_absent_values_have_no_span(text: str) -> None:
    assert find_value(text.encode(), ["a"]) is None


@given(st.recursive(st.text() | st.integers() | st.booleans() | st.none(), lambda inner: st.dictionaries(st.text(), inner) | st.lists(inner)), st.text(), st.booleans())  # fmt: skip
def test_the_span_holds_what_a_parser_reads(filler: object, value: str, ascii_only: bool) -> None:
    document = json.dumps({"before": filler, "field": {"deep": [filler, value]}}, ensure_ascii=ascii_only)
    encoded = document.encode("utf-8", "surrogatepass")
    span = find_value(encoded, ["field", "deep", 1])
    assert span is not None
    assert json.loads((b'"' + encoded[span.start : span.end]).decode("utf-8", "surrogatepass")) == value


LABELS = tokens(('{"label":"', 1, {}), ("car", 0.6, {"car": 0.6, "van": 0.3}), ('"', 0.75, {'"': 0.75, "go": 0.2}))


def test_a_value_that_another_begins_with_is_told_by_its_closing_quote() -> None:
    found = in_json([*LABELS, *tokens(("}", 1, {}))], ["label"], ["car", "cargo", "van"])
    assert found is not None
    assert found.raw == pytest.approx((0.45, 0.12, 0.3))
    assert found.reach == pytest.approx((0.45 + 0.1 + 0.03, 0.12 + 0.1 + 0.03, 0.4))


def test_a_number_that_another_begins_with_is_told_by_what_follows() -> None:
    spelled = tokens(('{"n":', 1, {}), ("3", 0.9, {"3": 0.9, "4": 0.1}), ("}", 0.8, {"}": 0.8, "1": 0.2}))
    found = in_json(spelled, ["n"], [3, 31, 4])
    assert found is not None
    assert found.raw == pytest.approx((0.72, 0.18, 0.1))


def test_a_character_split_over_two_tokens_is_followed_by_its_bytes() -> None:
    da, net = "да".encode(), "нет".encode()
    spelled = tokens(
        ('{"a":"', 1, {}), (da[:1], 0.95, {da[:1]: 0.95}), (da[1:], 0.8, {da[1:]: 0.8, net[1:]: 0.2}), ('"}', 1, {})
    )
    found = in_json(spelled, ["a"], ["да", "нет"])
    assert found is not None
    assert found.raw == pytest.approx((0.76, 0.19))
    assert found.reach == pytest.approx((0.81, 0.24))


@pytest.mark.parametrize("written", ['caf\\u00e9"}', 'café"}'])
def test_a_value_counts_in_each_way_json_can_write_it(written: str) -> None:
    spelled = tokens(('{"a":"', 1, {}), (written, 0.7, {"tea": 0.2}))
    found = in_json(spelled, ["a"], ["café", "tea"])
    assert found is not None
    assert found.raw == pytest.approx((0.7, 0.2))


@pytest.mark.parametrize(("written", "values"), [('{"a":"true"}', [True, False]), ('{"a":true}', ["true", "false"])])
def test_a_yes_no_value_counts_with_and_without_quotes(written: str, values: list[str | bool]) -> None:
    found = in_json(tokens((written[:5], 1, {}), (written[5:], 0.9, {})), ["a"], values)
    assert found is not None
    assert found.raw == pytest.approx((0.9, 0.0))


def test_the_sentinel_is_as_good_as_not_listed() -> None:
    listed = Token(b"A", log(0.97), ((b"A", log(0.97)), (b"B", -9999.0)))
    left_out = Token(b"A", log(0.97), ((b"A", log(0.97)),))
    assert in_text([listed], ["A", "B"]) == in_text([left_out], ["A", "B"])


def test_a_value_that_is_not_listed_gets_its_part_of_what_is_left() -> None:
    found = in_text(tokens(("A", 0.9, {"A": 0.9, "B": 0.02})), ["A", "B", "C", "D"])
    assert found is not None
    assert found.missing == (2, 3)
    assert found.shares == pytest.approx(
        (0.9 / 0.96, 0.02 / 0.96, 0.02 / 0.96, 0.02 / 0.96)
    )  # the least that is listed
    assert found.high[2] == pytest.approx(0.08)
    assert found.uncertain


def test_alternatives_beyond_twenty_are_not_listed() -> None:
    many: dict[str | bytes, float] = {f"x{place}": 0.01 for place in range(30)}
    found = in_text(tokens(("A", 0.6, {"A": 0.6, **many, "B": 0.005})), ["A", "B"])
    assert found is not None
    assert found.missing == (1,)


def test_labels_that_belong_to_no_value_or_to_several_are_flagged() -> None:
    badly = in_text(tokens(("po", 0.9, {"po": 0.9, "p": 0.06}), ("s", 1, {"s": 1})), ["pos", "pot"])
    fine = in_text(tokens(("pos", 0.96, {"pos": 0.96, "p": 0.04})), ["pos", "pot"])
    assert badly is not None
    assert badly.tokenises_badly
    assert fine is not None
    assert not fine.tokenises_badly


@pytest.mark.parametrize("lead", ["", "Answer:", "answer :", '**"', "Label: "])
@pytest.mark.parametrize("end", ["", ".", '"**', "\n", "<|im_end|>"])
def test_a_bare_answer_is_walked_as_it_is_read(lead: str, end: str) -> None:
    spelled = tokens(
        *([(lead, 1.0, {})] if lead else []),
        (" Spam", 0.7, {" Spam": 0.7, "spam": 0.1, " ham": 0.1, "Ham": 0.05, "The": 0.05}),
        *([(end, 1.0, {})] if end else []),
    )
    found = in_text(spelled, ["spam", "ham"])
    assert found is not None
    assert found.raw == pytest.approx((0.8, 0.15))
    assert found.other == pytest.approx(0.05)


def test_a_reply_that_ends_on_a_word_that_another_begins_with_leaves_both_open() -> None:
    found = in_text(tokens(("car", 0.8, {"car": 0.8, "van": 0.2})), ["cargo", "car", "van"])
    assert found is not None
    assert found.raw == pytest.approx((0, 0.8, 0.2))
    assert found.high[0] == pytest.approx(0.8)
    assert found.low[1] == 0
    assert found.uncertain


@pytest.mark.parametrize("over", ["<|im_end|>", "", "</s>", "\n"])
def test_an_alternative_that_ends_the_reply_belongs_to_the_word_so_far(over: str) -> None:
    spelled = tokens(("car", 1, {"car": 1}), ("go", 0.6, {"go": 0.6, over: 0.4}))
    found = in_text(spelled, ["car", "cargo"])
    assert found is not None
    assert found.raw == pytest.approx((0.4, 0.6))


@pytest.mark.parametrize("reply", ["", "...", "\n"])
def test_a_reply_without_an_answer_has_no_distribution(reply: str) -> None:
    assert in_text(tokens((reply, 1, {})), ["a", "b"]) is None
    assert in_json(tokens((reply, 1, {})), ["a"], ["a", "b"]) is None
    assert in_text([], ["a"]) is None
    assert in_text(tokens(("a", 1, {})), []) is None


def test_votes_are_shares_with_half_a_vote_more_for_each_value() -> None:
    found = from_votes([4, 1, 0], unreadable=1)
    assert found.shares == pytest.approx((4.5 / 6.5, 1.5 / 6.5, 0.5 / 6.5))
    assert (found.source, found.other, found.missing) == ("votes", 1 / 6, (2,))
    assert from_votes([3, 2]).shares[0] == 3.5 / 6


def test_a_stated_confidence_splits_two_ways() -> None:
    assert from_stated(1, 0.9, 2).shares == pytest.approx((0.1, 0.9))
    assert from_stated(0, 0.7, 4).shares == pytest.approx((0.7, 0.1, 0.1, 0.1))
    assert min(from_stated(0, 1, 3).shares) > 0
    assert from_stated(0, 0.5, 2).source == "stated"


@pytest.mark.parametrize(("answered", "confidence"), [(0, 1.1), (0, -0.1), (0, nan), (2, 0.5), (-1, 0.5)])
def test_a_confidence_that_is_none_is_refused(answered: int, confidence: float) -> None:
    with pytest.raises(ValueError, match="confidence"):
        from_stated(answered, confidence, 2)


def test_margin_and_entropy() -> None:
    assert margin([0.2, 0.5, 0.3]) == pytest.approx(0.2)
    assert margin([1.0]) == 1
    assert entropy([0.5, 0.5]) == pytest.approx(log(2))
    assert entropy([1.0, 0.0]) == 0


def _sound(found: Distribution) -> None:
    assert sum(found.shares) == pytest.approx(1)
    for low, high, points in zip(found.low, found.high, zip(found.shares, found.seen, strict=True), strict=True):
        for point in points:
            assert 0 <= low <= point + 1e-12
            assert point <= high + 1e-12 <= 1 + 1e-9
    assert min(found.shares) > 0


LOGPROB = st.floats(-12, 0) | st.sampled_from((-9999.0, -inf, inf, nan, 3.0, 0.0, -800.0))
PIECE = st.sampled_from([b'{"', b"label", b'":"', b'": "', b"p", b"pos", b"ne", b"neg", b"utral", b'"', b'"}', b"}"]) | st.sampled_from(
    [b" ", b"", b"true", b" false", b"\xd0", b"\xb4", b"\\", b"\\u00", b"<|im_end|>", b"Answer:", b".", b"[", b"1", b"12", b","]
)  # fmt: skip
MADE = st.lists(
    st.builds(Token, PIECE, LOGPROB, st.lists(st.tuples(PIECE, LOGPROB), max_size=25).map(tuple)), max_size=12
)
VALUES = st.lists(
    st.sampled_from(["pos", "neg", "neutral", "p", "", "д", "да", True, False, None, 1, 12, 1.5]), max_size=6
)
WORDS = st.lists(st.sampled_from(["pos", "neg", "neutral", "p", "", "д", "да", "1", "12", "ne g"]), max_size=6)


@given(MADE, VALUES, WORDS)
def test_no_list_of_tokens_is_too_strange(
    made: list[Token], values: list[str | bool | int | float | None], words: list[str]
) -> None:
    for found in (in_json(made, ["label"], values), in_text(made, words)):
        if found is not None:
            _sound(found)


def test_thousands_of_mutated_replies_give_a_sound_distribution_or_none() -> None:
    rng = random.Random(7)
    whole = [*LABELS, *tokens((',"b":', 1, {}), (" true", 0.6, {" false": 0.3}), ("}", 1, {}))]
    readable = 0
    for _ in range(5_000):
        made = [_mutated(token, rng) for token in whole]
        if rng.random() < 0.2:
            rng.shuffle(made)
        for found in (in_json(made, ["label"], ["car", "cargo", "van"]), in_json(made, ["b"], [True, False])):
            if found is not None:
                readable += 1
                _sound(found)
    assert readable > 1_000


def _mutated(token: Token, rng: random.Random) -> Token:
    if rng.random() < 0.6:
        return token
    text = bytearray(token.text_bytes)
    if text and rng.random() < 0.3:
        text[rng.randrange(len(text))] = rng.randrange(256)
    top = [(other[: rng.randint(0, 5)], rng.choice((logprob, -9999.0, nan, -0.1))) for other, logprob in token.top]
    rng.shuffle(top)
    return Token(bytes(text), rng.choice((token.logprob, -9999.0, 0.0, -2.0)), tuple(top))


WORLD = {"car": 0.3, "cargo": 0.25, "van": 0.25, "carpet": 0.15, "vanе": 0.05}  # the last letter takes two bytes
LENGTHS = (0.5, 0.3, 0.2)  # how often the model writes one, two or three bytes at once


def next_pieces(typed: bytes, end: bytes) -> dict[bytes, float]:
    """What a model that answers by WORLD writes next, with its probabilities: pieces of up to three bytes."""
    pieces: dict[bytes, float] = {}
    for word, p in WORLD.items():
        left = (word.encode() + end).removeprefix(typed)
        if len(left) < len(word.encode() + end) or not typed:
            for length, often in enumerate(LENGTHS, 1):
                pieces[left[:length]] = pieces.get(left[:length], 0.0) + p * often
    return {piece: p / sum(pieces.values()) for piece, p in pieces.items() if piece}


def written(end: bytes, data: st.DataObject, keep_all: bool = False) -> list[Token]:
    """A reply of that model, sampled at will, of whose alternatives some are listed."""
    spelled, typed = list[Token](), b""
    while typed.removesuffix(end).decode("utf-8", "replace") not in WORLD or (end and not typed.endswith(end)):
        pieces = next_pieces(typed, end)
        piece = data.draw(st.sampled_from(sorted(pieces)))
        top = sorted(((other, log(p)) for other, p in pieces.items()), key=lambda pair: -pair[1])
        kept = len(top) if keep_all else data.draw(st.integers(0, len(top)))
        spelled.append(Token(piece, log(pieces[piece]), tuple(top[:kept])))
        typed += piece
    return spelled


def _holds_the_truth(found: Distribution | None) -> Distribution:
    assert found is not None
    for low, high, p in zip(found.low, found.high, WORLD.values(), strict=True):
        assert low - 1e-9 <= p <= high + 1e-9
    return found


@given(st.data())
def test_the_bounds_hold_the_truth_whatever_is_sampled_and_listed(data: st.DataObject) -> None:
    opening, closing = tokens(('{"label":"', 1, {})), tokens(("}", 1, {}))
    _holds_the_truth(in_json([*opening, *written(b'"', data), *closing], ["label"], list(WORLD)))
    _holds_the_truth(in_text(written(b"\n", data), list(WORLD)))
    _holds_the_truth(in_text(written(b"", data), list(WORLD)))


@given(st.data())
def test_what_is_not_unresolved_is_what_the_model_meant(data: st.DataObject) -> None:
    spelled = [*tokens(('{"label":"', 1, {})), *written(b'"', data, keep_all=True), *tokens(("}", 1, {}))]
    found = _holds_the_truth(in_json(spelled, ["label"], list(WORLD)))
    assert sum(found.raw) + found.unresolved == pytest.approx(1)
    assert found.other == pytest.approx(0)


def test_a_process_that_reads_probabilities_imports_no_numpy() -> None:
    asked = "import sys; import app.domain.probabilities; print('numpy' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "False"


def test_a_logarithm_that_is_above_zero_counts_as_certain() -> None:
    found = in_text([Token(b"A", 0.3, ((b"A", 0.3), (b"B", log(0.5))))], ["A", "B"])
    assert found is not None
    assert found.raw == pytest.approx((2 / 3, 1 / 3))
