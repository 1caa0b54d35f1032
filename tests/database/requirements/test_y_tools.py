"""What must be switched on in Procore before payments stand there: named, with its fix, and nothing is lost (Y-05 to Y-08)."""

import pytest

from models import session, text
from tests.world_paperless import PaperlessWorld

ON = {"create_payments_in_procore": True}
PROJECT, OTHER = "1001", "1002"
#: Tool as people switch it, our code, a word of the sentence, a word of the fix.
TOOLS = [
    pytest.param("erp_integrations", "erp_tool_off", "ERP Integrations", "configure", marks=pytest.mark.requirement("Y-05")),
    pytest.param("export_subcontractor_invoices", "invoice_export_off", "Export Subcontractor Invoices", "enable",
                 marks=pytest.mark.requirement("Y-06")),
    pytest.param("commitments", "commitments_tool_off", "Commitments tool", "active", marks=pytest.mark.requirement("Y-07")),
    pytest.param("payments_issued", "payments_issued_off", "Payments Issued", "enable", marks=pytest.mark.requirement("Y-08")),
]  # fmt: skip


def pay(world: PaperlessWorld, invoice: str, check: str) -> None:
    world.act("sage_paperless", "pay_invoice", invoice=invoice, amount="50.00", check=check)
    world.settle()


def issued(world: PaperlessWorld) -> list[str]:
    return sorted(row["check_number"] for row in world.state("procore", "contract_payments"))


def poll(world: PaperlessWorld) -> None:
    world.scan()
    world.due_now()


@pytest.mark.parametrize(("tool", "code", "said", "fix"), TOOLS)
def test_a_payment_waits_for_what_is_off_and_says_so(paperless, tool, code, said, fix):
    world = paperless("SI-102", "SI-109", ours=ON)
    world.act("procore", "set_tool", project=PROJECT, tool=tool, on=False)
    pay(world, "SI-102", "1")
    assert (world.record("payment", "1").state, world.problems("payment", "1")) == ("held", [code])
    shown = world.shown("payment", "1").problems[0]
    assert said in shown.cause and fix in shown.fix[0] and "1" in shown.title
    pay(world, "SI-109", "2")
    assert issued(world) == ["2"], "the other project has its tools"
    for _ in range(2):
        poll(world)
    assert world.problems("payment", "1") == [code] and issued(world) == ["2"]
    world.act("procore", "set_tool", project=PROJECT, tool=tool, on=True)
    poll(world)
    assert (world.record("payment", "1").state, issued(world)) == ("synced", ["1", "2"])
    assert len(world.ledger("procore", kind="contract_payments", effect="created")) == 2


@pytest.mark.requirement("Y-07")
def test_while_the_commitments_tool_is_off_nothing_of_the_project_is_taken_for_gone(paperless):
    world = paperless("SI-102", "SI-109", ours=ON)
    before = {(r.kind, r.source_id): (r.state, r.remote_id) for r in world.records()}
    world.act("procore", "set_tool", project=PROJECT, tool="commitments", on=False)
    for _ in range(2):
        world.scan(full=True)
        world.due_now()
    assert {(r.kind, r.source_id): (r.state, r.remote_id) for r in world.records()} == before
    with session(world.company) as db:
        gone = db.scalar(text("SELECT count(*) FROM snapshot WHERE gone_at IS NOT NULL"))
        blocked = db.scalar(text("SELECT count(*) FROM connection WHERE blocked_code IS NOT NULL"))
    assert (gone, blocked) == (0, 0), "one project without a tool is no reason to stop the others"
    world.act("procore", "set_tool", project=PROJECT, tool="commitments", on=True)
    poll(world)
    assert {(r.kind, r.source_id): (r.state, r.remote_id) for r in world.records()} == before


@pytest.mark.fault("F37")
def test_a_vault_that_forbids_everything_is_paused_once_by_the_first_write_that_meets_it_and_goes_on(paperless):
    world = paperless("SI-102", "SI-109", ours=ON)
    world.fault("sage_paperless", on="request", match={}, action="status", status=403,
                body={"code": "forbidden", "title": "Forbidden", "detail": "not yours"})  # fmt: skip
    world.act("procore", "attach_file", commitment="SC-1001-01", number=1, name="More.pdf")
    world.scan("procore")
    with session(world.company) as db:
        blocked = db.execute(text("SELECT system, blocked_code FROM connection WHERE blocked_code IS NOT NULL")).one()
    assert tuple(blocked) == ("sage_paperless", "permission_missing")
    world.mend()
    poll(world)
    assert set(world.states("invoice").values()) == {"synced"}
    assert len(world.ledger("sage_paperless", kind="invoices", effect="updated")) == 1, "the newer revision, once"
