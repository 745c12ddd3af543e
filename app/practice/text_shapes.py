"""What a practice model sees of a text: words, marks, pairs of neighbours and character n-grams."""

import re
from functools import lru_cache
from itertools import pairwise

_TOKEN = re.compile(r"\w+|[^\w\s]")
_WORD = re.compile(r"\w+")
_DIGIT = re.compile(r"\d")
_HUMP = re.compile(r"(?<=[a-zа-яё0-9])(?=[A-ZА-ЯЁ])")
_LONGEST_WORD = 40
_LATIN = str.maketrans("абвгдезийклмнопрстуфхыэё", "abvgdeziiklmnoprstufhyee") | str.maketrans(
    {"ж": "zh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "sch", "ю": "yu", "я": "ya", "ъ": "", "ь": ""}
)


def folded(text: str) -> str:
    """Case, ё and which digit stands somewhere make no difference to a practice model."""
    return _DIGIT.sub("0", text.casefold().replace("ё", "е"))


def tokens(text: str) -> list[str]:
    """Words and single marks in order."""
    return [token[:_LONGEST_WORD] for token in _TOKEN.findall(folded(text))]


def sounded(text: str) -> str:
    """Cyrillic words in Latin letters, so that «промпт» is like "prompt"; the rest as it is."""
    return text.casefold().translate(_LATIN)


def neighbours(words: list[str]) -> list[str]:
    """Pairs of words that follow each other; the blank inside keeps them apart from single words."""
    return [f"{left} {right}" for left, right in pairwise(words)]


@lru_cache(maxsize=8192)
def grams(word: str) -> tuple[str, ...]:
    """Distinct character 3- to 5-grams of a word with its edges marked, in order of appearance."""
    edged = f"_{word}_"
    found = (edged[at : at + size] for size in (3, 4, 5) for at in range(len(edged) - size + 1))
    return tuple(dict.fromkeys(found))


def spoken(name: str) -> str:
    """A label's name as words: `BookRestaurant` and `book_restaurant` both become two words."""
    return " ".join(_HUMP.sub(" ", name).replace("_", " ").replace("-", " ").replace("/", " ").split())


def comparable(text: str) -> str:
    """Two names or texts that differ only in case, ё and blanks are one."""
    return " ".join(text.casefold().replace("ё", "е").split())


def worded(text: str) -> str:
    """The words alone, each between blanks, so that a name can be looked for as a whole."""
    return f" {' '.join(_WORD.findall(comparable(text)))} "


def unquoted(text: str) -> str:
    """Without the quotes, stars, brackets and end marks that people put around a name."""
    return text.strip(" \t\r\n\"'`*«»“”‘’()[]<>.,;:!?")
