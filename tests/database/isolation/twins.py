"""Two companies with the same ids and numbers on both sides, reachable at once: on servers of their own, or on shared ones."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from random import Random
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from sqlalchemy import text

import simulators
from models import session
from sync import clients
from sync.connections import new_company
from tests.world import World

PORTS = (8801, 8802)
Pick = Callable[[httpx.Request], int]
Dataset = Callable[[str], dict[str, Any]]


class Switchboard(httpx.BaseTransport):
    """The network before several simulators of one system; `pick` says which of them a request reaches."""

    def __init__(self, transports: Mapping[int, Any], pick: Pick) -> None:
        self.transports, self.pick = transports, pick

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self.transports[self.pick(request)].handle_request(request)


@contextmanager
def twins(company: int, dataset: Dataset, sites: tuple[str, str] = ("4100", "4100")) -> Iterator[list[World]]:
    """Each with credentials of its own. Afterwards nothing must stand twice anywhere."""
    worlds: list[World] = []
    patch, real = pytest.MonkeyPatch(), simulators.load

    def load(*args: Any, **options: Any) -> Any:
        core: Any = real(*args, **options)
        core.credentials_seed = f"twin {len(worlds)}"
        if core.system == "lentune":
            # the same seed gives the same ids; tokens must differ all the same
            core.data.client, core.data.random = core.credentials, Random(len(worlds))
        return core

    patch.setattr(simulators, "load", load)
    try:
        for n, site in enumerate(sites):
            worlds.append(World(company if n == 0 else new_company("Twin", site), dataset(site)))
        yield worlds
        assert [world.duplicates() for world in worlds] == [[], []]
    finally:
        patch.undo()
        for world in worlds:
            world.close()


def own_servers(worlds: list[World]) -> None:
    """Each company's systems answer at an address of their own."""
    for system in ("procore", "lentune"):
        by_port = {port: world.transports[system] for port, world in zip(PORTS, worlds, strict=True)}
        clients.transports[system] = Switchboard(by_port, lambda request: int(request.url.port or 0))
    for port, world in zip(PORTS, worlds, strict=True):
        move(world, f"http://127.0.0.1:{port}")


def move(world: World, address: str) -> None:
    with session(world.company) as db:
        db.execute(
            text("""
            UPDATE connection SET settings = settings || jsonb_build_object('base_url', CAST(:a AS text)),
                settings_version = settings_version + 1
        """),
            {"a": address},
        )
    clients.close_all()


def shared_servers(worlds: list[World]) -> None:
    """Both companies' systems answer at one address; whose data it is, the sign-in decides, as it does outside."""
    for system in ("procore", "lentune"):
        at = {n: world.transports[system] for n, world in enumerate(worlds)}
        clients.transports[system] = Switchboard(at, _by_sign_in(worlds, system))
    clients.close_all()


def _by_sign_in(worlds: list[World], system: str) -> Pick:
    def pick(request: httpx.Request) -> int:
        given = parse_qs(request.read().decode()) if "oauth" in request.url.path else {}
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        for n, world in enumerate(worlds):
            core: Any = world.simulators[system]
            if core.credentials["client_id"] in given.get("client_id", []) or token in core.data.tokens:
                return n
        return 0

    return pick


def tokens_used(world: World) -> dict[str, set[str]]:
    """The tokens that came to each of its systems."""
    return {
        name: {r.headers["authorization"].removeprefix("Bearer ") for r in transport.requests if "authorization" in r.headers}
        for name, transport in world.transports.items()
    }


def tokens_issued(world: World) -> dict[str, set[str]]:
    return {name: set(core.data.tokens) for name, core in world.simulators.items()}  # type: ignore[attr-defined]
