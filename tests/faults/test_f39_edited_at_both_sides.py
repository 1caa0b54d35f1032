"""F39: the same record is edited at both sides. Fields of the other side are its own; ours never overwrite theirs unseen."""

import pytest

from tests.faults.desk import person
from tests.faults.people import line
from tests.faults.stand import Stand

pytestmark = pytest.mark.fault("F39")


def conflict(site: Stand, number: str) -> dict[str, object]:
    record = site.wait_state("commitment", number, "conflict")
    assert site.codes("commitment", number) == ["edited_on_both_sides"]
    return record


def there(site: Stand, number: str) -> dict[str, object]:
    [copy] = site.state("lentune", "purchase_orders", number=number)
    return copy


def edited(site: Stand) -> str:
    """An order whose description both sides have changed since it was written."""
    number = site.new_commitment(type="po", title="As written")
    site.wait_state("commitment", number)
    site.wait_quiet()
    site.act("lentune", "change_order", number=number, description="Theirs")
    site.act("procore", "edit_commitment", number=number, title="Ours")
    return number


def test_a_field_changed_at_both_sides_is_a_conflict_with_both_values_and_nothing_is_overwritten(site: Stand) -> None:
    number = edited(site)
    record = conflict(site, number)
    said = record["problems"][0]["values"]["fields"]  # type: ignore[index]
    assert all(value in said for value in ("description", "As written", "Theirs", "Ours")), said
    assert there(site, number)["description"] == "Theirs"
    site.scan(full=True)
    site.wait_quiet()
    assert site.record("commitment", number)["state"] == "conflict", "it does not settle itself"
    assert there(site, number)["description"] == "Theirs"
    person(site, "send-ours", record["id"])  # type: ignore[arg-type]
    site.wait_state("commitment", number)
    assert there(site, number)["description"] == "Ours"


def test_a_person_may_keep_theirs(site: Stand) -> None:
    number = edited(site)
    record = conflict(site, number)
    person(site, "keep-theirs", record["id"])  # type: ignore[arg-type]
    site.wait_state("commitment", number, "unlinked")
    site.act("procore", "edit_commitment", number=number, title="Ours, once more")
    site.wait_quiet()
    assert there(site, number)["description"] == "Theirs"


def test_an_amount_changed_at_both_sides_is_a_conflict(site: Stand) -> None:
    number = site.new_commitment(type="po", amount="100.00")
    site.wait_state("commitment", number)
    site.wait_quiet()
    site.act("lentune", "change_order", number=number, amount="101.00")
    site.act("procore", "change_line", number=number, position=1, amount="102.00")
    record = conflict(site, number)
    said = record["problems"][0]["values"]["fields"]  # type: ignore[index]
    assert all(value in said for value in ("100.00", "101.00", "102.00")), said
    assert there(site, number)["total"] == "101.00"
    person(site, "send-ours", record["id"])  # type: ignore[arg-type]
    site.wait_state("commitment", number)
    assert there(site, number)["total"] == "102.00"


def test_what_is_lentunes_own_is_changed_there_without_any_conflict(site: Stand) -> None:
    """A blank supplier that a user fills in is theirs (L-34): our next write keeps it."""
    site.act("procore", "create_vendor", name="Nobody Knows Ltd")
    number = site.new_commitment(type="po", vendor="Nobody Knows Ltd")
    site.wait_state("commitment", number)
    site.wait_quiet()
    site.act("lentune", "set_order_supplier", number=number, supplier="Southern Steel Ltd")
    chosen = there(site, number)["supplier_id"]
    assert chosen
    site.act("procore", "add_line", number=number, **line("5.00"))
    site.wait(lambda: there(site, number)["total"] == "1005.00", 20, "our change did not arrive")
    site.wait_state("commitment", number)
    assert there(site, number)["supplier_id"] == chosen


def test_edits_at_both_sides_to_the_same_value_agree(site: Stand) -> None:
    number = site.new_commitment(type="po", title="As written")
    site.wait_state("commitment", number)
    site.wait_quiet()
    site.act("lentune", "change_order", number=number, description="Agreed on the phone")
    site.act("procore", "edit_commitment", number=number, title="Agreed on the phone")
    site.wait_quiet()
    assert site.record("commitment", number)["state"] == "synced"
    assert there(site, number)["description"] == "Agreed on the phone"
