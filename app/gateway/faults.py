"""What went wrong with one attempt, as a sentence that says what to do and never holds a key."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from urllib.parse import urlsplit

from app.domain.prompts import clean
from app.gateway.calls import Target
from app.gateway.waiting import asked_to_wait
from app.masking import mask

READ, SHOWN = 4000, 300  # characters of a provider's own words
MESSAGES = ("message", "detail", "error", "msg")
CONTENT_CODES = {"content_filter", "content_policy_violation", "invalid_prompt", "ResponsibleAIPolicyViolation"}
LENGTH_CODES = {"context_length_exceeded", "exceed_context_size_error", "string_above_max_length"}
TOO_LONG = re.compile(r"(?:maximum |exceeds? .{0,20})context.(?:length|size|window)|prompt is too long", re.IGNORECASE)
CUT_OFF = re.compile(r"(?:max_tokens|model output) (?:or model output )?limit was reached", re.IGNORECASE)
NO_MODEL = re.compile(r"model.{0,200}(?:not found|does not exist|not exist)|(?:invalid|unknown) model", re.I | re.S)
AGAIN = {408, 409, 425, 429}
NOT_HERE = {404, 405, 410}
NO_EMBEDDINGS = NOT_HERE | {501}  # the last is what llama.cpp says when it was not started for them


class Trouble(Enum):
    """Why no HTTP answer came."""

    CERTIFICATE = "certificate"
    UNKNOWN_HOST = "unknown host"
    SLOW = "slow to connect"
    REFUSED = "refused"
    BROKEN = "broken"


@dataclass(frozen=True)
class Refused:
    """An HTTP answer that is no success: `body` is what was sent, an error object without its envelope, or text."""

    status: int
    headers: Mapping[str, str]
    path: str
    body: object

    @property
    def code(self) -> object:
        return self.body.get("code") if isinstance(self.body, dict) else None


@dataclass(frozen=True)
class Fault:
    """Why an attempt brought nothing.

    `lasting`: asking again will not help. `wait`: seconds the endpoint asked for. `crowded`: it wants fewer requests.
    """

    sentence: str
    lasting: bool = False
    wait: float | None = None
    crowded: bool = False


def masked(text: str, key: str) -> str:
    """The text without this key, and without what looks like one."""
    if len(key) >= 4:
        text = text.replace(key, "[key]")
    return mask(text)


def shown(text: str, key: str) -> str:
    """A provider's own words, fit to be shown: clean, in one line, keys masked, cut."""
    return " ".join(masked(clean(text[:READ])[0], key).split())[:SHOWN]


def place(target: Target) -> str:
    """The endpoint as people know it: model and address, without what an address may hide."""
    parts = urlsplit(target.base_url)
    return mask(f"{target.model} at {parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"[:SHOWN])


def said(error: object, depth: int = 0) -> str:
    """The message of an error body, wherever servers put it; a web page says nothing."""
    if isinstance(error, str):
        return "" if error.lstrip()[:1] == "<" else error[:READ]
    if isinstance(error, list):
        error = {"message": error[0]} if error else {}
    if not isinstance(error, dict) or depth > 6:
        return ""
    return next((said(error[name], depth + 1) for name in MESSAGES if error.get(name)), "")


def content_refusal(error: Refused, words: str) -> str:
    """The finish reason when this one request was refused for what it holds, by a code; else an empty string."""
    details = error.body if isinstance(error.body, dict) else {}
    codes = {code for name in ("code", "type") if isinstance(code := details.get(name), str)}
    if error.status == 413 or codes & LENGTH_CODES:
        return "context_length"
    metadata = details.get("metadata")
    if codes & CONTENT_CODES or (isinstance(metadata, dict) and "flagged_input" in metadata):
        return "content_filter"
    return "length" if CUT_OFF.search(words) else ""


def too_long(words: str) -> str:
    """The finish reason when only the words tell that the request does not fit, else an empty string."""
    return "context_length" if TOO_LONG.search(words) else ""


def of_status(error: Refused, words: str, target: Target) -> Fault:
    """The fault behind an HTTP status that is neither a success nor a matter of content or parameters."""
    status = error.status
    if status in AGAIN or (status >= 500 and not _lacks_embeddings(error)):
        if error.code == "insufficient_quota":
            return Fault(
                _sentence(target, "has no credit left for this key", "top up the account", words), lasting=True
            )
        trouble = "asks to slow down" if status == 429 else "had a fault of its own"
        return Fault(
            _sentence(target, f"{trouble} ({status})", "", words),
            wait=asked_to_wait(error.headers),
            crowded=status == 429,
        )
    return Fault(_lasting_sentence(error, words, target), lasting=True)


def _lasting_sentence(error: Refused, words: str, target: Target) -> str:
    status = error.status
    if status == 401:
        verdict = "refuses the key" if target.api_key else "asks for a key"
        return _sentence(target, f"{verdict} (401)", "enter a valid API key for this provider", words)
    if status == 402:
        return _sentence(target, "has no credit left for this key (402)", "top up the account", words)
    if status == 403:
        return _sentence(target, "does not allow this key to do that (403)", "check the key's permissions", words)
    if NO_MODEL.search(words):
        advice = "correct the model's name, or make the model available there"
        return _sentence(target, f"cannot be used: there is no such model ({status})", advice, words)
    if _lacks_embeddings(error):
        trouble = f"gives no embeddings: {error.path} does not exist on that server ({status})"
        return _sentence(target, trouble, "choose a model that gives embeddings, or start its server for them", words)
    if status in NOT_HERE or 300 <= status < 400:
        return _sentence(target, _not_here(error), "check the base URL; it usually ends in /v1", words)
    return _sentence(target, f"refuses the request ({status})", "check the endpoint's settings", words)


def _lacks_embeddings(error: Refused) -> bool:
    return error.status in NO_EMBEDDINGS and error.path.endswith("/embeddings")


def _not_here(error: Refused) -> str:
    if 300 <= error.status < 400:
        return f"is not there: the server redirects to another address ({error.status})"
    return f"is not there: {error.path} does not exist on that server ({error.status})"


def of_trouble(trouble: Trouble, target: Target, seconds: float) -> Fault:
    """The fault behind a request that got no HTTP answer; `seconds` is what a connection may take."""
    if trouble is Trouble.CERTIFICATE:
        return Fault(
            _sentence(target, "has a TLS certificate that cannot be verified", "check the base URL"), lasting=True
        )
    said = {
        Trouble.SLOW: f"cannot be reached: no connection within {seconds:g} s",
        Trouble.UNKNOWN_HOST: "cannot be reached: its host name is not known",
        Trouble.REFUSED: "cannot be reached: it does not accept connections",
    }
    return Fault(
        _sentence(target, said.get(trouble, "broke the connection"), "check the base URL and that the server runs")
    )


def of_silence(target: Target, seconds: float) -> Fault:
    return Fault(_sentence(target, f"did not answer within {seconds:.3g} s", "see whether the server is overloaded"))


def of_reply(target: Target, trouble: str, words: str) -> Fault:
    """An HTTP success that is not what was asked for."""
    return Fault(_sentence(target, trouble, "check that the base URL speaks OpenAI's API", words))


def _sentence(target: Target, trouble: str, advice: str, words: str = "") -> str:
    told = shown(words, target.api_key)
    sentence = f"{place(target)} {trouble}" + (f"; {advice}." if advice else ".")
    return sentence + (f" It said: {told}" if told else "")
