"""Worlds that are started with only what a test names, and closed after it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from simulators import datasets
from tests.database.requirements.company import dataset
from tests.world import World
from tests.world_paperless import PaperlessWorld, only

Start = Callable[..., World]


@pytest.fixture
def start(company: int) -> Iterator[Start]:
    """`start(commitments=[...])`: a company of its own, synced until nothing is due. `sync=False` leaves that to the test."""
    made: list[World] = []

    def begin(sync: bool = True, **parts: Any) -> World:
        world = World(company, dataset(**parts))
        made.append(world)
        if sync:
            world.sync()
            if parts.get("invoices"):
                # the clerk codes what has arrived, and what is not ready to post has no webhook: the next scan sees it
                world.scan("lentune")
                world.settle()
        return world

    yield begin
    for world in made:
        assert world.duplicates() == []
        world.close()


@pytest.fixture
def paperless(company: int) -> Iterator[Callable[..., PaperlessWorld]]:
    """`paperless("SI-101")`: the Sage Paperless data set with these invoices only, synced until nothing is due."""
    made: list[PaperlessWorld] = []

    def begin(*numbers: str, sync: bool = True, **parts: Any) -> PaperlessWorld:
        world = PaperlessWorld(company, only(datasets.load("paperless"), *numbers), **parts)
        made.append(world)
        if sync:
            world.sync()
        return world

    yield begin
    for world in made:
        assert world.duplicates() == []
        world.close()
