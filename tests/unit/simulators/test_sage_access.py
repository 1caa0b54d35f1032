"""Sign-in, limits, keys, lists and events of the Sage Paperless simulator."""

import hashlib
import hmac
import json
from urllib.parse import urlencode

import httpx
import pytest

from simulators.kit.http import Request, Response
from simulators.kit.shell import Shell
from simulators.procore.files import pdf
from simulators.sage_paperless.core import OPERATIONS
from tests.contracts.checker import operations
from tests.transport import SimulatorTransport
from tests.unit.simulators.sage_calls import BASE, SECRET, Caller, Json, document, invoice

pytestmark = pytest.mark.unit


@pytest.fixture
def caller() -> Caller:
    return Caller()


def test_everything_documented_is_answered() -> None:
    documented = set(operations("sage_paperless"))
    assert documented - {("GET", "/health")} == {(method, path) for method, path, _ in OPERATIONS}


def test_a_token_opens_its_own_vault(caller: Caller) -> None:
    answer = caller.raw("GET", "/vaults", headers={"authorization": "Bearer nothing"})
    assert caller.refused(answer) == (401, "unauthorized") and "Bearer" in answer.headers["WWW-Authenticate"]
    assert [row["id"] for row in caller.get("/vaults")["data"]] == ["sage300", "sage100", "intacct", "unlicensed", "nosync"]
    assert caller.refused(caller.send("GET", "/vaults/sage100/invoices")) == (403, "forbidden")
    assert caller.refused(caller.send("GET", "/vaults/none/invoices")) == (404, "not_found")
    assert caller.core.credentials == {"token": caller.token, "vault_id": "sage300", "folder": ""}


def test_too_many_requests() -> None:
    caller = Caller(rate_per_minute=60, burst=2)
    assert caller.send("GET", "/queues").headers["X-RateLimit-Remaining"] == "1"
    caller.send("GET", "/queues")
    answer = caller.send("GET", "/queues")
    assert caller.refused(answer) == (429, "rate_limited") and answer.headers["Retry-After"] == "1"
    caller.clock.advance(1)
    assert caller.send("GET", "/queues").status == 200


def test_a_key_repeats_its_answer_for_seven_days(caller: Caller) -> None:
    meta, content = invoice()
    first = caller.form("POST", "/invoices", meta, content, key="import-470001")
    again = caller.form("POST", "/invoices", meta, content, key="import-470001", boundary="another-boundary")
    assert (again.status, again.body, again.headers["Idempotency-Replayed"]) == (201, first.body, "true")
    other = caller.form("POST", "/invoices", meta | {"net": "999.00"}, content, key="import-470001")
    assert caller.refused(other) == (409, "idempotency_key_reused")
    assert caller.refused(caller.send("POST", "/jobs/payment_backfill/runs", key="")) == (400, "validation_failed")
    assert caller.refused(caller.send("POST", "/jobs/payment_backfill/runs", key="short")) == (400, "validation_failed")
    caller.clock.advance(7 * 86400 + 1)
    late = caller.form("POST", "/invoices", meta, content, key="import-470001")
    assert (late.status, "Idempotency-Replayed" in late.headers) == (200, False)
    assert len(caller.ledger("invoices")) == 1


def test_a_refusal_may_be_tried_again_under_its_key(caller: Caller) -> None:
    meta, content = invoice()
    caller.act("stop_cloud_sync")
    assert caller.form("POST", "/invoices", meta, content, key="import-470001").status == 503
    caller.act("start_cloud_sync")
    assert caller.form("POST", "/invoices", meta, content, key="import-470001").status == 201


def test_pages(caller: Caller) -> None:
    for number in range(5):
        caller.imported(procore_invoice_id=f"47000{number}", vendor=f"Vendor {number}")
        caller.clock.advance(60)
    found: list[str] = []
    cursor: Json = {}
    while True:
        page = caller.get("/invoices", limit="2", **cursor)
        found += [row["procore_invoice_id"] for row in page["data"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert found == [f"47000{number}" for number in range(5)]
    assert len(caller.get("/invoices", updated_since="2026-11-20T08:02:30Z")["data"]) == 2
    assert [r["id"] for r in caller.get("/invoices", procore_invoice_id="470003", status="unprocessed")["data"]] == ["inv-000004"]
    for wrong in ({"limit": "0"}, {"cursor": "x"}, {"status": "new"}, {"updated_since": "2026-11-20"}):
        assert caller.refused(caller.send("GET", "/invoices", **wrong)) == (400, "validation_failed")


def test_reference_values(caller: Caller) -> None:
    jobs = caller.get("/reference-values", kind="job")["data"]
    assert [(row["value"], row["name"]) for row in jobs] == [("1001", "Harbour View Apartments")]
    commitment = caller.get("/reference-values", kind="commitment", value="SC-1001-01")["data"]
    assert [row["parent"] for row in commitment] == ["Southern Steel Ltd"]
    assert {row["value"] for row in caller.get("/reference-values", kind="cost_code")["data"]} == {"01-100", "03-300", "05-100"}
    assert caller.refused(caller.send("GET", "/reference-values", kind="")) == (400, "validation_failed")
    demo = Caller("demo")
    vendors = {row["value"]: row["active"] for row in demo.get("/reference-values", kind="vendor")["data"]}
    assert vendors["Tasman Scaffold Ltd"] and not vendors["Aroha Painters"] and "Tasman Scaffolding Limited" not in vendors
    assert "B.03-300" in {row["value"] for row in demo.get("/reference-values", kind="cost_code", limit="200")["data"]}


def page(caller: Caller, url: str, method: str = "GET", **fields: str) -> Response:
    path = url.removeprefix("http://sage.test")
    answer = caller.core.handle(Request(method, path, body=urlencode(fields).encode()))
    assert isinstance(answer, Response)
    return answer


def test_access_is_granted_on_a_page_and_consent_is_asked_once(caller: Caller) -> None:
    caller.use("nosync")
    caller.core.act("start_cloud_sync", {"vault": "nosync"})
    started = caller.send("POST", "/procore-connection").json()
    assert started["state"] == "authorising" == caller.get("/procore-connection")["state"]
    assert b">Allow<" in page(caller, started["authorise_url"]).body
    signed = {"email": "it@kauri.example", "password": "x", "decision": "allow"}
    assert b"Access to Procore was granted" in page(caller, started["authorise_url"], "POST", **signed).body
    assert page(caller, started["authorise_url"]).status == 404, "an address works once"
    shown = caller.get("/procore-connection")
    assert (shown["state"], shown["connected_as"]) == ("successful", "it@kauri.example")
    assert {row["bound_to_vault_id"] for row in shown["companies"]} == {"sage300", "sage100"}
    caller.send("DELETE", "/procore-connection")
    again = caller.send("POST", "/procore-connection").json()["authorise_url"]
    assert b">Allow<" not in page(caller, again).body and b"Sign in" in page(caller, again).body


def test_a_freed_company_may_be_taken_by_another_vault(caller: Caller) -> None:
    caller.send("DELETE", "/procore-connection")
    caller.use("sage100")
    assert caller.configure(procore_company_id="4100").status == 200


def test_events_are_signed_numbered_and_sent_again(caller: Caller) -> None:
    subscription = caller.subscribe("invoice.imported", "invoice.approved", "connection.lost", "job.stopped")
    assert "secret" not in subscription and caller.get("/webhook-subscriptions")["data"] == [subscription]
    row = caller.imported()
    sent = caller.deliver(500)
    assert [d.subject for d in sent] == ["invoice.imported"]
    assert caller.get("/webhook-deliveries", state="failing")["data"][0]["last_status"] == 500
    caller.act("approve_invoice", invoice=row["id"])
    caller.act("stop_job")
    assert [d.subject for d in caller.deliver()] == ["job.stopped"], "another record is not held up"
    caller.clock.advance(5)
    sent = caller.deliver()
    bodies = [json.loads(d.body) for d in sent]
    assert [(b["type"], b["sequence"], b["tenant_id"]) for b in bodies] == [
        ("invoice.imported", 1, "sage300"), ("invoice.approved", 2, "sage300"),
    ]  # fmt: skip
    moment, _, digest = sent[0].headers["X-Signature"].partition(",v1=")
    unix = moment.removeprefix("t=")
    assert int(unix) == int(caller.clock.now().timestamp())
    assert digest == hmac.new(SECRET.encode(), unix.encode() + b"." + sent[0].body, hashlib.sha256).hexdigest()
    assert caller.send("POST", f"/webhook-deliveries/{bodies[0]['event_id']}/replay").status == 202
    assert [json.loads(d.body)["event_id"] for d in caller.deliver()] == [bodies[0]["event_id"]]
    assert caller.send("DELETE", f"/webhook-subscriptions/{subscription['id']}").status == 204
    assert caller.refused(caller.send("DELETE", f"/webhook-subscriptions/{subscription['id']}")) == (404, "not_found")
    short = {"url": "https://a.test", "events": ["invoice.paid"], "secret": "short"}
    assert caller.refused(caller.send("POST", "/webhook-subscriptions", short)) == (400, "validation_failed")


def test_jobs_and_health(caller: Caller) -> None:
    jobs = {row["name"]: row for row in caller.get("/jobs")["data"]}
    assert "Job Poll Invoice Check Backfiller" in jobs["payment_backfill"]["aliases"] and jobs["cloud_sync"]["running"]
    assert caller.send("POST", "/jobs/payment_backfill/runs").status == 202
    caller.clock.advance(90)
    assert caller.raw("GET", "/health").json() == {"status": "ok", "seconds_since_last_backfill": 90}
    caller.act("stop_job")
    assert caller.refused(caller.send("POST", "/jobs/payment_backfill/runs")) == (422, "backfill_job_not_running")
    assert caller.refused(caller.send("POST", "/jobs/none/runs")) == (404, "not_found")
    caller.use("nosync")
    assert caller.refused(caller.send("POST", "/jobs/cloud_sync/runs")) == (422, "cloud_sync_licence_required")


def test_a_form_as_http_clients_write_it(caller: Caller) -> None:
    meta, content = invoice()
    files = [("metadata", (None, json.dumps(meta), "application/json")), ("file", ("Über (1).pdf", content, "application/pdf"))]
    headers = {"Authorization": f"Bearer {caller.token}", "Idempotency-Key": "import-470001"}
    with httpx.Client(transport=SimulatorTransport(caller.core), base_url="http://sage.test", headers=headers) as client:
        answers = [client.post(f"{BASE}/vaults/sage300/invoices", files=files) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[1].headers["Idempotency-Replayed"] == "true" and len(caller.ledger("invoices")) == 1


def test_a_form_over_the_wire_larger_than_other_bodies() -> None:
    caller = Caller()
    content = pdf("large", 2, 66 * 1024 * 1024)
    meta, _ = invoice(document=document(content, 2))
    shell = Shell(caller.core).start()
    url, head = f"{shell.url}{BASE}/vaults/sage300/invoices", {"Authorization": f"Bearer {caller.token}"}
    files = [("metadata", (None, json.dumps(meta), "application/json")), ("file", ("d.pdf", content, "application/pdf"))]
    try:
        answer = httpx.post(url, files=files, headers=head | {"Idempotency-Key": "import-470001"}, timeout=60, trust_env=False)
    finally:
        shell.stop()
    assert answer.status_code == 201 and answer.json()["document"]["bytes"] == len(content)


def test_the_state_is_kept_and_goes_back(caller: Caller) -> None:
    caller.imported()
    before = caller.core.state()
    caller.core.snapshot()
    caller.imported(procore_invoice_id="470002")
    caller.core.rollback()
    assert caller.core.state() == before
    assert caller.ledger("invoices")[-1]["effect"] == "deleted"
    kept = caller.core.keep()
    other = Caller()
    other.core.take_up(kept)
    assert other.core.state() == before
    assert caller.imported(procore_invoice_id="470003")["id"] == "inv-000003", "an id is not given twice"


def test_the_people_page_shows_every_action(caller: Caller) -> None:
    answer = caller.core.handle(Request("GET", "/"))
    assert isinstance(answer, Response) and b"pay_invoice" in answer.body and b"name='vault'" in answer.body
    form = urlencode({"action": "stop_job", "name": "payment_backfill", "vault": ""}).encode()
    done = caller.core.handle(Request("POST", "/_sim/act", [], {"content-type": "application/x-www-form-urlencoded"}, form))
    assert isinstance(done, Response) and done.status == 303 and "done" in done.headers["Location"]
