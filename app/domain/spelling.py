"""Which words a half-written reply can still become, by the rules that read a label.

Form, case, blanks, marks at the ends and a leading "Answer:" or "Label:" do not matter.
"""

import codecs
import re
import unicodedata
from collections.abc import Sequence

from app.domain.tokenwalk import Possible

_LEADING = re.compile(r"(answer|label)\s*:", re.IGNORECASE)
_END = re.compile(r"<\|[^|<>]{1,40}\|>|</s>|<eos>|<end_of_turn>")  # how models write that a reply is over
_BLANKS = re.compile(r"\s+")


def value_start(reply: bytes) -> int:
    """The byte at which the answer itself begins, after marks and a leading "Answer:"."""
    text = _decoded(reply)
    return len(text[: _first(text)].encode())


def possible_words(words: Sequence[str]) -> Possible:
    """What tells a walk which of the words are still possible."""
    wanted = [_without_end_marks(_folded(word)) for word in words]

    def possible(typed: bytes, among: Sequence[int], ended: bool) -> list[int]:
        text = _decoded(typed)
        end = _END.search(text)
        folded = _folded(text[: end.start()] if end else text)
        if ended or end or not typed:
            whole = _without_end_marks(folded)
            return [place for place in among if wanted[place] == whole]
        return [place for place in among if _can_become(folded, wanted[place])]

    return possible


def _decoded(text: bytes) -> str:
    """The text without the character that is only half there at the end."""
    return codecs.getincrementaldecoder("utf-8")("replace").decode(text)


def _can_become(text: str, word: str) -> bool:
    if word.startswith(text):
        return True
    return text.startswith(word) and all(_is_mark(character) for character in text[len(word) :])


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text)
    return _BLANKS.sub(" ", plain[_first(plain) :].casefold())


def _first(text: str) -> int:
    """Where marks and a leading "Answer:" end."""
    at = _after_marks(text, 0)
    leading = _LEADING.match(text, at)
    return _after_marks(text, leading.end()) if leading else at


def _after_marks(text: str, at: int) -> int:
    while at < len(text) and _is_mark(text[at]):
        at += 1
    return at


def _without_end_marks(text: str) -> str:
    last = len(text)
    while last and _is_mark(text[last - 1]):
        last -= 1
    return text[:last]


def _is_mark(character: str) -> bool:
    return character.isspace() or unicodedata.category(character)[0] == "P" or character in "`^"
