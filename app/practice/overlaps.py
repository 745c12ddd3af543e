"""What two texts share: words without their endings, in English and Russian, sentence by sentence."""

import hashlib
import re
from functools import lru_cache
from itertools import pairwise

_WORD = re.compile(r"\w+")
_SENTENCE = re.compile(r"(?<=[.!?…])\s+|\n+")
_BULLET = re.compile(r"^(?:[-*•]|\d{1,2}[.)])\s+")
_VOWELS = "аеиоуыэюяйь"
_STEM = 5  # letters
_NEGATION = re.compile(
    r"\b(?:not|no|never|nobody|nothing|without|не|нет|ни|никогда|никто|без)\b|n['’]t\b", re.IGNORECASE
)
_SMALL_WORDS = """
a an and are as at be been but by for from had has have he her his in into is it its of on or she so than that the
their them then there they this to was we were what when where which who will with would you your
а без бы был была было были в во все да для до ее его ей же за и из или им их к как ко которые который ли мы на над не
него нет но о об от она они оно он по под при с со так там то тот ты у уже что чтобы эта эти это этот я
"""
_SMALL = frozenset(_SMALL_WORDS.split())


def stems(text: str) -> tuple[str, ...]:
    """Its words but the smallest, in order, each cut so that its forms are alike; numbers stay whole."""
    words = (word for word in _WORD.findall(text.casefold().replace("ё", "е")) if word not in _SMALL)
    return tuple(stem(word) for word in words)


@lru_cache(maxsize=8192)
def stem(word: str) -> str:
    if word.isdigit():
        return word
    short = word.removesuffix("s") if word.isascii() and len(word) > 3 else word.rstrip(_VOWELS)
    return (short or word)[:_STEM]


def sentences(text: str) -> list[str]:
    """In order, without the marks of a list."""
    return [one for part in _SENTENCE.split(text) if (one := _BULLET.sub("", part.strip()).strip())]


def share(of: str, within: str) -> float:
    """How much of the words of one text another one has, in [0, 1]; nothing is had of a text without words."""
    wanted = set(stems(of))
    return len(wanted & set(stems(within))) / len(wanted) if wanted else 0.0


def alike(left: str, right: str) -> float:
    """F1 of the words that two texts share."""
    there, back = share(left, right), share(right, left)
    return 2 * there * back / (there + back) if there + back else 0.0


def stated(fact: str, text: str) -> float:
    """How far a text states a fact: the most words of it that two neighbouring sentences have.

    It is nothing where a number of the fact is missing, or where one of the two denies what the other says.
    """
    numbers = {one for one in stems(fact) if one.isdigit()}
    if not numbers <= set(stems(text)):
        return 0.0
    parts = sentences(text)
    windows = [*parts, *(f"{one} {other}" for one, other in pairwise(parts))]
    return max((share(fact, window) for window in windows if _denies(window) == _denies(fact)), default=0.0)


def _denies(text: str) -> bool:
    return _NEGATION.search(text) is not None


def whim(*texts: str) -> float:
    """In [0, 1), the same for the same texts: what a reader makes of what is neither clear nor unclear."""
    return hashlib.sha256("\0".join(texts).encode("utf-8", "replace")).digest()[0] / 256
