"""A form from a settings model: one box a field, with the label and hint the model gives it, and back to values."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from settings import address


@dataclass(frozen=True, slots=True)
class Box:
    """`type` is check, choice, text or lines (one item or pair a line; lists of more than texts as JSON)."""

    name: str
    label: str
    type: Literal["check", "choice", "text", "lines"]
    value: Any
    hint: str = ""
    choices: tuple[str, ...] = ()
    fixed: bool = False  # shown, and changed elsewhere: by connecting again, or in the other system


def boxes_of(model: type[BaseModel], values: Mapping[str, Any]) -> list[Box]:
    """One box for each field, filled with what is stored or, where nothing is, with the default."""
    return [replace(_box(name, field, values), fixed=_fixed(name, field)) for name, field in model.model_fields.items()]


def _fixed(name: str, field: FieldInfo) -> bool:
    extra = field.json_schema_extra
    return name in address.NAMES or (isinstance(extra, dict) and bool(extra.get("readOnly")))


def values_of(model: type[BaseModel], fields: Mapping[str, str]) -> dict[str, Any]:
    """What a posted form says; fields the form did not have are left as they are."""
    return {
        name: _value(field, fields[name]) for name, field in model.model_fields.items() if name in fields
    }


def _box(name: str, field: FieldInfo, values: Mapping[str, Any]) -> Box:
    value = values[name] if name in values else _default(field)
    label, hint, kind = field.title or name.replace("_", " ").capitalize(), field.description or "", _type(field)
    if kind == "choice":
        return Box(name, label, kind, value, hint, tuple(str(choice) for choice in get_args(_inner(field))))
    if kind == "lines":
        shown, how = _lines(field, value)
        return Box(name, label, kind, shown, f"{hint} {how}".strip())
    return Box(name, label, kind, bool(value) if kind == "check" else "" if value is None else str(value), hint)


def _lines(field: FieldInfo, value: Any) -> tuple[str, str]:
    """What the box shows, and how it is written."""
    if isinstance(value, str):  # as it was typed, to be put right
        return value, ""
    if _texts(field):
        return "\n".join(value), "One a line."
    if _pairs(field):
        return "\n".join(f"{name}: {one}" for name, one in value.items()), f"One a line: {_example(field)}"
    return json.dumps(value), "As JSON."


def _value(field: FieldInfo, text: str) -> Any:
    kind = _type(field)
    if kind == "check":
        return text == "on"
    if kind == "lines" and _texts(field):
        return [line.strip() for line in text.splitlines() if line.strip()]
    if kind == "lines" and _pairs(field):
        pairs = [line.partition(":") for line in text.splitlines() if line.strip()]
        return {name.strip(): value.strip() for name, _, value in pairs}
    if kind == "lines":
        try:
            return json.loads(text or "null")
        except ValueError:  # the model refuses the text and says what it wants
            return text
    if _inner(field) is int and text.strip().isdecimal():
        return int(text)
    return None if text.strip() == "" and type(None) in get_args(field.annotation) else text.strip()


def _type(field: FieldInfo) -> Literal["check", "choice", "text", "lines"]:
    inner = _inner(field)
    if inner is bool:
        return "check"
    if get_origin(inner) is Literal:
        return "choice"
    return "lines" if get_origin(inner) in (tuple, list, dict) else "text"


def _texts(field: FieldInfo) -> bool:
    """A list of texts, as opposed to a list of more."""
    return get_origin(_inner(field)) in (tuple, list) and get_args(_inner(field))[0] is str


def _pairs(field: FieldInfo) -> bool:
    """A mapping of names to texts or to one of several words."""
    inner = _inner(field)
    return get_origin(inner) is dict and (get_args(inner)[1] is str or get_origin(get_args(inner)[1]) is Literal)


def _example(field: FieldInfo) -> str:
    worth = get_args(_inner(field))[1]
    return f"name: {' or '.join(get_args(worth))}." if get_origin(worth) is Literal else "name: text."


def _inner(field: FieldInfo) -> Any:
    """The type without its "or nothing"."""
    if get_origin(field.annotation) in (Union, UnionType):
        return next(one for one in get_args(field.annotation) if one is not type(None))
    return field.annotation


def _default(field: FieldInfo) -> Any:
    if field.is_required():
        return ""
    value = field.get_default(call_default_factory=True)
    return list(value) if isinstance(value, tuple) else value
