"""Words that tell one label's examples from the others'."""

import math
from collections import Counter
from collections.abc import Sequence

from app.practice.drafts import Example
from app.practice.text_shapes import tokens

_SHORTEST = 3


def telling_words(examples: Sequence[Example], names: Sequence[str], most: int) -> dict[str, list[str]]:
    """For each label at most `most` words, the most telling first.

    A word's weight is its log odds ratio between the label's examples and the others', with half
    a count added everywhere, times the root of how many of the label's examples have it.
    """
    having = {name: Counter[str]() for name in names}
    sizes = Counter(example.label for example in examples)
    for example in examples:
        having[example.label].update({word for word in tokens(example.input) if _tells(word)})
    everywhere = sum(having.values(), Counter[str]())
    found = {}
    for name in names:
        others = sum(sizes.values()) - sizes[name]
        weights = {
            word: _odds(count, sizes[name], everywhere[word] - count, others) * math.sqrt(count)
            for word, count in having[name].items()
        }
        ranked = sorted((word for word in weights if weights[word] > 0), key=lambda word: (-weights[word], word))
        found[name] = ranked[:most]
    return found


def _tells(word: str) -> bool:
    return len(word) >= _SHORTEST and word.isalpha()


def _odds(inside: int, size: int, outside: int, rest: int) -> float:
    return math.log((inside + 0.5) / (size - inside + 0.5)) - math.log((outside + 0.5) / (rest - outside + 0.5))
