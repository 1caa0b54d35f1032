"""F40: many people edit one commitment at once, and many messages about it are carried out at once."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from urllib.error import HTTPError

import pytest

from tests.faults.desk import Traffic
from tests.faults.people import line
from tests.faults.stand import Stand

pytestmark = pytest.mark.fault("F40")

EDITS = 20


def test_twenty_edits_at_once_end_as_if_one_after_another(site: Stand) -> None:
    lines = [line(f"{n}.10", description=f"Line {n}") for n in range(1, 6)]
    order = site.new_commitment(lines=lines, type="po")
    record = site.wait_state("commitment", order)
    traffic = Traffic(site, "lentune")

    def edit(n: int) -> None:
        with suppress(HTTPError):  # approved again by somebody else in between: that edit is refused, as on the screen
            site.act("procore", "change_line", number=order, position=n % 5 + 1, amount=f"{n}.33")
        site.act("procore", "edit_commitment", number=order, title=f"Title {n}")
        site.send("sitebooks.commitment.sync", site.company, [record["id"]], queue="bulk" if n % 2 else "interactive")

    with ThreadPoolExecutor(EDITS) as many:
        list(many.map(edit, range(EDITS)))
    site.wait_quiet()
    here = next(r for r in site.state("procore", "purchase_order_contracts") if r["number"] == order)
    [there] = site.state("lentune", "purchase_orders", number=order)
    assert there["description"] == here["title"]
    assert there["total"] == here["grand_total"]
    assert site.record("commitment", order)["state"] == "synced"
    changed = [e for e in site.ledger("lentune", kind="purchase_order") if e["remote_id"] == there["id"]]
    assert [e["effect"] for e in changed].count("created") == 1
    assert len(changed) <= 1 + 2 * EDITS, "not more writes than there were edits"
    sent = traffic.of("PUT", f"/purchase-orders/by-procore/.*/{here['id']}$")
    assert {e["status"] for e in sent} <= {200, 412}, "a loser reads again; nothing else goes wrong"
