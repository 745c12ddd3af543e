"""Text cut into tokens the way byte-level vocabularies cut it: pieces of words, merged marks, halves of characters."""

import re
from zlib import crc32

_SHAPES = re.compile(
    r'(?P<marks>["{}\[\]:,]{1,3})|(?P<digits> ?\d{1,3})|(?P<word> ?[^\W\d_]+)|(?P<rest>\s+|.)', re.DOTALL
)
_SHORTEST, _LENGTHS = 2, 4  # a piece of a word has 2 to 5 characters
_SPLIT_OFTEN = 3  # every third boundary before a longer character lies within it


def pieces(text: str) -> list[bytes]:
    """The tokens, whose bytes are the text's UTF-8 when joined; half a surrogate pair becomes a question mark.

    Where a word is cut depends on what stands before the cut, so words that begin alike begin with the same tokens
    as long as they are alike. A token may end in the first byte of a character: join before decoding.
    """
    cut: list[str] = []
    for shape in _SHAPES.finditer(text):
        cut += _word(shape.group()) if shape.lastgroup == "word" else [shape.group()]
    return _shifted([part.encode("utf-8", "replace") for part in cut])


def starts(text: str) -> list[tuple[int, int]]:
    """Where the text may be cut in two without changing a token of the first part: (character, how many tokens before).

    Those are the places where something begins with a character of one byte, and the beginning; sorted.
    """
    found, tokens = [(0, 0)], 0
    for shape in _SHAPES.finditer(text):
        if shape.start() and text[shape.start()] < "\x80":
            found.append((shape.start(), tokens))
        tokens += len(_word(shape.group())) if shape.lastgroup == "word" else 1
    return found


def _word(word: str) -> list[str]:
    found = []
    while word:
        blank = word[0] == " "
        size = blank + _SHORTEST + crc32(word[: blank + _SHORTEST].encode("utf-8", "replace")) % _LENGTHS
        found.append(word[:size])
        word = word[size:]
    return found


def _shifted(cut: list[bytes]) -> list[bytes]:
    """Some tokens take the first byte of the longer character that follows them."""
    taken = 0
    found = []
    for at, token in enumerate(cut):
        rest = token[taken:]
        following = cut[at + 1] if at + 1 < len(cut) else b""
        taken = int(following[:1] >= b"\xc0" and crc32(token) % _SPLIT_OFTEN == 0)
        found.append(rest + following[:taken])
    return found
