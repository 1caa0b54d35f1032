"""F15: one change announced many times, under one id and under several."""

import pytest

from tests.faults.hooks import Hook, again, asked, last_asked
from tests.faults.stand import Stand

pytestmark = pytest.mark.fault("F15")


def test_ten_times_the_same_and_ten_more_under_other_ids_write_nothing(site: Stand) -> None:
    number = site.new_commitment()
    record = site.wait_state("commitment", number)
    site.wait_quiet()
    contract = record["source_id"].split(":")[1]
    (event,) = site.rows(
        "SELECT event_id, body FROM event WHERE body->>'resource_id' = %s AND body->>'event_type' = 'create'", contract
    )
    hook, written, read = Hook(site, "procore"), len(site.ledger("lentune")), last_asked(site, "procore")
    stored = site.rows("SELECT count(*) AS n FROM event")[0]["n"]
    assert {status for status, _ in hook.deliver_all([event["body"]] * 10)} == {202}
    assert site.rows("SELECT count(*) AS n FROM event")[0]["n"] == stored, "the same delivery is stored once"
    site.wait_quiet()
    assert not asked(site, "procore", read), "it is known already: nothing is read again"
    assert {status for status, _ in hook.deliver_all([again(event["body"]) for _ in range(10)])} == {202}
    site.wait_quiet()
    reads = asked(site, "procore", read, lambda e: e["path"].endswith(f"/work_order_contracts/{contract}"))
    assert 1 <= len(reads) <= 10, "a hint costs one read at most"
    assert len(site.ledger("lentune")) == written


def test_each_change_is_written_once_however_often_it_is_announced(site: Stand) -> None:
    numbers = [site.new_commitment() for _ in range(3)]
    for number in numbers:
        site.wait_state("commitment", number)
    site.wait_quiet()
    site.fault("procore", "duplicate", on="delivery")
    site.fault("lentune", "duplicate", on="delivery")
    before = len(site.ledger("lentune"))
    for number in numbers:
        site.act("procore", "edit_commitment", number=number, title=f"Second {number}")

    def there() -> bool:
        return {f"Second {n}" for n in numbers} <= {row["description"] for row in site.state("lentune", "subcontracts")}

    site.wait(there, 20, "a change did not arrive")
    site.wait_quiet()
    assert len(site.ledger("lentune")) - before == len(numbers)
