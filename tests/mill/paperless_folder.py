"""Sage Paperless by its other way in, the drop folder: its importer, the share, and what people do with both."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tests.mill.site import Site
from tests.mill.world import World

WAY = "drop folder"


def works(site: Site) -> None:
    """The payment job and the importer."""
    site.simulators["sage_paperless"].passing()


def world(rest: World) -> World:
    """As over REST, but for what a folder has not."""

    def options(limits: Mapping[str, int]) -> dict[str, Any]:
        return {**rest.options(limits)}

    def connection(number: int) -> dict[str, Any]:
        return {**rest.connection(number), "transport": "drop_folder"}

    return replace(rest, way=WAY, shared=True, options=options, connection=connection, works=works)
