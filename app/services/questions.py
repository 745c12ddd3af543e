"""How a prompt version asks its task model, and how the reply is read: the one way for campaigns and for runs."""

import logging
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from struct import pack
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from app.domain import answercodes, formats
from app.domain.answerspace import Answers
from app.domain.formats import AnswerFormat
from app.domain.improving.asks import Message
from app.domain.prompts import clean, render
from app.domain.readers.reading import Reader, reader
from app.domain.readers.readings import Reading, unreadable
from app.domain.readers.texts import TextReader
from app.domain.wording import placed_after
from app.errors import Invalid
from app.gateway.calls import ReplyFormat, Token
from app.storage.projects import Project
from app.storage.prompts import PromptVersion
from app.storage.test_sets import Placed

if TYPE_CHECKING:  # most workers never ask for probabilities, and must stay small
    from app.domain.probabilities import Distribution
    from app.domain.tokenwalk import Token as WalkedToken

MOST_ALTERNATIVES = 20
_tokens = msgspec.msgpack.Decoder(tuple[Token, ...])


class Answered(NamedTuple):
    """Columns of an output, and of what stands beside it: probabilities where the reply told them, a grader's grade."""

    output: dict[str, Any]
    probability: dict[str, Any] | None = None
    grade: dict[str, Any] | None = None


@dataclass(frozen=True)
class Questions:
    """One prompt version's text with what its answer format adds to it."""

    text: str
    answers: Answers
    form: AnswerFormat

    @cached_property
    def placed_after(self) -> str:
        """What stands after the prompt's own text."""
        return placed_after(self.answers, self.form)

    def messages(self, values: Mapping[str, str]) -> tuple[Message, ...]:
        return (Message("user", render(self.text, values) + self.placed_after),)

    @cached_property
    def reply_format(self) -> ReplyFormat | None:
        return ReplyFormat.of("answer", formats.schema(self.answers, self.form)) if self.form.how == "json" else None

    @property
    def top_logprobs(self) -> int | None:
        return MOST_ALTERNATIVES if self.form.probabilities == "logprobs" else None

    @cached_property
    def _reader(self) -> Reader:
        return reader(self.answers, self.form)

    def answered(self, example: Placed, reply: str, packed: bytes | None) -> Answered:
        """What a reply says and what it is worth; `packed` are its tokens as the answer store keeps them."""
        reading = self._read(reply, example)
        columns = {"reading": reading.code, "label": example.label, "score": reading.score}
        shares = self.shares(packed, reading)
        if not shares:
            return Answered(columns)
        uncertain = any(one.uncertain or one.tokenises_badly for one in shares)
        return Answered(columns, {"shares": floats(shares), "source": shares[0].source, "uncertain": uncertain})

    def _read(self, reply: str, example: Placed) -> Reading:
        """A fault of a reader may cost one reading, and never the batch of paid answers that it stands in."""
        try:
            return self._reader.read(reply, example.reference)
        except Exception:
            logging.getLogger(__name__).exception("a reply to example %s could not be read", example.example_id)
            return unreadable("Agon failed to read this reply; its log says why")

    def value(self, reply: str, reference: str | None) -> Reading:
        """What a reply says, in words, for people."""
        return self._reader.read(reply, reference)

    def alone(self, reply: str) -> str:
        """The text of a reply that was read, as a grader is shown it; a JSON text may hold what cannot be sent or stored."""
        return clean(self._reader.text(reply))[0] if isinstance(self._reader, TextReader) else reply

    def shares(self, packed: bytes | None, reading: Reading) -> "tuple[Distribution, ...]":
        """One distribution for a label, else one for each label of a set or field; empty where the reply does not tell.

        Of a yes/no label the values are no and yes.
        """
        if self.form.probabilities == "stated":
            return self._stated(reading)
        if packed is None or self.form.probabilities != "logprobs":
            return ()
        from app.domain.tokenwalk import Token as WalkedToken

        tokens = [
            WalkedToken(one.utf8, one.logprob, tuple((other.utf8, other.logprob) for other in one.top))
            for one in tokens_unpacked(packed)
        ]
        found = self._in_object(tokens) if self.form.how == "json" else [self._in_reply(tokens)]
        return tuple(one for one in found if one is not None) if None not in found else ()

    def _in_object(self, tokens: "Sequence[WalkedToken]") -> "list[Distribution | None]":
        from app.domain.probabilities import in_json

        return [
            in_json(tokens, (name,), [msgspec.json.decode(value) for value in formats.written(self.answers, name)])
            for name in formats.verdicts(self.answers)
        ]

    def _in_reply(self, tokens: "Sequence[WalkedToken]") -> "Distribution | None":
        if self.answers.kind != "label":
            return None
        from app.domain.probabilities import in_text

        return in_text(tokens, formats.codes_of(self.answers) if self.form.how == "codes" else self.answers.names)

    def _stated(self, reading: Reading) -> "tuple[Distribution, ...]":
        if not reading.stated or reading.code == answercodes.UNREADABLE:
            return ()
        from app.domain.probabilities import from_stated

        digits = answercodes.digits_of(self.answers, reading.code)
        sizes = answercodes.sizes_of(self.answers)
        return tuple(
            from_stated(digit, stated, size) for digit, stated, size in zip(digits, reading.stated, sizes, strict=True)
        )


def misfit(project: Project, version: PromptVersion) -> str:
    """Why the version's format does not fit the project's answers, as when labels were added since; else nothing."""
    try:
        formats.checked(project.answer_space, formats.load(version.format))
    except Invalid as invalid:
        return str(invalid)
    return ""


def questions_of(project: Project, version: PromptVersion) -> Questions:
    """Raises Invalid where the version's format does not fit the project's answers."""
    form = formats.load(version.format)
    return Questions(version.text, project.answer_space, formats.checked(project.answer_space, form))


def tokens_unpacked(packed: bytes) -> tuple[Token, ...]:
    return _tokens.decode(zlib.decompress(packed))


def floats(shares: "Sequence[Distribution]") -> bytes:
    """The shares of all distributions, one after the other, as little-endian 32-bit floats."""
    given = [share for one in shares for share in one.shares]
    return pack(f"<{len(given)}f", *given)
