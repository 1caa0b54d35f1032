"""Payments made in accounting stand in Procore's Payments Issued, once each and to the cent (Y-01 to Y-20, S-06, S-34, S-35)."""

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from connectors.registry import connector
from models import session
from sync import rebuild, reconcile, records, second_look
from tests.world import DOUBTS_OVER
from tests.world_paperless import PaperlessWorld

ON = {"create_payments_in_procore": True}


def pay(world: PaperlessWorld, invoice: str, amount: str = "", check: str = "", **more: str) -> None:
    """In accounting, found by the job; the webhook does the rest."""
    world.act("sage_paperless", "pay_invoice", invoice=invoice, amount=amount, check=check, **more)
    world.settle()


def issued(world: PaperlessWorld) -> list[tuple[str, str, str]]:
    """(check number, amount, invoice number) of everything in Payments Issued."""
    rows = world.state("procore", "contract_payments")
    return sorted((str(row["check_number"]), row["amount"], str(row["invoice_number"])) for row in rows)


def poll(world: PaperlessWorld) -> None:
    """A pass of the schedule, or 'Sync payments for synced invoices'."""
    world.deliver()
    world.scan("sage_paperless")
    world.settle()


def code(world: PaperlessWorld, number: str) -> tuple[str, list[str]]:
    return world.record("payment", number).state, world.problems("payment", number)


@pytest.mark.requirement("S-06", "S-34", "Y-10", "Y-11", "Y-18", "Y-19")
def test_a_full_payment_stands_on_the_commitment_with_the_invoices_number(paperless):
    world = paperless("SI-102", ours=ON)
    pay(world, "SI-102", check="70001")
    made = world.one("procore", "contract_payments")
    invoice = world.one("procore", "requisitions", invoice_number="SI-102")
    assert issued(world) == [("70001", "114000.00", "SI-102")]
    assert made["requisition_id"] == invoice["id"]
    assert made["origin_id"] == world.record("payment", "70001").key, "which is what shows it as synced"
    assert world.record("payment", "70001").state == "synced"
    told = world.one("sage_paperless", "payments")
    assert told["procore_payment_id"] == str(made["id"]), "the vault is told what became of it"


@pytest.mark.requirement("Y-17")
def test_partial_payments_are_several_and_each_is_written_once(paperless):
    world = paperless("SI-103", ours=ON)
    pay(world, "SI-103", "20000.00", "1")
    pay(world, "SI-103", "5000.00", "2")
    pay(world, "SI-103", "", "3")
    assert issued(world) == [("1", "20000.00", "SI-103"), ("2", "5000.00", "SI-103"), ("3", "17000.00", "SI-103")]
    assert sum(Decimal(row["amount"]) for row in world.state("procore", "contract_payments")) == Decimal("42000.00")
    poll(world)
    assert len(world.transports["procore"].sent("POST", "/contract_payments")) == 3


@pytest.mark.requirement("Y-16", "S-35")
def test_webhook_schedule_and_on_demand_are_one_job_and_repeating_it_changes_nothing(paperless):
    world = paperless("SI-102", "SI-103", ours=ON)
    world.fault("sage_paperless", on="delivery", action="drop")
    world.act("sage_paperless", "pay_invoice", invoice="SI-103", check="1")
    world.settle()
    assert issued(world) == [], "every webhook is lost"
    poll(world)
    assert issued(world) == [("1", "42000.00", "SI-103")], "the schedule finds it"
    world.mend()
    pay(world, "SI-102", "100.00", "2")
    assert issued(world) == [("1", "42000.00", "SI-103"), ("2", "100.00", "SI-102")], "the webhook brings it at once"
    for _ in range(3):
        poll(world)
    assert len(world.transports["procore"].sent("POST", "/contract_payments")) == 2


@pytest.mark.requirement("Y-11")
def test_a_payment_costs_one_request_and_one_reading_of_its_commitment(paperless):
    world = paperless("SI-101", "SI-103", ours=ON)
    world.fault("sage_paperless", on="delivery", action="drop")
    for amount in ("100.00", "200.00", "300.00"):
        world.act("sage_paperless", "pay_invoice", invoice="SI-101", amount=amount)
        world.act("sage_paperless", "pay_invoice", invoice="SI-103", amount=amount)
    world.deliver()
    before = len(world.transports["procore"].requests)
    poll(world)
    sent = [(r.method, r.url.path) for r in world.transports["procore"].requests[before:]]
    assert len(issued(world)) == 6
    assert sent.count(("POST", "/rest/v1.0/contract_payments")) == 6
    assert len(sent) <= 6 + 2


@pytest.mark.requirement("Y-12")
def test_a_void_is_a_task_for_people_and_deletes_nothing(paperless):
    world = paperless("SI-102", ours=ON)
    pay(world, "SI-102", "50000.00", "90001")
    world.act("sage_paperless", "void_payment", payment="90001")
    world.settle()
    assert code(world, "90001") == ("needs_attention", ["payment_voided"])
    shown = world.shown("payment", "90001").problems[0]
    assert "Payments Issued" in shown.fix[0] and "50,000.00" in shown.cause
    assert issued(world) == [("90001", "50000.00", "SI-102")]
    assert world.transports["procore"].sent("DELETE") == []
    assert world.transports["procore"].sent("PATCH", "contract_payments") == []
    pay(world, "SI-102", "60000.00", "90002")
    assert len(issued(world)) == 2, "what follows is not held up"


def test_one_voided_before_it_was_sent_is_no_payment(paperless):
    world = paperless("SI-102", ours=ON)
    world.act("sage_paperless", "pay_invoice", invoice="SI-102", amount="10.00", check="7")
    world.act("sage_paperless", "void_payment", payment="7")
    poll(world)
    assert code(world, "7") == ("ignored", ["payment_void_unsent"]) and issued(world) == []


@pytest.mark.requirement("Y-13", "Y-14", "Y-15")
def test_number_and_files_that_people_change_in_procore_stay_theirs(paperless):
    world = paperless("SI-102", ours=ON)
    pay(world, "SI-102", "50.00", "1")
    number = world.one("procore", "contract_payments")["payment_number"]
    world.act("procore", "edit_payment", commitment="SC-1001-01", number=number, new_number=77)
    world.act("procore", "attach_to_payment", commitment="SC-1001-01", number=77)
    poll(world)
    world.run(records.retry(world.company, [world.record("payment", "1").id], "test"))
    pay(world, "SI-102", "60.00", "2")
    kept = world.one("procore", "contract_payments", check_number="1")
    assert kept["payment_number"] == 77
    row = world.procore.company.tables["contract_payments"][kept["id"]]
    files = [world.procore.company.tables["attachments"][number]["name"] for number in row["_attachments"]]
    assert files == ["Remittance.pdf"]
    assert world.transports["procore"].sent("PATCH", "contract_payments") == []


@pytest.mark.requirement("Y-12")
def test_a_correction_in_accounting_after_the_sync_is_a_task_that_clears_when_it_is_taken_back(paperless):
    world = paperless("SI-102", ours=ON)
    pay(world, "SI-102", "50.00", "1")
    world.act("sage_paperless", "edit_payment", payment="1", amount="55.00", date="2026-11-02")
    poll(world)
    assert code(world, "1") == ("held", ["payment_changed_after_sync"])
    assert "50.00 became 55.00" in world.shown("payment", "1").problems[0].cause
    assert issued(world) == [("1", "50.00", "SI-102")]
    world.act("sage_paperless", "edit_payment", payment="1", amount="50.00", date=world.clock.now().date().isoformat())
    poll(world)
    assert code(world, "1") == ("synced", [])


@pytest.mark.requirement("Y-09")
def test_only_payments_of_synced_invoices_are_written(paperless):
    world = paperless("SI-102", "SI-106", ours=ON)
    unsynced = world.one("procore", "requisitions", invoice_number="SI-106")["id"]
    world.act("sage_paperless", "pay_other", amount="5.00", check="by hand")
    world.act("sage_paperless", "pay_other", amount="6.00", check="unknown", procore_invoice_id="999")
    world.act("sage_paperless", "pay_other", amount="7.00", check="unsynced", procore_invoice_id=str(unsynced))
    poll(world)
    assert code(world, "by hand") == ("ignored", ["payment_not_from_procore"])
    assert code(world, "unknown") == ("held", ["payment_invoice_unknown"])
    assert code(world, "unsynced") == ("held", ["payment_invoice_not_synced"])
    assert issued(world) == []
    world.act("procore", "attach_file", commitment="SC-1001-02", number=1, name="Invoice.pdf")
    world.scan("procore")
    world.settle()
    assert issued(world) == [("unsynced", "7.00", "SI-106")], "once its invoice is synced the payment goes by itself"


def test_an_overpayment_waits_and_the_payments_before_it_do_not(paperless):
    world = paperless("SI-107", ours=ON)
    world.act("sage_paperless", "set_reference", kind="vendor", value="Tasman Scaffolding Limited")
    invoice = str(world.one("procore", "requisitions", invoice_number="SI-107")["id"])
    for check, amount in (("1", "5000.00"), ("2", "500.01"), ("3", "400.00")):
        world.act("sage_paperless", "pay_other", amount=amount, check=check, procore_invoice_id=invoice)
    poll(world)
    assert code(world, "2") == ("held", ["payment_over_invoice"])
    assert "5500.00" in world.shown("payment", "2").problems[0].cause
    world.act("sage_paperless", "void_payment", payment="3")
    world.act("sage_paperless", "edit_payment", payment="2", amount="500.00")
    poll(world)
    assert ("2", "500.00", "SI-107") in issued(world)
    assert sum(Decimal(amount) for check, amount, _ in issued(world) if check != "3") == Decimal("5500.00")


@pytest.mark.requirement("Y-17")
def test_a_credit_that_is_no_payment_makes_no_room_for_another(paperless):
    world = paperless("SI-101", ours=ON)
    for check, amount in (("1", "70000.00"), ("2", "-60000.00"), ("3", "50000.00")):
        pay(world, "SI-101", amount, check)
    assert code(world, "2") == ("held", ["payment_amount_not_positive"])
    assert code(world, "3") == ("held", ["payment_over_invoice"])
    assert [amount for _, amount, _ in issued(world)] == ["70000.00"]


def test_another_currency_is_not_converted(paperless):
    world = paperless("SI-102", ours=ON)
    world.save(currency="AUD")
    pay(world, "SI-102", "5.00", "1")
    assert code(world, "1") == ("held", ["payment_currency_differs"]) and issued(world) == []
    world.save(currency="NZD")
    world.scan("sage_paperless", full=True)
    world.settle()
    assert issued(world) == [("1", "5.00", "SI-102")]


def test_an_amount_that_is_no_payment_is_not_written(paperless):
    world = paperless("SI-102", ours=ON)
    world.act("sage_paperless", "pay_other", amount="-5.00", check="1",
              procore_invoice_id=str(world.one("procore", "requisitions")["id"]))  # fmt: skip
    poll(world)
    assert code(world, "1")[1] == ["payment_amount_not_positive"] and issued(world) == []


@pytest.mark.requirement("S-34")
@pytest.mark.parametrize(
    ("ours", "then"),
    [({}, ("ignored", ["payments_not_written"])), ({**ON, "payment_writer": "product"}, ("held", ["payment_awaited"]))],
)
def test_one_writer_only_and_none_where_the_setting_is_off(paperless, ours, then):
    world = paperless("SI-102", ours=ours)
    pay(world, "SI-102", "5.00", "1")
    assert code(world, "1") == then and issued(world) == []
    world.save(create_payments_in_procore=True, payment_writer="sitebooks")
    assert issued(world) == [("1", "5.00", "SI-102")], "what waited goes once Sitebooks is the one writer"


@pytest.mark.requirement("S-34")
def test_the_products_own_switch_keeps_our_hands_off(paperless):
    world = paperless("SI-102", ours=ON)
    world.act("sage_paperless", "set_configuration", configuration={"create_payments_in_procore": True})
    from sync import settings

    world.run(settings.fetch(world.company, "sage_paperless", "test"))
    pay(world, "SI-102", "5.00", "1")
    assert code(world, "1") == ("held", ["payment_awaited"]) and issued(world) == []


@pytest.mark.requirement("S-34")
def test_what_the_product_is_to_write_is_seen_to_arrive(paperless):
    world = paperless("SI-102", ours={**ON, "payment_writer": "product"})
    pay(world, "SI-102", "50.00", "1")
    pay(world, "SI-102", "5.00", "2")
    assert code(world, "1") == code(world, "2") == ("held", ["payment_awaited"])
    world.act("procore", "enter_payment", commitment="SC-1001-01", amount="50.00", date="2026-11-10", invoice=1, check="1")
    world.here()  # a worker that has not just read that list
    world.due_now()
    assert code(world, "1") == ("synced", []) and code(world, "2") == ("held", ["payment_awaited"])
    assert not world.transports["procore"].sent("POST", "/contract_payments")
    assert not world.transports["sage_paperless"].sent("PUT", "/procore-receipt")
    report = reconcile.run(world.company, "sage_paperless")
    payments = next(line for line in report.lines if line.kind == "payment")
    assert (payments.here, payments.there, payments.explained) == (Decimal("55.00"), Decimal("50.00"), Decimal("5.00"))
    assert report.duplicates == report.only_there == []
    world.save(payment_writer="sitebooks")
    assert [one[0] for one in issued(world)] == ["1", "2"], "what never came is written by the one writer there is now"


def test_a_check_that_somebody_entered_by_hand_is_not_entered_again(paperless):
    world = paperless("SI-102", ours=ON)
    world.act("procore", "enter_payment", commitment="SC-1001-01", amount="50.00", date="2026-11-10", invoice=1, check="1")
    pay(world, "SI-102", "50.00", "1")
    record = world.record("payment", "1")
    assert record.state == "synced" and [w["code"] for w in record.warnings] == ["payment_already_in_procore"]
    assert len(issued(world)) == 1
    report = reconcile.run(world.company, "sage_paperless")
    assert (report.unexplained, report.duplicates, report.only_there) == (0, [], [])


@pytest.mark.fault("F26", "F27", "F28")
@pytest.mark.parametrize(("action", "stands"), [("drop_after", 1), ("drop_before", 0), ("apply_later", 0)])
def test_a_payment_whose_outcome_is_unknown_is_never_sent_again_by_itself(paperless, action, stands):
    world = paperless("SI-102", ours=ON)
    match = {"method": "POST", "path": "/rest/v1.0/contract_payments"}
    world.fault("procore", on="request", match=match, action=action, times=1, **({"seconds": 20} if "later" in action else {}))
    pay(world, "SI-102", "50.00", "1")
    assert world.record("payment", "1").state == "checking"
    assert len(world.state("procore", "contract_payments")) == stands
    world.clock.advance(3600)
    for _ in range(4):
        with session(world.company) as db:
            db.execute(DOUBTS_OVER)
        world.mend()
    state = world.record("payment", "1").state
    assert len(world.transports["procore"].sent("POST", "/contract_payments")) == 1
    assert len(world.state("procore", "contract_payments")) <= 1
    assert state == ("synced" if world.state("procore", "contract_payments") else "needs_attention")
    if state == "needs_attention":
        assert world.problems("payment", "1") == ["outcome_needs_person"]


@pytest.mark.fault("F26")
def test_a_payment_in_doubt_that_accounting_corrects_stays_in_doubt_and_sets_nothing_else_aside(paperless):
    world = paperless("SI-102", ours=ON)
    match = {"method": "POST", "path": "/rest/v1.0/contract_payments"}
    world.fault("procore", on="request", match=match, action="drop_before", times=1)
    pay(world, "SI-102", "50.00", "1")
    for _ in range(4):
        with session(world.company) as db:
            db.execute(DOUBTS_OVER)
        world.mend()
    assert world.problems("payment", "1") == ["outcome_needs_person"]
    world.act("sage_paperless", "edit_payment", payment="1", amount="60.00")
    poll(world)
    assert world.record("payment", "1").state == "checking", "what was sent before may still stand there"
    assert world.problems("payment", "1") == ["outcome_uncertain"]
    assert len(world.transports["procore"].sent("POST", "/contract_payments")) == 1


def test_both_sides_agree_to_the_cent_and_links_are_rebuilt_from_our_key(paperless):
    world = paperless("SI-101", "SI-103", ours=ON)
    pay(world, "SI-101")
    pay(world, "SI-103", "20000.00")
    report = reconcile.run(world.company, "sage_paperless")
    lines = {line.kind: line for line in report.lines}
    assert (lines["payment"].here, lines["payment"].there, report.unexplained) == (Decimal("96000.00"), Decimal("96000.00"), 0)
    assert lines["invoice"].here == lines["invoice"].there == Decimal("122000.00") and report.duplicates == []
    with session(world.company) as db:
        db.execute(text("UPDATE sync_record SET remote_id = NULL WHERE kind IN ('payment', 'invoice')"))
    found = rebuild.run(world.company, "sage_paperless", apply=True)
    assert sorted(one.what for one in found.differences) == ["unlinked"] * 4 and found.applied == 4
    world.due_now()
    assert len(issued(world)) == 2 and len(world.state("sage_paperless", "invoices")) == 2


def test_the_second_look_finds_the_payment_as_it_was_sent(paperless):
    world = paperless("SI-102", ours=ON)
    pay(world, "SI-102", "50.00", "1")
    second_look.run(world.company, [world.record("payment", "1").id])
    assert world.record("payment", "1").state == "synced"
    assert not world.problems("payment", "1")


@pytest.mark.requirement("Y-20")
def test_what_a_system_can_do_is_declared():
    said: Any = connector("sage_paperless").capabilities["payment"]
    assert said["partial"].startswith("yes") and "never deleted" in said["voids"] and said["webhook"] and said["backfill"]
    assert "payment" not in connector("lentune").capabilities
