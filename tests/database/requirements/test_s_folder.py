"""The drop folder as a way in: four files with one stem, taken or refused; a site that is down or disturbed (part C, F56)."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from connectors.sage_paperless.notices import Notices
from models import session
from settings import failpoints
from simulators.kit.http import Request
from sync import clock, reconcile, records, second_look
from tests.world import DOUBTS_OVER, _json, _parsed
from tests.world_paperless import PaperlessWorld

ON = {"create_payments_in_procore": True}


class Dropped(Exception):
    """The process ends here."""


@pytest.fixture
def site(paperless: Callable[..., PaperlessWorld], tmp_path: Path) -> Callable[..., PaperlessWorld]:
    """A world whose vault is reached through a folder; its importer has worked once, so that the tree and heartbeat are there."""

    def begin(*numbers: str, sync: bool = True, **ours: Any) -> PaperlessWorld:
        world = paperless(*numbers, sync=False, folder=str(tmp_path / "share"), ours=ours)
        world.sage_paperless.tick()
        if sync:
            world.sync()
            taken(world)
        return world

    yield begin
    failpoints.handler = None


def taken(world: PaperlessWorld) -> None:
    """The importer works, and we look again."""
    world.deliver()
    world.due_now()


def share(world: PaperlessWorld) -> Path:
    return Path(world.sage_paperless.options["folder"]) / "sage300"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def disturb(world: PaperlessWorld, **wanted: Any) -> dict[str, Any]:
    answer = world.sage_paperless.handle(
        Request("POST", "/_sim/folder", [], {"content-type": "application/json"}, _json(wanted))
    )
    return dict(_parsed(answer.body))


def state(world: PaperlessWorld) -> dict[str, Any]:
    return disturb(world)


@pytest.mark.requirement("S-03", "S-19", "S-21")
@pytest.mark.fault("F56")
def test_four_files_of_one_stem_arrive_and_go_to_the_archive(site):
    world = site("SI-101")
    [stem] = {name.partition(".")[0] for name in names(share(world) / "archive")}
    assert names(share(world) / "archive") == [f"{stem}.{ending}" for ending in ("csv", "json", "pdf", "ready")]
    there = world.one("sage_paperless", "invoices")
    assert stem == f"4100-{there['procore_invoice_id']}-r{there['procore_revision']}"
    assert (there["invoice_number"], there["gross"], there["queue_id"]) == ("SI-101", "80000.00", "q-ap")
    assert there["document"]["pages"] == 5
    record = world.record("invoice", "SI-101")
    assert (record.state, record.remote_id) == ("synced", f"procore:4100:{there['procore_invoice_id']}")
    assert names(share(world) / "inbox" / "q-ap") == [] and state(world)["torn"] == 0


def test_until_the_importer_has_taken_it_the_invoice_is_on_its_way_and_is_dropped_once(site):
    world = site("SI-103", sync=False)
    disturb(world, running=False)
    world.scan()
    assert world.record("invoice", "SI-103").state == "sending"
    world.due_now()
    assert len(names(share(world) / "inbox" / "q-ap")) == 4
    disturb(world, running=True)
    taken(world)
    assert world.record("invoice", "SI-103").state == "synced"
    assert [e["effect"] for e in world.ledger("sage_paperless", kind="invoices")] == ["created"]


@pytest.mark.requirement("S-20", "S-27")
def test_without_files_and_by_hand_nothing_is_written(site):
    world = site("SI-106")
    assert world.problems("invoice", "SI-106") == ["attachment_required"]
    assert names(share(world) / "inbox" / "q-ap") == names(share(world) / "archive") == []


@pytest.mark.fault("F56")
def test_the_mark_comes_last_and_a_process_that_dies_leaves_nothing_that_is_read(site):
    world = site("SI-103", sync=False)
    seen: list[list[str]] = []

    def die(name: str, about: object) -> None:
        if name == "dropped_part":
            seen.append(names(share(world) / "inbox" / "q-ap"))
            world.sage_paperless.tick()
            if len(seen) == 2:
                raise Dropped

    failpoints.handler = die
    with pytest.raises(Dropped):
        world.scan()
    assert [len(one) for one in seen] == [1, 2] and not any(n.endswith(".ready") for one in seen for n in one)
    assert world.state("sage_paperless", "invoices") == []
    failpoints.handler = None
    ended(world)
    taken(world)
    taken(world)
    assert world.record("invoice", "SI-103").state == "synced" and len(world.state("sage_paperless", "invoices")) == 1
    assert state(world)["torn"] == state(world)["incomplete"] == 0


def ended(world: PaperlessWorld) -> None:
    """The dead process's lease and quarantine are over."""
    with session(world.company) as db:
        db.execute(text("UPDATE sync_record SET lease_until = clock_timestamp(), due_at = clock_timestamp(), rung_at = NULL"))
        db.execute(DOUBTS_OVER)
    world.settle()
    for _ in range(2):
        with session(world.company) as db:
            db.execute(DOUBTS_OVER)
        world.due_now()


@pytest.mark.fault("F56")
def test_a_process_that_stood_still_between_the_files_marks_nothing_afterwards(site, monkeypatch):
    world = site("SI-103", sync=False)

    def sleep(name: str, about: object) -> None:
        if name == "dropped_part" and str(about) == "json":
            later = clock.now() + timedelta(minutes=4)
            monkeypatch.setattr(clock, "source", lambda: later)

    failpoints.handler = sleep
    world.scan()
    failpoints.handler = None
    assert not [name for name in names(share(world) / "inbox" / "q-ap") if name.endswith(".ready")], "others have it by now"
    monkeypatch.undo()
    for _ in range(2):
        taken(world)
    assert world.record("invoice", "SI-103").state == "synced" and len(world.state("sage_paperless", "invoices")) == 1


@pytest.mark.fault("F56")
def test_a_reader_that_renames_files_under_us_gets_them_again_and_nothing_is_torn(site):
    world = site("SI-103", sync=False)
    disturb(world, renames=True)
    times = 0

    def read(name: str, about: object) -> None:
        nonlocal times
        times += name == "dropped_part"
        if name == "dropped_part" and times <= 3:
            world.sage_paperless.tick()

    failpoints.handler = read
    world.scan()
    failpoints.handler = None
    taken(world)
    assert state(world)["renamed"] >= 1 and times > 3
    assert world.record("invoice", "SI-103").state == "synced" and len(world.state("sage_paperless", "invoices")) == 1
    assert state(world)["torn"] == state(world)["incomplete"] == 0


def test_a_reader_that_never_stops_is_told_of_and_nothing_is_torn(site):
    world = site("SI-103", sync=False)
    disturb(world, renames=True)
    failpoints.handler = lambda name, about: world.sage_paperless.tick() if name == "dropped_part" else None
    world.scan()
    assert world.problems("invoice", "SI-103") == ["reader_interferes"]
    assert world.state("sage_paperless", "invoices") == [] and state(world)["incomplete"] == 0


@pytest.mark.fault("F56")
def test_a_share_that_disappears_holds_the_invoice_and_it_goes_when_the_share_is_back(site):
    world = site("SI-103", sync=False)
    disturb(world, gone=True)
    world.scan()
    assert world.problems("invoice", "SI-103") == ["site_down"]
    assert not share(world).exists(), "nothing is made where the share was mounted"
    disturb(world, gone=False)
    world.sage_paperless.tick()
    taken(world)
    taken(world)
    assert world.record("invoice", "SI-103").state == "synced"


def test_a_site_without_a_fresh_heartbeat_gets_nothing(site):
    world = site("SI-103", sync=False)
    disturb(world, running=False)
    beat = share(world) / "state" / "heartbeat.json"
    old = world.clock.now() - timedelta(minutes=16)
    beat.write_text(f'{{"at": "{old.isoformat()}"}}')
    world.scan()
    assert (world.record("invoice", "SI-103").state, world.problems("invoice", "SI-103")) == ("held", ["site_down"])
    assert names(share(world) / "inbox" / "q-ap") == []


def test_files_that_lie_for_half_an_hour_beside_a_live_heartbeat_are_told_of(site):
    world = site("SI-103", sync=False)
    disturb(world, running=False)
    world.scan()
    [mark] = (share(world) / "inbox" / "q-ap").glob("*.ready")
    then = mark.stat().st_mtime - 31 * 60
    os.utime(mark, (then, then))
    world.due_now()
    assert world.problems("invoice", "SI-103") == ["importer_stuck"]
    disturb(world, running=True)
    taken(world)
    assert world.record("invoice", "SI-103").state == "synced", "it clears by itself"


def test_what_the_importer_refuses_is_read_back_with_its_reason_and_goes_once_it_is_put_right(site):
    world = site("SI-103", sync=False)
    world.act("sage_paperless", "disconnect_procore")
    world.scan()
    taken(world)
    assert world.problems("invoice", "SI-103") == ["vault_not_connected"]
    assert [n for n in names(share(world) / "error") if n.endswith(".err.json")]
    world.act("sage_paperless", "connect_procore")
    world.act("sage_paperless", "set_configuration", configuration={"procore_company_id": "4100"})
    world.act("procore", "attach_file", commitment="PO-1001-01", number=1, name="More.pdf")
    world.scan("procore")
    taken(world)
    taken(world)
    assert world.record("invoice", "SI-103").state == "synced"


@pytest.mark.requirement("S-22")
def test_a_newer_revision_has_a_stem_of_its_own(site):
    world = site("SI-103")
    world.act("procore", "attach_file", commitment="PO-1001-01", number=1, name="More.pdf")
    world.scan("procore")
    taken(world)
    assert len([n for n in names(share(world) / "archive") if n.endswith(".ready")]) == 2
    assert world.one("sage_paperless", "invoices")["document"]["pages"] == 2
    assert world.record("invoice", "SI-103").state == "synced"


def refused(world: PaperlessWorld) -> int:
    return len([n for n in names(share(world) / "error") if n.endswith(".ready")])


def test_what_the_importer_refuses_goes_again_when_somebody_asks_and_by_itself(site):
    world = site("SI-103", sync=False)
    world.act("sage_paperless", "disconnect_procore")
    world.scan()
    for tries in (1, 2):
        taken(world)
        assert (world.problems("invoice", "SI-103"), refused(world)) == (["vault_not_connected"], tries)
        world.run(records.retry(world.company, [world.record("invoice", "SI-103").id], "test"))
    world.act("sage_paperless", "connect_procore")
    world.act("sage_paperless", "set_configuration", configuration={"procore_company_id": "4100"})
    for _ in range(3):
        taken(world)
    assert (world.record("invoice", "SI-103").state, state(world)["ignored"]) == ("synced", 0)
    assert [e["effect"] for e in world.ledger("sage_paperless", kind="invoices")] == ["created"]


def test_an_answer_that_was_cleared_away_unseen_is_told_of_and_the_invoice_goes_again(site):
    world = site("SI-103", sync=False)
    cleared_unseen(world)
    world.run(records.retry(world.company, [world.record("invoice", "SI-103").id], "test"))
    for _ in range(2):
        taken(world)
    assert world.record("invoice", "SI-103").state == "synced"
    assert len(world.state("sage_paperless", "invoices")) == 1


def cleared_unseen(world: PaperlessWorld) -> None:
    """The importer took it, its files were cleared away, and only then we looked."""
    world.scan()
    world.sage_paperless.tick()
    for path in (share(world) / "archive").iterdir():
        path.unlink()
    world.due_now()
    assert world.problems("invoice", "SI-103") == ["importer_answer_gone"]


@pytest.mark.requirement("Y-09", "Y-11")
def test_an_invoice_whose_answer_was_cleared_away_stands_there_once_a_paid_notice_names_it(site):
    world = site("SI-103", sync=False, **ON)
    cleared_unseen(world)
    world.act("sage_paperless", "pay_invoice", invoice="SI-103", amount="20000.00")
    world.deliver()
    world.run(records.retry(world.company, [world.record("invoice", "SI-103").id], "test"))
    for _ in range(3):
        taken(world)
        world.scan("sage_paperless", full=True)
        world.settle()
    assert world.record("invoice", "SI-103").state == "synced"
    assert [row["amount"] for row in world.state("procore", "contract_payments")] == ["20000.00"]
    assert [e["effect"] for e in world.ledger("sage_paperless", kind="invoices")].count("created") == 1


@pytest.mark.requirement("S-22")
def test_an_invoice_whose_answer_was_cleared_away_stands_there_once_the_importer_says_that_people_work_on_it(site):
    world = site("SI-103", sync=False)
    cleared_unseen(world)
    world.act("sage_paperless", "start_work", invoice="SI-103")
    for _ in range(2):
        world.run(records.retry(world.company, [world.record("invoice", "SI-103").id], "test"))
        for _ in range(3):
            taken(world)
    record = world.record("invoice", "SI-103")
    assert (record.state, bool(record.remote_id)) == ("synced", True)
    assert len(world.state("sage_paperless", "invoices")) == 1


@pytest.mark.requirement("Y-09", "S-22")
def test_what_was_imported_is_linked_although_its_newer_revision_is_refused_before_we_looked(site):
    world = site("SI-103", sync=False, **ON)
    disturb(world, running=False)
    world.scan()
    disturb(world, gone=True)
    world.due_now()
    assert world.problems("invoice", "SI-103") == ["site_down"]
    disturb(world, gone=False, running=True)
    world.sage_paperless.tick()
    world.act("sage_paperless", "pay_invoice", invoice="SI-103", amount="20000.00")
    world.deliver()
    change(world, "attach_file")
    for _ in range(2):
        taken(world)
        world.scan("sage_paperless", full=True)
        world.settle()
    record = world.record("invoice", "SI-103")
    assert (world.problems("invoice", "SI-103"), record.remote_id) == (["paperless_paid"], f"procore:4100:{record.source_id}")
    assert [row["amount"] for row in world.state("procore", "contract_payments")] == ["20000.00"]


def change(world: PaperlessWorld, action: str, name: str = "More.pdf") -> None:
    world.act("procore", action, commitment="PO-1001-01", number=1, name=name)
    world.scan("procore")


@pytest.mark.requirement("S-22")
def test_going_back_to_an_earlier_revision_has_a_stem_of_its_own_too(site):
    world, pages = site("SI-103"), []
    for action in ("attach_file", "remove_attachment") * 2:
        change(world, action)
        for _ in range(2):
            taken(world)
        assert world.record("invoice", "SI-103").state == "synced"
        pages.append(world.one("sage_paperless", "invoices")["document"]["pages"])
    assert pages == [2, 1, 2, 1] and state(world)["ignored"] == 0
    assert len([n for n in names(share(world) / "archive") if n.endswith(".ready")]) == 5


@pytest.mark.requirement("S-22")
def test_a_revision_waits_while_the_one_before_it_lies_in_the_inbox(site):
    world = site("SI-103")
    disturb(world, running=False)
    change(world, "attach_file")
    change(world, "remove_attachment")
    world.due_now()
    assert len([n for n in names(share(world) / "inbox" / "q-ap") if n.endswith(".ready")]) == 1
    disturb(world, running=True)
    for _ in range(4):
        taken(world)
    assert world.record("invoice", "SI-103").state == "synced"
    assert world.one("sage_paperless", "invoices")["document"]["pages"] == 1


@pytest.mark.requirement("S-06", "Y-11", "Y-17")
def test_paid_notices_become_payments_and_are_acknowledged_once_they_are_kept(site):
    world = site("SI-103", **ON)
    for amount in ("20000.00", ""):
        world.act("sage_paperless", "pay_invoice", invoice="SI-103", amount=amount)
    for _ in range(3):
        world.deliver()
        world.scan("sage_paperless", full=True)
        world.settle()
    made = world.state("procore", "contract_payments")
    assert sorted(row["amount"] for row in made) == ["20000.00", "22000.00"]
    world.sage_paperless.tick()
    assert names(share(world) / "outbox" / "payments") == [], "acknowledged, and cleared away over there"
    assert set(world.states("payment").values()) == {"synced"}, "what was told stays known"
    number = made[0]["check_number"]
    world.act("sage_paperless", "void_payment", payment=number)
    world.deliver()
    world.scan("sage_paperless")
    world.settle()
    assert world.problems("payment", number) == ["payment_voided"]


@pytest.mark.fault("F56")
@pytest.mark.requirement("Y-11")
def test_a_share_that_disappears_while_notices_are_read_takes_no_payment_away(site, monkeypatch):
    world = site("SI-103", **ON)
    world.act("sage_paperless", "pay_invoice", invoice="SI-103", amount="20000.00", check="7")
    for _ in range(2):
        world.deliver()
        world.scan("sage_paperless", full=True)
        world.settle()
    take_over = Notices._take_over

    def vanishing(self: Notices) -> list[dict[str, Any]]:
        odd = take_over(self)
        disturb(world, gone=True)
        return odd

    with monkeypatch.context() as patched:
        patched.setattr(Notices, "_take_over", vanishing)
        world.scan("sage_paperless", full=True)
    assert (world.record("payment", "7").state, world.problems("payment", "7")) == ("synced", [])


@pytest.mark.requirement("S-22")
def test_a_paid_invoice_gets_no_newer_revision_and_is_well_again_once_it_is_changed_back(site):
    world = site("SI-103", **ON)
    world.act("sage_paperless", "pay_invoice", invoice="SI-103", amount="20000.00")
    world.sage_paperless.tick()
    change(world, "attach_file")
    assert names(share(world) / "inbox" / "q-ap") == []
    assert (world.record("invoice", "SI-103").state, world.problems("invoice", "SI-103")) == ("held", ["paperless_paid"])
    change(world, "remove_attachment")
    world.settle()
    assert world.record("invoice", "SI-103").state == "synced"
    assert refused(world) == 0 and len([n for n in names(share(world) / "archive") if n.endswith(".ready")]) == 1


@pytest.mark.requirement("Y-11")
def test_a_paid_row_that_cannot_be_used_is_shown_and_holds_up_no_other(site):
    world = site("SI-103", **ON)
    world.act("sage_paperless", "pay_invoice", invoice="SI-103", amount="20000.00", check="7")
    world.sage_paperless.tick()
    [notice] = (share(world) / "outbox" / "payments").glob("*.csv")
    head, row = notice.read_text().splitlines()
    fields = row.split(",")
    wrong = ["p-wrong", "procore:4100:999999", *fields[2:]]
    notice.write_text("\n".join([head, ",".join(wrong), row, ""]))
    world.scan("sage_paperless")
    world.settle()
    assert [made["amount"] for made in world.state("procore", "contract_payments")] == ["20000.00"]
    [odd] = [record for record in world.records("payment") if record.source_id == "p-wrong"]
    assert [one["code"] for one in odd.problems] == ["not_understood"]
    assert "different invoices" in odd.problems[0]["values"]["reason"]


def test_folders_that_are_cleared_say_nothing_about_the_vault_and_stop_nothing(site):
    world = site("SI-101", "SI-102", "SI-103")
    with session(world.company) as db:
        db.execute(text("UPDATE sync_record SET synced_at = clock_timestamp() - interval '1 day'"))
    for path in (share(world) / "archive").iterdir():
        path.unlink()
    report = reconcile.run(world.company, "sage_paperless")
    second_look.run(world.company, [record.id for record in world.records("invoice")])
    world.scan("sage_paperless", full=True)
    world.settle()
    assert (report.unexplained, set(world.states("invoice").values())) == (0, {"synced"})
    with session(world.company) as db:
        assert db.scalar(text("SELECT count(*) FROM connection WHERE blocked_code IS NOT NULL")) == 0
        assert db.scalar(text("SELECT count(*) FROM snapshot WHERE kind = 'invoice' AND gone_at IS NOT NULL")) == 0
    change(world, "attach_file")
    for _ in range(2):
        taken(world)
    assert world.record("invoice", "SI-103").state == "synced"
    there = world.one("sage_paperless", "invoices", invoice_number="SI-103")
    assert there["document"]["pages"] == 2


def test_files_of_an_earlier_release_are_taken_into_our_own_list(site):
    world = site("SI-103")
    for path in (share(world) / "sitebooks" / "invoices").iterdir():
        path.unlink()
    world.scan("sage_paperless", full=True)
    for path in (share(world) / "archive").iterdir():
        path.unlink()
    assert reconcile.run(world.company, "sage_paperless").unexplained == 0
    assert world.record("invoice", "SI-103").state == "synced"


def test_a_person_may_ask_again_and_nothing_comes_twice(site):
    world = site("SI-103")
    world.run(records.retry(world.company, [world.record("invoice", "SI-103").id], "test"))
    taken(world)
    assert len(world.state("sage_paperless", "invoices")) == 1 and state(world)["ignored"] == 0
