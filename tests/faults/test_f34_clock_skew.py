"""F34: the source's clock is ahead, behind, or put right between two readings."""

import pytest

from tests.faults.neighbour import Neighbour, neighbour
from tests.faults.stand import Stand

pytestmark = pytest.mark.fault("F34")


def changed_and_found(far: Neighbour, what: str) -> None:
    """Two commitments and an edit, of which no webhook tells, are found by the next reading of what changed."""
    number, other = far.new_commitment(), far.new_commitment()
    far.scan("procore", kinds=["commitment"])
    for each in (number, other):
        far.wait_state("commitment", each, seconds=40)
    far.act("procore", "edit_commitment", number=number, title=f"{what} {number}")
    written = len(far.ledger("lentune"))
    far.scan("procore", kinds=["commitment"])
    far.wait(lambda: far.state("lentune", "subcontracts", number=number, description=f"{what} {number}"), 40, f"{what}: a gap")
    far.wait_quiet()
    assert len(far.ledger("lentune")) == written + 1, "what was read twice was written once"


@pytest.mark.parametrize("minutes", [10, -10])
def test_a_cursor_lives_by_the_source_s_own_clock(site: Stand, minutes: int) -> None:
    """And its clock being put right again leaves no gap either."""
    with neighbour(site) as far:
        far.fault("procore", "drop", on="delivery")
        far.cores["procore"].clock.advance(minutes * 60)
        changed_and_found(far, "apart")
        far.cores["procore"].clock.advance(-minutes * 60)
        changed_and_found(far, "put right")
