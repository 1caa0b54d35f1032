"""F33: rows are deleted and added while a list is read page by page."""

from collections.abc import Callable

import pytest

from simulators.kit.http import Request, Response
from simulators.kit.router import Match
from simulators.kit.simulator import Simulator
from tests.faults.neighbour import neighbour
from tests.faults.stand import Stand

pytestmark = pytest.mark.fault("F33")
LIST = "/rest/v1.0/work_order_contracts"


def between_pages(core: Simulator, act: Callable[[], object]) -> list[str]:
    """`act` happens once, when the second page of the list is asked for; gives the pages asked for."""
    answer, asked = core.answer, list[str]()

    def answered(request: Request, match: Match) -> Response:
        if request.path == LIST:
            if request.q("page") == "2" and "2" not in asked:
                act()
            asked.append(request.q("page") or "1")
        return answer(request, match)

    core.answer = answered  # type: ignore[method-assign]
    return asked


def test_what_was_there_throughout_is_never_missed_nor_called_gone(site: Stand) -> None:
    with neighbour(site, settings={"procore": {"page_size": 10}}) as far:
        core = far.cores["procore"]
        far.fault("procore", "drop", on="delivery")
        numbers = [far.new_commitment() for _ in range(12)]
        asked = between_pages(core, lambda: core.act("delete_commitment", {"number": numbers[0]}))
        far.scan("procore", kinds=["commitment"], full=True)
        for number in numbers[1:]:
            far.wait_state("commitment", number, seconds=40)
        assert asked.count("2") >= 2, "it moved while it was read, and was not read again"
        far.wait_quiet()

        del core.answer  # type: ignore[method-assign]
        asked = between_pages(core, lambda: core.act("delete_commitment", {"number": numbers[1]}))
        far.scan("procore", kinds=["commitment"], full=True)
        far.wait(lambda: asked.count("2") >= 2, 40, "it moved while it was read, and was not read again")
        del core.answer  # type: ignore[method-assign]
        far.scan("procore", kinds=["commitment"], full=True)  # nothing moves any more
        far.wait_state("commitment", numbers[1], "source_deleted", seconds=40)
        far.wait_quiet()
        assert {far.record("commitment", number)["state"] for number in numbers[2:]} == {"synced"}
        stories = [far.story("commitment", number) for number in numbers[2:]]
        assert not any("source_deleted" in story for story in stories), "one that stood there was called gone for a while"
