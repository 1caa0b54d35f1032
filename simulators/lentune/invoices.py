"""Invoices: list, show, document, the posting claim (one worker at a time) and the posting result."""

from datetime import timedelta

from simulators.lentune import pdf, shapes
from simulators.lentune.paging import Match, choice, listed
from simulators.lentune.posting import public, release_leases, route
from simulators.lentune.problems import FieldError, Refusal
from simulators.lentune.shapes import Json
from simulators.lentune.store import Change, Row, stamp
from simulators.lentune.tenant import Answer, Call, Tenant, record

STATES = ("not_ready", "ready", "posting", "posted", "failed", "skipped")
# The seed's own sentences: a report with another wording is refused (contract B.5, L-24 to L-27).
EXACT = {
    "no_open_billing_period": "Cannot find open billing period for PO.",
    "over_billing": "The invoice is over the billing amount.",
    "commitment_not_approved": "Commitment is not at approved status.",
    "no_procore_company_or_project": "No Procore company found with project on invoice",
}
LINES = {
    "no_open_billing_period": "L-24", "over_billing": "L-25", "commitment_not_approved": "L-26",
    "no_procore_company_or_project": "L-27",
}  # fmt: skip


def list_invoices(tenant: Tenant, call: Call) -> Answer:
    release_leases(tenant)
    state = choice(call, "posting_state", *STATES)
    kind = choice(call, "kind", "project", "overhead")
    project = choice(call, "project_id")
    matches: list[Match] = []
    if state:
        matches.append(lambda row: row["posting"]["state"] == state)
    if kind:
        matches.append(lambda row: row["kind"] == kind)
    if project:
        matches.append(lambda row: any(line["project_id"] == project for line in row["lines"]))
    return listed(tenant, call, "invoices", matches, lambda row: public(tenant.store, row))


def get_invoice(tenant: Tenant, call: Call) -> Answer:
    release_leases(tenant)
    return record(public(tenant.store, tenant.store.get("invoices", call.params["invoice_id"])))


def get_document(tenant: Tenant, call: Call) -> Answer:
    invoice = tenant.store.get("invoices", call.params["invoice_id"])
    supplier = tenant.store.tables["suppliers"][invoice["supplier_id"]]
    lines = [f"{line['net']:>16}  {line['description']}" for line in invoice["lines"]]
    page = [f"Tax invoice {invoice['number']}", supplier["description"], invoice["invoice_date"], *lines,
            f"{invoice['gross']:>16}  Total"]  # fmt: skip
    return Answer(200, pdf.document(page), content_type="application/pdf")


def claim(tenant: Tenant, call: Call) -> Answer:
    """Take the invoice for posting. Raises Refusal: not ready 422, posted or held by another 409."""
    release_leases(tenant)
    store = tenant.store
    invoice = store.get("invoices", call.params["invoice_id"])
    posting = invoice["posting"]
    if posting["state"] == "posted":
        raise Refusal("invoice_already_posted", f"It was posted as {posting['procore_id']}.")
    if posting["state"] == "posting":
        left = max(1, round(store.leases[invoice["id"]] - tenant.now.timestamp()))
        raise Refusal(
            "stale_version", "Another worker holds this invoice.", status=409, headers={"Retry-After": str(left)}
        )
    decided = route(tenant, invoice)
    if decided.missing:
        raise Refusal(decided.missing, f"Invoice {invoice['number']} cannot be posted yet.", status=422)
    seconds = int(tenant.options["lease_seconds"])
    store.leases[invoice["id"]] = (tenant.now + timedelta(seconds=seconds)).timestamp()
    invoice["posting"] = posting | {
        "state": "posting", "target": decided.target, "attempts": posting["attempts"] + 1,
        "last_attempt_at": stamp(tenant.now), "error": None,
    }  # fmt: skip
    store.touch(invoice, tenant.now)
    store.changes.append(Change("posting_claim", invoice["id"], invoice["id"], "action"))
    return Answer(200, {"lease_seconds": seconds, "posting": invoice["posting"]})


def report(tenant: Tenant, call: Call) -> Answer:
    """Store what Procore said. Raises Refusal invoice_already_posted for a second, different 'posted'."""
    release_leases(tenant)
    store = tenant.store
    invoice = store.get("invoices", call.params["invoice_id"])
    body = call.body(shapes.POSTING_RESULT, status=422)
    check_report(body)
    posting = invoice["posting"]
    if posting["state"] == "posted":
        if (body["result"], body.get("procore_id")) == ("posted", posting["procore_id"]):
            return record(public(store, invoice))
        raise Refusal("invoice_already_posted", f"It was posted as {posting['procore_id']}.")
    if invoice["status"] != "approved" and not posting["attempts"]:
        raise Refusal("invoice_not_approved", f"Invoice {invoice['number']} is {invoice['status']}.")
    held = store.leases.pop(invoice["id"], None) is not None
    invoice["posting"] = result_of(tenant, body, posting, held)
    store.touch(invoice, tenant.now)
    store.changes.append(Change("posting_result", invoice["id"], invoice["id"], "action"))
    return record(public(store, invoice))


def result_of(tenant: Tenant, body: Json, posting: Row, held: bool) -> Row:
    """The new posting block; an attempt made under a claim was counted when it was claimed."""
    return {
        "state": body["result"],
        "target": body["target"],
        "procore_id": body.get("procore_id") if body["result"] == "posted" else None,
        "attempts": posting["attempts"] + (0 if held else 1),
        "last_attempt_at": stamp(tenant.now),
        "error": body["error"] if body["result"] == "failed" else None,
    }


def check_report(body: Json) -> None:
    """What a result must carry beyond its shape."""
    wrong: list[FieldError] = []
    if body["result"] == "posted" and body["target"] in ("commitment_invoice", "direct_cost"):
        if not body.get("procore_id"):
            wrong.append(FieldError("/procore_id", "required", "is needed for a posted invoice"))
    elif body["result"] == "failed":
        error = body.get("error")
        if not error:
            wrong.append(FieldError("/error", "required", "is needed for a failed posting"))
        elif error["message"] != EXACT.get(error["code"], error["message"]):
            wrong.append(FieldError("/error/message", "invalid", f"must be '{EXACT[error['code']]}'"))
    if wrong:
        sentence = "; ".join(f"{error.path} {error.message}" for error in wrong)
        raise Refusal("validation_failed", f"The result is not valid: {sentence}.", status=422, field_errors=wrong)
