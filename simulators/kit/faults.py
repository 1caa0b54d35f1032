"""Switchable faults: which request or delivery one hits, and what it does to an answer's bytes."""

import json
import re
from dataclasses import dataclass, field
from random import Random
from typing import Any

ON_REQUEST = {
    "status", "drop_before", "drop_after", "delay", "apply_later", "truncate", "mutate", "read_lag", "duplicate",
    "reset_connection", "slow",
}  # fmt: skip
ON_DELIVERY = {
    "status", "drop_before", "drop_after", "delay", "truncate", "mutate", "drop", "duplicate", "reorder",
    "reset_connection",
}  # fmt: skip


class BadFault(Exception):
    """The fault is not one that can be added."""


@dataclass(slots=True)
class Fault:
    """One rule: `times` None is for ever; `seconds` means what the action says (wait, lag, later).

    truncate: the body ends after `at` bytes (None: in its middle); `whole` ends it in good order, as a broken proxy does,
    instead of cutting the connection. mutate: `change` and `remove` name fields of the JSON by dotted paths, in which a
    number is a place in a list and * is every one; of a body that is a list, each element is meant. slow: the body goes out
    at `rate` bytes a second.
    """

    id: int
    on: str
    action: str
    method: str | None = None
    path: re.Pattern[str] | None = None
    company: str | None = None
    status: int = 503
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    seconds: float = 5.0
    times: int | None = None
    probability: float = 1.0
    change: dict[str, Any] = field(default_factory=dict)
    remove: tuple[str, ...] = ()
    at: int | None = None
    whole: bool = False
    rate: int = 0
    random: Random = field(default_factory=lambda: Random(1))
    fired: int = 0

    def hits(self, method: str, path: str, company: str) -> bool:
        """Whether it strikes now; counts itself when it does."""
        if self.times is not None and self.fired >= self.times:
            return False
        if self.method is not None and self.method != method:
            return False
        if self.company is not None and self.company != company:
            return False
        if self.path is not None and not self.path.search(path):
            return False
        if self.probability < 1.0 and self.random.random() >= self.probability:
            return False
        self.fired += 1
        return True

    def public(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "on": self.on,
            "action": self.action,
            "match": {
                "method": self.method,
                "path": self.path.pattern if self.path else None,
                "company": self.company,
            },
            "times": self.times,
            "fired": self.fired,
        }


class Faults:
    """The faults in force, in the order they were added."""

    def __init__(self) -> None:
        self.rules: list[Fault] = []
        self._next = 1

    def add(self, spec: dict[str, Any]) -> Fault:
        """From the form of `POST /_sim/faults`. Raises BadFault."""
        on, action = spec.get("on", "request"), spec.get("action")
        known = {"request": ON_REQUEST, "delivery": ON_DELIVERY}.get(on, set())
        if action not in known:
            raise BadFault(f"no fault {action!r} on {on!r}; known: {', '.join(sorted(known))}")
        match = spec.get("match") or {}
        try:
            path = re.compile(match["path"]) if match.get("path") else None
        except re.error as error:
            raise BadFault(f"match.path is not a pattern: {error}") from error
        fault = Fault(
            id=self._next,
            on=on,
            action=action,
            method=match.get("method"),
            path=path,
            company=str(match["company"]) if match.get("company") is not None else None,
            status=int(spec.get("status", 503)),
            headers={str(k): str(v) for k, v in (spec.get("headers") or {}).items()},
            body=spec.get("body"),
            seconds=float(spec.get("seconds", 5)),
            times=int(spec["times"]) if spec.get("times") is not None else None,
            probability=float(spec.get("probability", 1.0)),
            change=spec.get("change") or {},
            remove=tuple(spec.get("remove") or ()),
            at=int(spec["at"]) if spec.get("at") is not None else None,
            whole=bool(spec.get("whole", False)),
            rate=int(spec.get("rate", 100_000)),
            random=Random(int(spec.get("seed", 1))),
        )
        self._next += 1
        self.rules.append(fault)
        return fault

    def clear(self) -> None:
        self.rules.clear()

    def hit(self, on: str, method: str, path: str, company: str, only: set[str] | None = None) -> Fault | None:
        """The first fault that strikes; `only` limits which actions are asked."""
        for fault in self.rules:
            if fault.on == on and (only is None or fault.action in only) and fault.hits(method, path, company):
                return fault
        return None


def mutated(body: bytes, fault: Fault) -> bytes:
    """The JSON body with the fault's `change` and `remove` or, without them, one field spoilt by chance."""
    try:
        data = json.loads(body)
    except ValueError:
        return body + b"\x00"
    targets = data if isinstance(data, list) else [data]
    objects = [item for item in targets if isinstance(item, dict) and item]
    if not objects:
        return b"null"
    if fault.change or fault.remove:
        for item in objects:
            for path, value in fault.change.items():
                _put(item, path.split("."), value)
            for path in fault.remove:
                _put(item, path.split("."), _GONE)
    else:
        _spoil(fault.random.choice(objects), fault.random)
    return json.dumps(data, default=float).encode()  # numbers of a change were read as decimals


def shortened(body: bytes, fault: Fault) -> bytes:
    """What of a body is left."""
    return body[: len(body) // 2 if fault.at is None else fault.at]


_GONE = object()


def _put(item: Any, path: list[str], value: Any) -> None:
    name, rest = path[0], path[1:]
    if isinstance(item, list):
        for place in range(len(item)) if name == "*" else [int(name)] if name.isdigit() and int(name) < len(item) else []:
            _set(item, place, rest, value)
    elif isinstance(item, dict):
        for key in list(item) if name == "*" else [name]:
            _set(item, key, rest, value)


def _set(item: Any, key: Any, rest: list[str], value: Any) -> None:
    """The field itself, or further down; what is on the way and not there is made, unless something is to be removed."""
    if rest:
        child = item[key] if isinstance(item, list) else item.get(key)
        if not isinstance(child, dict | list):
            if value is _GONE:
                return
            child = item[key] = {}
        _put(child, rest, value)
    elif value is not _GONE:
        item[key] = value
    elif isinstance(item, list) or key in item:
        del item[key]


def _spoil(item: dict[str, Any], random: Random) -> None:
    name = random.choice(sorted(item))
    how = random.choice(["missing", "null", "text", "list"])
    if how == "missing":
        del item[name]
    else:
        item[name] = {"null": None, "text": "\u0000?", "list": [[]]}[how]
