"""How long to wait before asking again: by chance, by a reply's word, or until a limit is reset."""

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from random import Random

FIRST_WAIT = 0.5
LONGEST_WAIT = 8.0
# Limits count by the minute. A reset further away is that of a day's limit: the next 429 says what to do about it.
LONGEST_RESET = 60.0
UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|[dhms])")


def backoff(attempts: int, dice: Random) -> float:
    """Seconds before the next attempt: exponential with full jitter.

    Marc Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015.
    """
    return dice.uniform(0, min(LONGEST_WAIT, FIRST_WAIT * 2 ** (attempts - 1)))


def asked_to_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds that a reply asks to wait: `retry-after-ms`, or `retry-after` as seconds or as an HTTP date.

    A date is read against the reply's own `Date`, so that no clock of ours matters.
    """
    for name, scale in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        if (seconds := _number(headers.get(name, ""), scale)) is not None:
            return seconds
    try:
        until = parsedate_to_datetime(headers["retry-after"])
        return max(0.0, (until - parsedate_to_datetime(headers["date"])).total_seconds())
    except (KeyError, TypeError, ValueError):
        return None


def until_reset(headers: Mapping[str, str], sent_since: int, tokens: int) -> float:
    """Seconds to the reset of a limit into which no other call fits; 0.0 while one fits, or nobody knows.

    What remains is what the reply says, less what was sent after its request: `sent_since` calls of `tokens` each.
    """
    waits = [0.0]
    for kind, each in (("requests", 1), ("tokens", tokens)):
        if (said := headers.get(f"x-ratelimit-remaining-{kind}")) is None:
            continue
        remaining = _number(said)
        limit = _number(headers.get(f"x-ratelimit-limit-{kind}", ""))
        if remaining is not None and limit != 0 and remaining - sent_since * each < max(each, 1):
            waits.append(min(duration(headers.get(f"x-ratelimit-reset-{kind}", "")), LONGEST_RESET))
    return max(waits)


def duration(text: str) -> float:
    """Seconds of `1s`, `6m0s`, `120ms`, or a plain number of them; 0.0 for what cannot be one, such as a date."""
    text = text.strip()[:40]
    if (seconds := _number(text)) is not None:
        return seconds if seconds <= UNITS["d"] else 0.0
    if DURATION.sub("", text):
        return 0.0
    return sum(float(number) * UNITS[unit] for number, unit in DURATION.findall(text))


def _number(text: str, scale: float = 1.0) -> float | None:
    try:
        seconds = float(text) / scale
    except ValueError:
        return None
    return seconds if 0 <= seconds < float("inf") else None
