"""What the replies to a probe prove: yes when it was seen, no when it was refused or not done, None when untold."""

from collections.abc import Sequence

from app.gateway.interviewing import Asked
from app.gateway.questions import ALTERNATIVES, alternatives_in, stopped


def shown(asked: Asked, proof: bool) -> bool | None:
    """Of one thing on trial that its reply shows; a reply that was cut off before it shows nothing."""
    if asked.fault:
        return False if asked.refused_whole else None
    return True if proof else None if asked.cut_off else False


def counted(asked: Sequence[Asked]) -> bool | None:
    """Whether every reply told its tokens."""
    replies = [one.purchase.completion_tokens is not None for one in asked if one.body]
    return all(replies) if replies else None


def taken(asked: Sequence[Asked], name: str) -> bool | None:
    """Whether a parameter was accepted, asked together with others or alone; nothing in a reply shows more."""
    for one in asked:
        if name not in one.question.extras:
            continue
        if name in one.refused or (one.refused_whole and len(one.question.extras) - len(one.refused) == 1):
            return False
        if not one.fault:
            return True
    return None


def stops(asked: Sequence[Asked]) -> bool | None:
    """Whether the stop word was accepted and then ended the reply."""
    if taken(asked, "stop"):
        return next(stopped(one.purchase.text) for one in asked if "stop" in one.question.extras and not one.fault)
    return taken(asked, "stop")


def alternatives(asked: Sequence[Asked]) -> tuple[bool | None, int]:
    """Whether tokens come with their probabilities, and with how many alternatives at most."""
    answered = [one for one in asked if one.body]
    seen = [count for one in answered if (count := alternatives_in(one.body)) is not None]
    if seen:
        return True, min(max(seen), ALTERNATIVES[0])
    refused = any(one.refused_whole or "logprobs" in one.refused for one in asked)
    silent = all(one.purchase.text == "" for one in answered)
    return (False if refused or not silent else None), 0
