"""Worlds for the engine's tests: a small company, synced; every one is searched for duplicates at the end."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.database.requirements.company import dataset
from tests.world import World

Start = Callable[..., World]


@pytest.fixture
def start(company: int) -> Iterator[Start]:
    """`start(commitments=[...])`: as the requirements' fixture, without a second pass. `sync=False` leaves that to the test."""
    made: list[World] = []

    def begin(sync: bool = True, **parts: Any) -> World:
        world = World(company, dataset(**parts))
        made.append(world)
        if sync:
            world.sync()
        return world

    yield begin
    for world in made:
        assert world.duplicates() == []
        world.close()
