"""Embeddings of a simulated model: words and pieces of words, hashed to places of a vector; it knows no meaning."""

import math
import struct
from base64 import b64encode
from collections import Counter
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from app.practice.overlaps import stems
from app.practice.requests import Refused, read_sent, tokens_in, whole_text
from app.practice.text_shapes import grams, tokens

NUMBERS = 384
MOST_TEXTS = 2048  # as OpenAI's API has it
_PIECE, _SMALL_WORD = 0.2, 0.3  # weights beside that of a word's stem
_PLACES = 7


@dataclass(frozen=True)
class Texts:
    """What embeddings are wanted of, as plain numbers or packed as `base64`."""

    name: str
    texts: tuple[str, ...]
    packed: bool = False


def read_texts(body: bytes) -> Texts:
    """Raises Refused, as OpenAI's API does."""
    name, sent = read_sent(body, embeds=True)
    form = sent.get("encoding_format")
    if form not in (None, "float", "base64"):
        raise Refused(400, "encoding_format must be 'float' or 'base64'.", "encoding_format")
    if sent.get("dimensions") not in (None, NUMBERS):
        raise Refused(400, f"dimensions must be {NUMBERS}: practice embeddings have one length.", "dimensions")
    given = sent.get("input")
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not 0 < len(texts) <= MOST_TEXTS or not all(isinstance(t, str) for t in texts):
        raise Refused(400, f"input must be a text or a list of 1 to {MOST_TEXTS} texts.", "input")
    return Texts(name, tuple(map(whole_text, texts)), form == "base64")


def embed(request: Texts) -> dict[str, Any]:
    """The reply: the same for the same texts, whenever and wherever they are sent."""
    asked = sum(map(tokens_in, request.texts))
    data = [
        {"object": "embedding", "index": at, "embedding": _packed(one) if request.packed else one}
        for at, one in enumerate(map(vector, request.texts))
    ]
    usage = {"prompt_tokens": asked, "total_tokens": asked}
    return {"object": "list", "data": data, "model": request.name, "usage": usage}


def vector(text: str) -> list[float]:
    """Of length 1; a text without words or marks has one too, which is near to no other."""
    sums = [0.0] * NUMBERS
    for feature, weight in _features(text).items():
        drawn = crc32(feature.encode("utf-8", "replace"))
        sums[drawn % NUMBERS] += weight if drawn & 0x8000_0000 else -weight
    length = math.sqrt(sum(number * number for number in sums))
    return [round(number / length, _PLACES) for number in sums] if length else vector(f"{text} .")


def _features(text: str) -> dict[str, float]:
    """What is said once counts nearly as much as what is said again and again."""
    weights = {f"={stem}": math.sqrt(count) for stem, count in Counter(stems(text)).items()}
    for word, count in Counter(tokens(text)).items():
        weights[f"~{word}"] = _SMALL_WORD * math.sqrt(count)
        for piece in grams(word) if word.isalpha() else ():
            weights[piece] = weights.get(piece, 0.0) + _PIECE * math.sqrt(count)
    return weights or {"nothing": 1.0}


def _packed(numbers: list[float]) -> str:
    return b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()
