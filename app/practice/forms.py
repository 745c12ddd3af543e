"""The form that a reply is asked for: `response_format` read into fields, as far as a practice model can fill them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["values", "boolean", "string", "number", "integer", "array", "object", "null"]
_KINDS: dict[str, Kind] = {name: name for name in ("boolean", "string", "number", "integer", "array", "object", "null")}
_DEEPEST = 6


class BadForm(Exception):
    """A form that cannot be had: a sentence, and the parameter at fault."""

    def __init__(self, message: str, parameter: str) -> None:
        super().__init__(message)
        self.parameter = parameter


@dataclass(frozen=True)
class Field:
    """One place of the reply. `values` are those of an enum, `fields` those of an object, `items` what an array holds."""

    name: str
    kind: Kind
    values: tuple[Any, ...] = ()
    fields: tuple["Field", ...] = ()
    items: "Field | None" = None
    maximum: float | None = None

    @property
    def booleans(self) -> tuple[str, ...]:
        """The names of all yes/no fields in it, in their order."""
        if self.kind == "boolean":
            return (self.name,)
        return tuple(name for field in self.fields for name in field.booleans)


ANY_OBJECT = Field("", "object")
"""Any JSON object: what `json_object` asks for."""


def read_form(sent: Any) -> Field | None:
    """None for plain text. Raises BadForm in the way of OpenAI's API."""
    if sent is None:
        return None
    kind = sent.get("type") if isinstance(sent, dict) else None
    if kind == "text":
        return None
    if kind == "json_object":
        return ANY_OBJECT
    if kind != "json_schema":
        told = "Supported values are: 'json_object', 'json_schema', and 'text'."
        raise BadForm(f"Invalid value: {str(kind)[:40]!r}. {told}", "response_format.type")
    told = sent.get("json_schema")
    schema = told.get("schema") if isinstance(told, dict) else None
    if not isinstance(schema, dict) or not isinstance(told.get("name"), str):
        raise BadForm("response_format.json_schema needs a name and a schema.", "response_format.json_schema")
    form = _field("", schema, schema, 0)
    if form.kind != "object" or not form.fields:
        raise _unfit("the schema must be an object with properties")
    return form


def _unfit(why: str) -> BadForm:
    return BadForm(f"Invalid schema for response_format: {why}.", "response_format")


def _field(name: str, schema: Any, root: Mapping[str, Any], depth: int) -> Field:
    if not isinstance(schema, dict) or depth > _DEEPEST:
        raise _unfit(f"'{name[:60]}' is no schema, or is nested too deep")
    if isinstance(place := schema.get("$ref"), str):
        return _field(name, _at(root, place), root, depth + 1)
    for several in ("anyOf", "oneOf"):
        if isinstance(ways := schema.get(several), list) and ways:
            return _field(name, next((way for way in ways if way != {"type": "null"}), ways[0]), root, depth + 1)
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    if values is not None:
        if not isinstance(values, list) or not values or any(isinstance(value, dict | list) for value in values):
            raise _unfit(f"the values of '{name[:60]}' must be a list of plain values")
        return Field(name, "values", values=tuple(values))
    return _typed(name, schema, root, depth)


def _typed(name: str, schema: Mapping[str, Any], root: Mapping[str, Any], depth: int) -> Field:
    kinds = schema.get("type", "object" if "properties" in schema else "string")
    kind = next((one for one in kinds if one != "null"), "null") if isinstance(kinds, list) else kinds
    if not isinstance(kind, str) or kind not in _KINDS:
        raise _unfit(f"'{name[:60]}' has an unknown type")
    properties = schema.get("properties") or {}
    if not isinstance(properties, dict):
        raise _unfit(f"the properties of '{name[:60]}' must be an object")
    most = schema.get("maximum")
    return Field(
        name,
        _KINDS[kind],
        fields=tuple(_field(str(key), one, root, depth + 1) for key, one in properties.items()),
        items=_field(name, schema["items"], root, depth + 1) if kind == "array" and "items" in schema else None,
        maximum=float(most) if isinstance(most, int | float) and abs(most) < 1e300 else None,
    )


def _at(root: Mapping[str, Any], place: str) -> Any:
    found: Any = root
    for step in place.removeprefix("#").strip("/").split("/"):
        found = found.get(step) if isinstance(found, dict) and step else found
    return found
