"""Finds the handler of a method and path, and the template under which the request is counted."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Handler = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Match:
    """A handler, the values of its path parameters (text), and the path template."""

    handler: Handler
    params: dict[str, str]
    template: str


@dataclass(slots=True)
class _Node:
    literals: dict[str, "_Node"] = field(default_factory=dict)
    parameter: "_Node | None" = None
    handlers: dict[str, tuple[Handler, tuple[str, ...], str]] = field(default_factory=dict)


class Router:
    """Routes by path segments; a literal segment wins over a parameter."""

    def __init__(self) -> None:
        self._root = _Node()
        self.routes: list[tuple[str, str]] = []

    def route(self, method: str, template: str) -> Callable[[Handler], Handler]:
        """Registers `handler(simulator, request, **path_parameters)`."""

        def register(handler: Handler) -> Handler:
            node, names = self._root, []
            for segment in template.strip("/").split("/"):
                if segment.startswith("{"):
                    names.append(segment[1:-1])
                    node.parameter = node.parameter or _Node()
                    node = node.parameter
                else:
                    node = node.literals.setdefault(segment, _Node())
            node.handlers[method] = (handler, tuple(names), template)
            self.routes.append((method, template))
            return handler

        return register

    def match(self, method: str, path: str) -> Match | None:
        """None when no route has this method and path."""
        found = _walk(self._root, path.strip("/").split("/"), 0, method, ())
        if found is None:
            return None
        (handler, names, template), values = found
        return Match(handler, dict(zip(names, values, strict=True)), template)


_Found = tuple[tuple[Handler, tuple[str, ...], str], tuple[str, ...]]


def _walk(node: _Node, segments: list[str], at: int, method: str, values: tuple[str, ...]) -> _Found | None:
    if at == len(segments):
        handler = node.handlers.get(method)
        return (handler, values) if handler else None
    literal = node.literals.get(segments[at])
    if literal is not None:
        found = _walk(literal, segments, at + 1, method, values)
        if found is not None:
            return found
    if node.parameter is None or not segments[at]:
        return None
    return _walk(node.parameter, segments, at + 1, method, (*values, segments[at]))
