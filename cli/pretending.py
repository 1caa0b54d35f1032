"""Which accounting system the pretend company is connected with, and what the simulators then hold. Reads no environment:
it is asked before the stack has set any."""

from cli.exits import wrong_usage
from connectors.registry import all_connectors

#: One accounting system: by two routes an invoice would be booked twice.
USUAL = "lentune"
#: The data set that is made for it, where that is not demo.
DATASETS = {"sage_paperless": "paperless"}


def systems() -> list[str]:
    """Every accounting system there is."""
    return [name for name in all_connectors() if name != "procore"]


def accounting(connection: str | None) -> str | None:
    """The accounting system that was asked for. Raises Failure for one that there is not."""
    if connection and connection not in systems():
        raise wrong_usage(f"There is no accounting system {connection}.", f"Name one of {', '.join(systems())}.", "not_connected")
    return connection


def dataset_of(connection: str | None) -> str:
    """What the simulators hold when nothing else is asked for."""
    return DATASETS.get(connection or USUAL, "demo")
