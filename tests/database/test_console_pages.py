"""The console's pages over the demo company, and over a company that has nothing yet."""

import html
import re
from collections.abc import Iterator
from decimal import Decimal

import pytest
from starlette.testclient import TestClient

from sync import clients
from sync.connections import new_company
from tests.database.web_clients import post, visitor
from tests.world import World

PAGES = (
    "/", "/objects", "/approvals", "/problems", "/problems?tab=healing", "/events", "/systems", "/reconciliation",
    "/activity",
)


@pytest.fixture(scope="module")
def demo(database: str) -> Iterator[World]:
    """The demo company, synced as far as it goes; commitments of one project wait for an approval."""
    world = World(new_company("Harbour Build Ltd", "4100"), "demo", {"approval": {"variation": "manual"}})
    world.sync()
    yield world
    world.close()


@pytest.fixture
def client(demo: World) -> TestClient:
    """An approver of the demo company, whose simulators answer (another test's world may have taken their place)."""
    clients.close_all()
    clients.transports.update(demo.transports)
    return visitor(demo.company)


def text_of(page: str) -> str:
    """What a person reads."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


@pytest.mark.parametrize("path", PAGES)
def test_every_page_stands_with_nothing_in_it(company: int, path: str) -> None:
    answer = visitor(company, "admin").get(path)
    assert answer.status_code == 200
    assert 'class="empty' in answer.text


@pytest.mark.parametrize("path", PAGES)
def test_every_page_stands_with_the_demo_company(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.text.count("<h1") == 1
    assert "Harbour Build Ltd" in answer.text
    assert len(answer.content) < 100_000


def test_every_record_has_its_page(demo: World, client: TestClient) -> None:
    for record in demo.records():
        answer = client.get(f"/objects/{record.id}")
        assert answer.status_code == 200, record
        assert 'class="verdict is-' + record.state in answer.text


def test_the_sentence_counts_what_is_there(demo: World, client: TestClient) -> None:
    records = demo.records()
    synced = sum(r.state == "synced" for r in records)
    meant = sum(r.state != "ignored" for r in records)
    assert f"{synced} of {meant} records agree to the cent." in text_of(client.get("/").text)


def test_a_held_commitment_says_what_it_waits_for_and_what_to_do(demo: World, client: TestClient) -> None:
    record = demo.record("commitment", "PO-1001-03")
    seen = text_of(client.get(f"/objects/{record.id}").text)
    assert "Held: PO-1001-03 waits for a code on the budget." in seen
    assert "09-900.M" in seen
    assert "Not passed:" in seen
    assert "cost_code_not_on_budget" in seen
    assert "NZD 12,400.00" in seen
    assert "Look now" in seen


def test_a_record_in_both_systems_shows_both_sides(demo: World, client: TestClient) -> None:
    record = demo.record("commitment", "PO-1001-01")
    seen = text_of(client.get(f"/objects/{record.id}").text)
    assert "In both systems, equal to the cent." in seen
    assert "Amount NZD 84,000.00 equal NZD 84,000.00" in seen
    assert "Pumping 24,000.00 equal 24,000.00" in seen
    assert "Lentune confirmed it" in seen


def test_filters_narrow_and_totals_cover_all_that_match(demo: World, client: TestClient) -> None:
    held = [r for r in demo.records("commitment") if r.state == "held"]
    page = text_of(client.get("/objects?kind=commitment&state=held").text)
    for record in held:
        assert record.number in page
    assert f"{sum((r.amount for r in held), Decimal(0)):,.2f}" in page
    assert "PO-1001-01" not in page
    assert "PO-1001-03" in text_of(client.get("/objects?q=12,400.00").text)
    assert "No record matches." in text_of(client.get("/objects?q=%25").text)
    assert "No record matches." in text_of(client.get("/objects?state=nonsense").text)


def test_pages_of_a_list_join_up(demo: World, client: TestClient) -> None:
    from sync import views

    seen: list[int] = []
    after = ""
    while True:
        listed = views.records(demo.company, views.Filters(), after, 7)
        seen += [row.id for row in listed.rows]
        after = listed.after
        if not after:
            break
    assert sorted(seen) == sorted(r.id for r in demo.records())
    assert len(set(seen)) == len(seen) == listed.count
    assert client.get("/objects?after=rubbish").status_code == 400


def test_the_export_equals_the_list(demo: World, client: TestClient) -> None:
    answer = client.get("/objects.csv?kind=invoice")
    assert answer.headers["content-type"].startswith("text/csv")
    lines = answer.text.splitlines()
    assert len(lines) == 1 + len(demo.records("invoice"))
    assert lines[0].startswith("kind,number,number_there")


def test_finding_by_number_leads_to_the_record(demo: World, client: TestClient) -> None:
    record = demo.record("commitment", "PO-1001-03")
    assert client.get("/find?q=po-1001-03").headers["location"] == f"/objects/{record.id}"
    assert client.get("/find?q=PO").headers["location"] == "/objects?q=PO"


def test_problems_are_grouped_with_their_money_and_always_say_four_things(demo: World, client: TestClient) -> None:
    page = text_of(client.get("/problems").text)
    for heading in ("What happened", "Why", "What to do", "What happens next"):
        assert heading in page
    needing = [r for r in demo.records() if r.state == "needs_attention"]
    assert f"{len(needing)} records" in page
    healing = text_of(client.get("/problems?tab=healing").text)
    held = [r for r in demo.records() if r.state == "held"]
    assert f"{sum((r.amount for r in held), Decimal(0)):,.2f}" in healing


def test_approving_needs_the_version_and_the_amount_that_were_seen(company: int) -> None:
    world = World(company, "small", {"approval": {"commitment": "manual"}})
    try:
        world.sync()
        first, second = world.record("commitment", "PO-1001-01"), world.record("commitment", "SC-1001-01")
        assert {first.state, second.state} == {"awaiting_approval"}
        client = visitor(company)
        page = client.get(f"/approvals?item={first.id}")
        assert f"Approve version {first.version}, NZD 60,000.00" in page.text
        stale = post(client, f"/objects/{first.id}/approve", version=first.version, amount="60000.01", back="/approvals")
        assert stale.headers["location"] == "/approvals?said=changed"
        assert world.record("commitment", "PO-1001-01").state == "awaiting_approval"
        done = post(client, f"/objects/{first.id}/approve", version=first.version, amount="60000.00", back="/approvals")
        assert done.headers["location"] == "/approvals?said=approved"
        assert post(client, f"/objects/{second.id}/reject", version=second.version, amount=second.amount).status_code == 400
        post(client, f"/objects/{second.id}/reject", version=second.version, amount=second.amount, reason="above the agreed rate")
        again = post(client, f"/objects/{second.id}/approve", version=second.version, amount=second.amount)
        assert again.headers["location"] == f"/objects/{second.id}?said=settled"
        world.due_now()
        assert world.record("commitment", "PO-1001-01").state == "synced"
        assert world.record("commitment", "SC-1001-01").state == "rejected"
        story = text_of(client.get(f"/objects/{first.id}").text)
        assert f"Approved for exactly version {first.version}" in story
        assert "By the approver" in story
        assert "“above the agreed rate”" in text_of(client.get(f"/objects/{second.id}").text)
    finally:
        world.close()


def test_sending_again_and_looking_now(demo: World, client: TestClient) -> None:
    record = demo.record("commitment", "PO-1001-03")
    answer = post(client, f"/objects/{record.id}/retry")
    assert answer.headers["location"] == f"/objects/{record.id}?said=again"
    assert demo.record("commitment", "PO-1001-03").state == "pending"
    demo.due_now()
    assert demo.record("commitment", "PO-1001-03").state == "held"
    answer = post(client, "/problems/retry", code="cost_code_not_on_budget", state="held")
    assert answer.headers["location"] == "/problems?said=2"
    demo.due_now()


def test_replaying_an_event(demo: World, client: TestClient) -> None:
    found = re.search(r"/events/(\d+)/replay", client.get("/events").text)
    if found is None:
        demo.act("procore", "stage", project="1001", stage="Warranty")
        demo.deliver()
        found = re.search(r"/events/(\d+)/replay", client.get("/events").text)
    assert found
    assert post(client, f"/events/{found[1]}/replay").headers["location"] == "/events?said=replayed"
    assert post(client, "/events/999999999/replay").status_code == 404


@pytest.mark.requirement("P-04", "P-06", "P-11", "P-17")
def test_settings_are_saved_as_a_whole_or_not_at_all(demo: World, client: TestClient) -> None:
    admin = visitor(demo.company, "admin")
    page = admin.get("/systems/lentune").text
    assert "Lentune purchase order" in page
    assert "Procore purchase order" in page
    refused = post(admin, "/systems/lentune", lentune_purchase_order="on", procore_purchase_order="on")
    assert refused.status_code == 422
    assert "only one side can raise purchase orders" in refused.text
    saved = post(admin, "/systems/lentune", region_to_branch="equal_name", rounding_tolerance="0.05")
    assert "location" in saved.headers, text_of(saved.text)
    assert saved.headers["location"] == "/systems/lentune?said=saved"
    assert 'value="0.05"' in admin.get("/systems/lentune").text
    assert "Saved, and in force." in admin.get("/systems/lentune?said=saved").text


def test_another_companys_ids_are_not_found(company: int, demo: World) -> None:
    theirs = demo.record("commitment", "PO-1001-03")
    client = visitor(company, "admin")
    assert client.get(f"/objects/{theirs.id}").status_code == 404
    assert post(client, f"/objects/{theirs.id}/approve", version=1, amount="1.00").status_code == 404
    assert post(client, f"/objects/{theirs.id}/retry").status_code == 404
    assert client.get("/systems/lentune").status_code == 404
    assert client.get("/find?q=PO-1001-03").headers["location"] == "/objects?q=PO-1001-03"


def test_a_page_that_does_not_exist_leads_on(client: TestClient) -> None:
    answer = client.get("/nowhere")
    assert answer.status_code == 404
    assert "Show all objects" in answer.text
    assert client.get("/objects/word").status_code == 422
