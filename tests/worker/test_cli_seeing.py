"""Commands that only look, on the demo company as it stands after its first sync."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from models import session
from sync.connections import new_company
from tests.worker.command import Command, worker_in_process  # noqa: F401
from tests.world import World

pytestmark = pytest.mark.worker


@pytest.fixture(scope="module")
def demo_world(database: str) -> Iterator[World]:
    """The demo company, everything synced once; nothing in this module changes it."""
    made = World(new_company("Kauri & Sons Construction", "4100"), "demo")
    made.sync()
    yield made
    made.close()


@pytest.fixture
def sitebooks(demo_world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(demo_world.company, monkeypatch, capsys)


def rows(company: int, table: str) -> int:
    with session(company) as db:
        return int(db.scalar(text(f"SELECT count(*) FROM {table}")))


def test_status_says_who_is_needed(sitebooks: Command) -> None:
    answered = sitebooks("status")
    assert answered.exit_code == 3 and "problems need you" in answered.out and "Commitments" in answered.out
    said = sitebooks.json("status")
    assert said["healthy"] is False and said["states"]["synced"] == said["agreed"]
    assert {"code": "description_missing", "state": "needs_attention"}.items() <= next(
        p for p in said["problems"] if p["code"] == "description_missing"
    ).items()
    assert any(k["kind"] == "budget_code" and k["difference"] == "0.00" for k in said["kinds"])


def test_list_filters_and_totals(sitebooks: Command) -> None:
    said = sitebooks.json("list", "--kind", "invoice", "--state", "held")
    assert {r["number"] for r in said["records"]} == {"INV-5005", "INV-5006", "INV-5007"}
    assert said["count"] == 3 and said["totals"][0]["currency"] == "NZD"
    by_code = sitebooks.json("list", "--code", "over_billing")
    assert [r["number"] for r in by_code["records"]] == ["INV-5006"]
    pages = sitebooks.json("list", "--limit", "2")
    following = sitebooks.json("list", "--limit", "2", "--after", pages["next"])
    assert {r["id"] for r in pages["records"]}.isdisjoint(r["id"] for r in following["records"])


@pytest.mark.parametrize(("arguments", "exit_code", "code"), [
    (("list", "--kind", "invoise"), 2, "unknown_kind"),
    (("list", "--state", "stuck"), 2, "unknown_state"),
    (("why", "NO-SUCH-NUMBER"), 2, "not_found"),
    (("why", "001"), 2, "ambiguous"),
    (("status", "--connection", "acumatica"), 2, "not_connected"),
    (("retry", "--code", "no_such_code"), 2, "unknown_code"),
    (("retry",), 2, "wrong_usage"),
    (("replay", "999999999"), 2, "not_found"),
    (("replay", "--since", "yesterday"), 2, "wrong_usage"),
    (("approve", "PO-1001-01"), 6, "not_waiting_for_approval"),
    (("approve", "PO-1001-01", "--amount", "1.00"), 6, "changed_after_you_looked"),
    (("sync", "--kind", "nonsense"), 2, "unknown_kind"),
])  # fmt: skip
def test_what_cannot_be_done_is_said_with_a_fix(
    sitebooks: Command, arguments: tuple[str, ...], exit_code: int, code: str
) -> None:
    answered = sitebooks(*arguments, "--json")
    error = answered.document["error"]
    assert (answered.exit_code, error["code"], error["exit_code"]) == (exit_code, code, exit_code)
    assert error["cause"] and error["fix"] and f"Fix: {error['fix']}" in answered.err


def test_nothing_found_is_an_exit_code_only_when_asked_for(sitebooks: Command) -> None:
    assert sitebooks("list", "--state", "conflict").exit_code == 0
    assert sitebooks("list", "--state", "conflict", "--fail-if-empty").exit_code == 9


def test_why_shows_each_check_with_its_line(sitebooks: Command) -> None:
    said = sitebooks.json("why", "SC-1001-04")
    assert said["verdict"].startswith("Commitment SC-1001-04 needs attention")
    assert {c["requirement"]: c["ok"] for c in said["checks"]}["L-29"] is False
    assert said["problems"][0]["fix"] and said["source"]["data"]["number"] == "SC-1001-04"
    page = sitebooks("why", "SC-1001-04").out
    assert "✗ L-29" in page and "✓ L-30" in page and "What happens next" in page


def test_why_shows_what_was_sent_and_what_came_back(sitebooks: Command) -> None:
    said = sitebooks.json("why", "SC-1001-01")
    write = said["writes"][-1]
    assert write["state"] == "confirmed" and write["request"].startswith("PUT /subcontracts/by-procore/4100/")
    assert said["target"]["agreed"] and said["target"]["remote_number"] == "SC-1001-01"
    assert {f["label"]: f["mark"] for f in said["fields"]}["Amount"] == "equal"


def test_why_names_the_other_sides_own_rule_when_every_check_of_ours_holds(sitebooks: Command) -> None:
    said = sitebooks.json("why", "INV-5006")
    assert [(c["name"], c["requirement"]) for c in said["checks"] if not c["ok"]] == [("Procore's own rules", "L-25")]


def test_an_ambiguous_number_lists_the_candidates_and_each_can_be_named(sitebooks: Command) -> None:
    candidates = sitebooks("why", "001", "--json").document["candidates"]
    assert {c["of"] for c in candidates} == {"SC-1001-01", "SC-1002-01", "SC-1002-02"}
    assert sitebooks.json("why", "SC-1002-01/001")["record"]["of"] == "SC-1002-01"
    assert sitebooks.json("why", f"#{candidates[0]['id']}")["record"]["id"] == candidates[0]["id"]
    # an order of the same number is raised on both sides: --kind does not tell them apart, the direction's id does
    both = sitebooks("why", "PO-0900", "--json").document["candidates"]
    assert {c["direction"] for c in both} == {"from_procore", "to_procore"}


def test_why_finds_by_source_id_and_by_our_key(sitebooks: Command) -> None:
    record = sitebooks.json("why", "SC-1001-01")
    for ref in (
        record["source"]["id"],
        record["source"]["id"].split(":")[1],
        record["target"]["key"],
        record["target"]["remote_id"],
    ):
        assert sitebooks.json("why", ref)["record"]["number"] == "SC-1001-01", ref


def test_why_live_reads_both_sides(sitebooks: Command) -> None:
    said = sitebooks.json("why", "PO-1002-02", "--live")["live"]
    assert said["here"]["number"] == "PO-1002-02" and said["there"]["amount"] == "33000.10"
    assert said["differences"] == [] and said["failed"] is False


def test_a_dry_run_judges_everything_and_writes_nothing(sitebooks: Command, demo_world: World) -> None:
    tables = ("history", "attempt", "write", "event", "snapshot")
    before = [rows(demo_world.company, table) for table in tables]
    ledgers = [len(core.ledger.entries) for core in demo_world.simulators.values()]
    said = sitebooks.json("sync", "--dry-run", "--project", "1001")
    outcomes = {r["number"]: r["outcome"] for r in said["records"]}
    assert outcomes["SC-1001-04"] == "attention" and outcomes["PO-1001-03"] == "held" and outcomes["INV-5006"] == "create"
    assert "PO-1002-04" not in outcomes
    held = next(s for s in said["sums"] if s["kind"] == "commitment" and s["outcome"] == "held")
    assert (held["records"], held["currency"], held["amount"]) == (1, "NZD", "12400.00")
    assert [rows(demo_world.company, table) for table in tables] == before
    assert [len(core.ledger.entries) for core in demo_world.simulators.values()] == ledgers


def test_events_and_a_replay_that_only_counts(sitebooks: Command) -> None:
    said = sitebooks.json("events", "--limit", "3")
    assert len(said["events"]) == 3 and said["next"]
    assert len(sitebooks.json("replay", "--since", "2h", "--dry-run")["events"]) == sum(said["counts"].values())


@pytest.mark.usefixtures("worker_in_process")
def test_reconcile_explains_every_difference(sitebooks: Command) -> None:
    answered = sitebooks("reconcile", "--json")
    one = answered.document["connections"][0]
    assert answered.exit_code == 0 and answered.document["agrees"] and one["unexplained"] == "0.00"
    line = next(x for x in one["lines"] if x["kind"] == "budget_code" and x["project"] == "1001")
    assert line["here"] == line["there"] == "1914500.50"


def test_connections_and_their_test(sitebooks: Command) -> None:
    assert {c["connection"] for c in sitebooks.json("connections")["connections"]} == {"procore", "lentune"}
    answered = sitebooks("connections", "test", "--json")
    assert answered.exit_code == 0 and all(c["ok"] and c["rows"] for c in answered.document["connections"])


def test_doctor_looks_at_everything_it_can_reach(sitebooks: Command) -> None:
    answered = sitebooks("doctor", "--json")
    marks = {(f["group"], f["name"]): f["mark"] for f in answered.document["findings"]}
    assert marks["database", "row-level security"] == marks["database", "role"] == marks["Procore", "connection"] == "ok"
    assert marks["processes", "workers"] == "fail" and answered.exit_code == 3
    assert len(marks) >= 25 and all(f["fix"] for f in answered.document["findings"] if f["mark"] != "ok")
