"""Finds the connectors: every folder here whose flows.py declares CONNECTOR. Nothing is registered by hand."""

import functools
import importlib
import pkgutil
from collections.abc import Iterator

import connectors
from connectors.flow import Connector, Flow


@functools.cache
def all_connectors() -> dict[str, Connector]:
    """System name -> what its folder declares."""
    found = {}
    for module in pkgutil.iter_modules(connectors.__path__):
        if module.ispkg:
            declared: Connector = importlib.import_module(f"connectors.{module.name}.flows").CONNECTOR
            found[declared.system] = declared
    return found


def connector(system: str) -> Connector:
    """Raises KeyError for a system that has no folder."""
    return all_connectors()[system]


def flows(system: str | None = None) -> Iterator[Flow]:
    """All flows, or those of one connection."""
    for name, declared in all_connectors().items():
        if system in (None, name):
            yield from declared.flows


def flow_of(system: str, kind: str, direction: str) -> Flow:
    """The one flow of a connection for this kind and direction. Raises KeyError."""
    for flow in flows(system):
        if flow.kind == kind and flow.direction == direction:
            return flow
    raise KeyError((system, kind, direction))
