"""How a prompt's closing words ask for the answer: as an object, by codes, or as a line for each field."""

import re
from dataclasses import dataclass

from app.practice.forms import Field
from app.practice.locating import locate

_ADDED = re.compile(
    r"\n\n(?P<added>(?:Answer|Reply|Respond) with (?:one JSON object|the codes? of)\b.*)\Z", re.DOTALL | re.IGNORECASE
)
_PROPERTY = re.compile(r"^[ \t]*[-*][ \t]*\"(?P<name>[^\"\n]{1,80})\":[ \t]*(?P<content>[^\n]+)$", re.MULTILINE)
_CODE = re.compile(r"^[ \t]*(?P<code>[A-Z]):[ \t]*(?P<label>[^\n]+)$", re.MULTILINE)
_EACH_FIELD = re.compile(r"one line for each field\b[^\n]*?:[ \t]*(?P<fields>[^\n]*\([^\n]*)", re.IGNORECASE)
_FIELD = re.compile(r"(?P<name>[^():;,\n]+?)[ \t]*\((?P<values>[^()\n]+)\)")
_QUOTED = re.compile(r'"([^"\n]+)"')


@dataclass(frozen=True)
class Asked:
    """A prompt cut into its author's instructions, the example, and closing words about the answer's form, if any."""

    instructions: str
    example: str
    added: str

    @property
    def everything(self) -> str:
        return f"{self.instructions}\n{self.added}".strip()

    @property
    def codes(self) -> dict[str, str]:
        """Code -> the label that it stands for; empty when no codes are asked for."""
        if not re.search(r"\bcodes?\b", self.added[:40], re.IGNORECASE):
            return {}
        return {match["code"]: match["label"].strip() for match in _CODE.finditer(self.added)}


def read_asked(prompt: str, sight: int | None) -> Asked:
    """`sight` is how many characters of the instructions are read; the closing words are read in any case."""
    closing = _ADDED.search(prompt.rstrip())
    located = locate(prompt[: closing.start()] if closing else prompt)
    return Asked(located.instructions[:sight], located.example, closing["added"] if closing else "")


def form_in_words(added: str) -> Field | None:
    """The object that closing words describe property by property, or None."""
    if not re.search(r"\bJSON object\b", added[:40], re.IGNORECASE):
        return None
    fields = tuple(_property(match["name"], match["content"]) for match in _PROPERTY.finditer(added))
    return Field("", "object", fields=fields) if fields else None


def _property(name: str, content: str) -> Field:
    plain = content.split(";")[0].strip()
    if plain in ("true or false", "false or true"):
        return Field(name, "boolean")
    if plain.startswith("one of "):
        return Field(name, "values", values=_values(plain.removeprefix("one of ")))
    if plain.startswith("an object"):
        return Field(name, "object", fields=tuple(Field(one, "number") for one in _QUOTED.findall(plain)))
    return Field(name, "number" if plain.startswith("a number") else "string")


def fields_in_words(instructions: str) -> tuple[Field, ...]:
    """The fields of which each is to be answered on a line of its own, as `name (value, value); name (value, ...)`."""
    told = _EACH_FIELD.search(instructions)
    found = _FIELD.finditer(told["fields"]) if told else ()
    return tuple(_line(match["name"].strip(), _values(match["values"])) for match in found)


def _line(name: str, values: tuple[str, ...]) -> Field:
    if values == ("text",):
        return Field(name, "string")
    if {value.casefold() for value in values} == {"true", "false"}:
        return Field(name, "boolean")
    return Field(name, "values", values=values)


def _values(listed: str) -> tuple[str, ...]:
    return tuple(value.strip() for value in listed.split(",") if value.strip())
