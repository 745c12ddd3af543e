"""What each well-behaved generator does to the best prompt: one function from a brief to a draft per habit."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

from app.practice.brief_reading import Brief, Shown
from app.practice.drafts import Draft, Example, put_together, same_gaps, take_apart, tight_format, usable
from app.practice.telling import telling_words
from app.practice.text_shapes import comparable, tokens, unquoted

Habit = Callable[[Brief, Random], Draft]

_MOST_CUES = 14
_TRIES = 8


def add_examples(brief: Brief, rng: Random) -> Draft:
    """The best prompt with shown examples added, wrong ones first, new ones before those that are there."""
    draft = take_apart(brief.best, brief.labels)
    fresh = _fresh(brief, draft, rng)
    keep = rng.randint(max(1, len(fresh) - 2), len(fresh)) if fresh else 0
    return _formatted(replace(draft, examples=(*fresh[:keep], *draft.examples)), brief, rng)


def describe_labels(brief: Brief, rng: Random) -> Draft:
    """The best prompt with telling words in every label's description, new words first."""
    draft = take_apart(brief.best, brief.labels)
    names = [name for name, _ in brief.labels]
    telling = telling_words(_seen(brief), names, rng.randint(6, 12))
    cues = {name: tuple(dict.fromkeys([*telling[name], *draft.cues[name]]))[:_MOST_CUES] for name in names}
    return _formatted(replace(draft, cues=cues), brief, rng)


def trim(brief: Brief, rng: Random) -> Draft:
    """The best prompt with a tighter answer format, shorter texts and nothing said twice."""
    draft = take_apart(brief.best, brief.labels)
    most, length, alike = rng.randint(4, 8), rng.randint(100, 240), rng.uniform(0.4, 0.8)
    cues = {name: words[:most] for name, words in draft.cues.items()}
    kept = _without_longest(_different(draft.examples, alike), rng)
    examples = tuple(Example(_shortened(e.input, length), e.label) for e in kept)
    return replace(draft, cues=cues, examples=examples, wording=tight_format(brief.labels, rng))


def combine(brief: Brief, rng: Random) -> Draft:
    """The best prompt and one of the two next best in one, with a little of what was shown."""
    draft = take_apart(brief.best, brief.labels)
    names = [name for name, _ in brief.labels]
    other = take_apart(rng.choice(brief.known[-3:-1] or brief.known), brief.labels)
    fresh = _fresh(brief, draft, rng)[: rng.randint(1, 4)]
    examples = _merged(fresh, _merged(draft.examples, other.examples))
    cues = {name: tuple(dict.fromkeys([*draft.cues[name], *other.cues[name]]))[:_MOST_CUES] for name in names}
    if cues == draft.cues:
        telling = telling_words(_seen(brief), names, rng.randint(2, 5))
        cues = {name: tuple(dict.fromkeys([*cues[name], *telling[name]]))[:_MOST_CUES] for name in names}
    return _formatted(replace(draft, examples=examples, cues=cues), brief, rng)


def written(brief: Brief, rng: Random, habit: Habit) -> str:
    """A new prompt by this habit: tried again with other choices while it equals a known one."""
    known = {comparable(text) for text in brief.known}
    text = brief.best
    for _ in range(_TRIES):
        text = put_together(habit(brief, rng), brief.limit)
        if comparable(text) not in known and same_gaps(text, brief.best):
            return text
    return _reworded(brief, rng, known)


def _reworded(brief: Brief, rng: Random, known: set[str]) -> str:
    """The last resort: the best prompt with its examples in another order and the format in other words."""
    draft = take_apart(brief.best, brief.labels)
    text = brief.best
    for _ in range(_TRIES):
        examples = tuple(rng.sample(draft.examples, len(draft.examples)))
        wording = tight_format(brief.labels, rng)
        text = put_together(replace(draft, examples=examples, wording=wording), brief.limit)
        if comparable(text) not in known:
            break
    return text


def _formatted(draft: Draft, brief: Brief, rng: Random) -> Draft:
    """With a tight answer format, where the prompt had none or an answer shown is no label at all."""
    names = {comparable(name) for name, _ in brief.labels}
    read = all(comparable(unquoted(shown.answered)) in names for shown in brief.shown)
    if draft.wording and read:
        return draft
    return replace(draft, wording=tight_format(brief.labels, rng))


def _fresh(brief: Brief, draft: Draft, rng: Random) -> list[Example]:
    """Shown examples that the draft does not have yet, wrong ones first, each part in a drawn order."""
    there = {comparable(example.input) for example in draft.examples}
    wrong, right = brief.wrong, brief.right
    drawn = [*rng.sample(wrong, len(wrong)), *rng.sample(right, len(right))]
    examples = [_example(shown, brief) for shown in drawn]
    return [example for example in examples if example and comparable(example.input) not in there]


def _example(shown: Shown, brief: Brief) -> Example | None:
    text = usable(shown.input)
    label = next((name for name, _ in brief.labels if comparable(name) == comparable(shown.expected)), None)
    return Example(text, label) if text and label else None


def _seen(brief: Brief) -> list[Example]:
    """Every labelled example that the brief holds: shown ones, and those in the prompts so far."""
    found = [example for shown in brief.shown if (example := _example(shown, brief))]
    for prompt in reversed(brief.known):
        found += take_apart(prompt, brief.labels).examples
    return list({comparable(example.input): example for example in reversed(found)}.values())


def _merged(left: Sequence[Example], right: Sequence[Example]) -> tuple[Example, ...]:
    there = {comparable(example.input) for example in left}
    return (*left, *(example for example in right if comparable(example.input) not in there))


def _different(examples: Sequence[Example], alike: float) -> list[Example]:
    """Without examples that share more than `alike` of their words with an earlier one of the same label."""
    kept: list[tuple[Example, set[str]]] = []
    for example in examples:
        words = set(tokens(example.input))
        if not any(example.label == other.label and _overlap(words, seen) > alike for other, seen in kept):
            kept.append((example, words))
    return [example for example, _ in kept]


def _without_longest(examples: Sequence[Example], rng: Random) -> list[Example]:
    """Without the longest ones, up to a tenth of all; the order stays."""
    longest = sorted(examples, key=lambda example: -len(example.input))[: rng.randint(0, len(examples) // 10)]
    return [example for example in examples if example not in longest]


def _overlap(left: set[str], right: set[str]) -> float:
    return len(left & right) / max(1, len(left | right))


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length].rsplit(' ', 1)[0].rstrip(' …')} …"
