"""What a person can do in a simulated system: functions whose arguments are the form's fields."""

import inspect
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any, get_origin

Act = Callable[..., Any]


class BadAction(Exception):
    """The person cannot do that; the message says why."""


class Actions:
    """Registered by `@actions.add` on `def set_stage(simulator, project: str)`; the docstring is its label."""

    def __init__(self) -> None:
        self._acts: dict[str, Act] = {}

    def add(self, act: Act) -> Act:
        self._acts[act.__name__] = act
        return act

    def listed(self) -> list[dict[str, Any]]:
        """Each action with its sentence and its arguments."""
        return [
            {
                "action": name,
                "sentence": (inspect.getdoc(act) or name).splitlines()[0],
                "args": [
                    {
                        "name": parameter.name,
                        "type": _type_name(parameter.annotation),
                        "required": parameter.default is inspect.Parameter.empty,
                        "default": None if parameter.default is inspect.Parameter.empty else parameter.default,
                    }
                    for parameter in _parameters(act)
                ],
            }
            for name, act in self._acts.items()
        ]

    def run(self, simulator: object, name: str, args: dict[str, Any]) -> Any:
        """Raises BadAction when the action or one of its arguments is unknown, missing or refused."""
        act = self._acts.get(name)
        if act is None:
            raise BadAction(f"no action {name!r}; known: {', '.join(self._acts)}")
        parameters = {parameter.name: parameter for parameter in _parameters(act)}
        unknown = sorted(set(args) - set(parameters))
        if unknown:
            raise BadAction(f"{name} has no argument {', '.join(unknown)}")
        missing = [n for n, p in parameters.items() if p.default is inspect.Parameter.empty and n not in args]
        if missing:
            raise BadAction(f"{name} needs {', '.join(missing)}")
        return act(simulator, **args)

    def from_form(self, name: str, fields: dict[str, str]) -> dict[str, Any]:
        """An HTML form's text fields as arguments; an empty optional field is left out. Raises BadAction."""
        act = self._acts.get(name)
        if act is None:
            raise BadAction(f"no action {name!r}")
        args: dict[str, Any] = {}
        for parameter in _parameters(act):
            text = fields.get(parameter.name, "").strip()
            if not text and parameter.default is not inspect.Parameter.empty:
                continue
            args[parameter.name] = _value(parameter, text)
        return args


def _parameters(act: Act) -> list[inspect.Parameter]:
    return list(inspect.signature(act).parameters.values())[1:]


def _type_name(annotation: Any) -> str:
    if get_origin(annotation) in (list, dict):
        return "json"
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
    for name in ("bool", "int", "list", "dict"):
        if text.startswith(name):
            return "json" if name in ("list", "dict") else name
    return "json" if "list[" in str(annotation) or "dict[" in str(annotation) else "text"


def _value(parameter: inspect.Parameter, text: str) -> Any:
    kind = _type_name(parameter.annotation)
    try:
        if kind == "bool":
            return text.lower() in ("true", "yes", "on", "1")
        if kind == "int":
            return int(text)
        if kind == "json":
            return json.loads(text, parse_float=Decimal)
    except ValueError as error:
        raise BadAction(f"{parameter.name} cannot be read: {error}") from error
    return text
