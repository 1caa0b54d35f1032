"""Commands that set something going: approve, reject, retry, replay; and what is refused."""

import pytest

from tests.worker.command import Command, worker_in_process  # noqa: F401
from tests.world import World

pytestmark = pytest.mark.worker


@pytest.fixture
def sitebooks(world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(world.company, monkeypatch, capsys)


@pytest.fixture
def waiting(world: World) -> World:
    """PO-1001-01 waits for approval."""
    from sync import settings

    settings.save(world.company, "lentune", {"approval": {"commitment": "manual"}}, "test")
    world.sync()
    assert world.record("commitment", "PO-1001-01").state == "awaiting_approval"
    return world


def test_approve_sends_exactly_what_was_shown(sitebooks: Command, waiting: World) -> None:
    version = str(waiting.record("commitment", "PO-1001-01").version)
    answered = sitebooks("approve", "PO-1001-01", "--version", version, "--amount", "60,000.00", "--json")
    said = answered.document["approval"]
    assert answered.exit_code == 0 and (str(said["version"]), said["amount"], said["decision"]) == (
        version,
        "60000.00",
        "approved",
    )
    assert (
        said["actor"].endswith("(command line)")
        and f"Approve Commitment PO-1001-01, version {version}, NZD 60,000.00" in answered.err
    )
    waiting.due_now()  # no worker hears the bell here
    assert waiting.record("commitment", "PO-1001-01").state == "synced"
    assert sitebooks("approve", "PO-1001-01").exit_code == 6


def test_approve_refuses_a_version_that_is_not_there_any_more(sitebooks: Command, waiting: World) -> None:
    answered = sitebooks("approve", "PO-1001-01", "--amount", "59999.99", "--json")
    assert answered.exit_code == 6 and answered.document["error"]["code"] == "changed_after_you_looked"
    assert waiting.record("commitment", "PO-1001-01").state == "awaiting_approval"


def test_reject_keeps_the_reason(sitebooks: Command, waiting: World) -> None:
    assert sitebooks("reject", "PO-1001-01", "--reason", " ").exit_code == 2
    answered = sitebooks("reject", "PO-1001-01", "--reason", "wrong supplier", "--json")
    assert answered.exit_code == 0 and answered.document["approval"]["reason"] == "wrong supplier"
    assert waiting.record("commitment", "PO-1001-01").state == "rejected"
    assert "wrong supplier" in sitebooks("why", "PO-1001-01").out


def test_retry_makes_a_record_due_and_says_so(sitebooks: Command, world: World) -> None:
    world.sync()
    before = world.record("commitment", "PO-1001-01")
    assert sitebooks.json("retry", "PO-1001-01", "--dry-run")["dry_run"] is True
    assert world.record("commitment", "PO-1001-01").due_at == before.due_at
    assert [r["number"] for r in sitebooks.json("retry", "PO-1001-01")["records"]] == ["PO-1001-01"]
    assert world.record("commitment", "PO-1001-01").due_at is not None
    world.due_now()
    assert world.record("commitment", "PO-1001-01").state == "synced"


def test_a_replayed_event_is_received_again(sitebooks: Command, world: World) -> None:
    world.sync()
    world.act("procore", "rename_project", project="1001", name="Harbour View II")
    world.settle()
    event = sitebooks.json("events", "--limit", "1")["events"][0]
    assert sitebooks.json("replay", str(event["id"]))["events"] == [event["id"]]
    assert sitebooks.json("events", "--state", "received")["events"][0]["id"] == event["id"]


def test_why_live_names_what_changed_since_it_was_read(sitebooks: Command, world: World) -> None:
    world.sync()
    world.act("procore", "rename_project", project="1001", name="Harbour View II")
    live = sitebooks.json("why", "1001", "--kind", "project", "--live")["live"]
    assert {"side": "procore", "field": "name", "stored": "Harbour View Apartments", "now": "Harbour View II"} in live[
        "differences"
    ]


def test_a_side_that_does_not_let_us_in_is_exit_8(sitebooks: Command, world: World) -> None:
    world.sync()
    world.act("procore", "disconnect_app")
    answered = sitebooks("connections", "test", "--json")
    tried = {c["system"]: c for c in answered.document["connections"]}
    assert answered.exit_code == 8 and tried["lentune"]["ok"] and not tried["procore"]["ok"]


def test_without_workers_a_sync_says_so_instead_of_waiting(sitebooks: Command, world: World) -> None:
    answered = sitebooks("sync", "--json")
    assert answered.exit_code == 7 and answered.document["error"]["code"] == "no_worker"
    assert sitebooks.json("sync", "--no-wait")["waited"] is False


@pytest.mark.usefixtures("worker_in_process")
def test_a_difference_that_nothing_explains_is_exit_4(sitebooks: Command, world: World) -> None:
    world.sync()
    assert sitebooks("reconcile").exit_code == 0
    world.act("lentune", "change_purchase_order", number="PO-1001-01", line=1, amount="60000.01")
    answered = sitebooks("reconcile", "--kind", "commitment", "--json")
    assert answered.exit_code == 4 and answered.document["agrees"] is False
    assert answered.document["connections"][0]["unexplained"] == "0.01"
    assert sitebooks("reconcile", "--kind", "budget_code").exit_code == 0


@pytest.mark.requirement("L-06")
def test_without_the_schedule_invoices_go_when_a_person_asks(sitebooks: Command, world: World) -> None:
    from sync import settings

    settings.save(world.company, "lentune", {"auto_push_invoices": False}, "test")
    world.sync()
    lines = [{"code": "01-100", "type": "L", "net": "12.50", "description": "Keys"}]
    world.act(
        "lentune", "create_invoice", number="INV-1", supplier="Southern Steel Ltd", date="2026-11-20", project="1001", lines=lines
    )
    world.sync()
    assert world.problems("invoice", "INV-1") == ["waiting_for_push"]
    foreseen = sitebooks.json("sync", "--kind", "invoice", "--dry-run")["records"]
    assert [(r["number"], r["outcome"], r["amount"]) for r in foreseen] == [("INV-1", "create", "12.50")]
    assert world.problems("invoice", "INV-1") == ["waiting_for_push"]
    assert sitebooks.json("sync", "--kind", "invoice", "--no-wait")["pushed"] == 1
    world.due_now()
    assert world.record("invoice", "INV-1").state == "synced"
