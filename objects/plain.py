"""Objects as JSON-ready dictionaries and back, exactly: amounts as text, dates as ISO text, and the hash of the whole."""

import functools
import hashlib
import json
from typing import Any

from pydantic import TypeAdapter, ValidationError

from objects import KINDS, Object


class NotReadable(ValueError):
    """A stored object does not fit the class any more; `path` says where."""

    def __init__(self, kind: str, path: str, reason: str) -> None:
        super().__init__(f"{kind}: {path}: {reason}")
        self.kind, self.path, self.reason = kind, path, reason


@functools.cache
def _adapter(kind: str) -> TypeAdapter[Any]:
    return TypeAdapter(KINDS[kind])


def to_plain(kind: str, obj: Object) -> dict[str, Any]:
    """Only text, numbers without fractions, booleans, None, lists and dicts."""
    plain: dict[str, Any] = _adapter(kind).dump_python(obj, mode="json")
    return plain


def from_plain(kind: str, data: dict[str, Any]) -> Any:
    """The object again. Raises NotReadable when the stored form does not fit (an older release wrote it)."""
    try:
        return _adapter(kind).validate_python(data)
    except ValidationError as error:
        first = error.errors()[0]
        raise NotReadable(kind, ".".join(str(p) for p in first["loc"]), first["msg"]) from error


def digest(data: object) -> bytes:
    """SHA-256 of the canonical JSON form."""
    return hashlib.sha256(json.dumps(data, sort_keys=True, separators=(",", ":"), default=str).encode()).digest()
