"""Two texts compared by their embeddings: what is sent for it, and the cosine that a reply comes to."""

import math
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from operator import mul
from typing import Any

from app.gateway.calls import Purchase, Request
from app.gateway.replies import Reply, Unreadable, complaint, count_of, name_of, object_of, parsed

PATH = "/embeddings"
FORM = "encoding_format"
PLACES = 6  # of the cosine's decimals
MOST_NUMBERS = 65_536  # of one embedding


def extras(dropped: AbstractSet[str]) -> dict[str, tuple[str, object]]:
    """Name on the wire -> our name and the value; few servers refuse it, and those send plain numbers anyway."""
    return {} if FORM in dropped else {FORM: (FORM, "float")}


def cosine_bought(request: Request, served_by: str, reply: Reply, attempts: int) -> Purchase:
    """The purchase whose text is the cosine. Raises Unreadable when the reply holds no two embeddings to compare."""
    body = parsed(reply.content)
    usage = object_of(body.get("usage"))
    told = count_of(usage.get("completion_tokens"))
    return Purchase(
        request.key,
        request.target.endpoint,
        served_by,
        True,
        f"{cosine(*_pair(body)):.{PLACES}f}",
        model=name_of(body.get("model")),
        prompt_tokens=count_of(usage.get("prompt_tokens")),
        completion_tokens=0 if told is None else told,
        latency_ms=reply.milliseconds,
        attempts=attempts,
        request_id=name_of(reply.headers.get("x-request-id") or body.get("id")),
    )


def cosine(left: Sequence[float], right: Sequence[float]) -> float:
    """From -1 to 1, rounded. Raises Unreadable for vectors that have none."""
    if len(left) != len(right):
        raise Unreadable(f"sent embeddings of different lengths, {len(left)} and {len(right)} numbers")
    a, b = _of_length_one(left), _of_length_one(right)
    found = math.fsum(map(mul, a, b))
    return round(min(1.0, max(-1.0, found)), PLACES) + 0.0  # which makes a negative zero a plain one


def _of_length_one(vector: Sequence[float]) -> list[float]:
    most = max(map(abs, vector))
    if most == 0:
        raise Unreadable("sent an embedding that is zero everywhere, which cannot be compared")
    scaled = [number / most for number in vector]  # so that no square is too large or too small
    length = math.sqrt(math.fsum(map(mul, scaled, scaled)))
    return [number / length for number in scaled]


def _pair(body: dict[str, Any]) -> tuple[list[float], list[float]]:
    """The two embeddings; which is which does not matter to the cosine, only that it is not one of them twice."""
    data = body.get("data")
    if not isinstance(data, list) or not all(isinstance(one, dict) for one in data):
        raise Unreadable("sent a reply without embeddings", complaint(body.get("error")))
    if len(data) != 2:
        raise Unreadable(f"sent {len(data)} embeddings for two texts")
    places = [one.get("index") for one in data]
    if places != [None, None] and (any(map(_is_no_place, places)) or places[0] == places[1]):
        raise Unreadable("sent embeddings that do not say which text each is of")
    return _numbers(data[0].get("embedding")), _numbers(data[1].get("embedding"))


def _is_no_place(value: object) -> bool:
    return isinstance(value, bool) or value not in (0, 1)


def _numbers(embedding: object) -> list[float]:
    if not isinstance(embedding, list) or not embedding:
        raise Unreadable("sent an embedding that is no list of numbers")
    if len(embedding) > MOST_NUMBERS:
        raise Unreadable(f"sent an embedding of {len(embedding)} numbers, more than any can have")
    return [_number(one) for one in embedding]


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unreadable("sent an embedding that is no list of numbers")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise Unreadable("sent an embedding with a number that is not finite")
    return number
