"""Invoices over REST: import, list, show, edit, document, refresh, route, dry run, and the reconcile screen."""

from simulators.sage_paperless import imports, validation
from simulators.sage_paperless.multipart import Parts
from simulators.sage_paperless.paging import choice, listed
from simulators.sage_paperless.problems import Refusal, malformed
from simulators.sage_paperless.shapes import MONEY, PATCH, Json
from simulators.sage_paperless.site import Answer, Call, Site, check_version, procore_part, record
from simulators.sage_paperless.store import Row, Vault

STATUSES = (
    "unprocessed", "incomplete", "pending", "approved", "rejected", "on_hold", "exported", "paid", "void",
)  # fmt: skip
EDITABLE = ("unprocessed", "incomplete", "pending", "approved", "rejected", "on_hold")
ROUTABLE = ("unprocessed", "incomplete", "pending", "rejected")


def parts_of(call: Call) -> Parts:
    if call.parts is None:
        raise malformed("/headers/Content-Type", "must be multipart/form-data")
    return call.parts


def import_invoice(site: Site, call: Call) -> Answer:
    content = imports.metadata_of(parts_of(call))
    try:
        meta = imports.gate(call.vault, content)
        imports.check_files(meta, parts_of(call).files)
        row, new = imports.take(site, call.vault, meta, _bytes(call), meta["procore_invoice_id"])
    except Refusal as refusal:
        remember(call.vault, content, refusal)
        raise
    return record(row, 201 if new else 200)


def remember(vault: Vault, content: object, refusal: Refusal) -> None:
    """For the reconcile screen: what the last import ended with."""
    if isinstance(content, dict) and isinstance(content.get("procore_invoice_id"), str):
        number = content["procore_invoice_id"]
        vault.errors[number] = str(refusal)
        vault.candidates.setdefault(number, {"_sent": content})


def _bytes(call: Call) -> bytes | None:
    files = parts_of(call).files
    return files[0].content if files else None


def list_invoices(site: Site, call: Call) -> Answer:
    filters = {"status": choice(call, "status", *STATUSES), "procore_invoice_id": choice(call, "procore_invoice_id"),
               "queue_id": choice(call, "queue_id")}  # fmt: skip
    wanted = {name: value for name, value in filters.items() if value}
    rows = [row for row in call.vault.invoices.values() if all(row[name] == value for name, value in wanted.items())]
    return listed(site, call, rows)


def get_invoice(site: Site, call: Call) -> Answer:
    return record(call.vault.invoice(call.params["invoice_id"]))


def get_document(site: Site, call: Call) -> Answer:
    row = call.vault.invoice(call.params["invoice_id"])
    if row["document"] is None:
        raise Refusal("not_found", f"{row['id']} has no document.")
    return Answer(200, site.store.documents[row["document"]["sha256"]], content_type="application/pdf")


def edit_invoice(site: Site, call: Call) -> Answer:
    vault = call.vault
    row = vault.invoice(call.params["invoice_id"])
    if not vault.configuration.get("allow_edit_of_imported_invoices"):
        raise Refusal("invoice_edit_not_allowed", "The vault does not allow edits of imported Procore invoices.")
    check_version(call, row["version"])
    changes = call.body(PATCH)
    if row["status"] not in EDITABLE:
        raise Refusal("invoice_not_unprocessed", f"{row['id']} is {row['status']}.")
    row["_meta"] = row["_meta"] | changes
    if row["status"] == "approved":  # a reviewer must approve again (contract A.2, G11)
        row["status"] = "pending"
    imports.judge(site, vault, row)
    site.store.note(vault, "invoices", row["_key"], row["id"], "updated")
    return record(row)


def refresh_invoice(site: Site, call: Call) -> Answer:
    vault = call.vault
    row = vault.invoice(call.params["invoice_id"])
    try:
        meta = imports.gate(vault, imports.metadata_of(parts_of(call)))
        imports.check_files(meta, parts_of(call).files)
    except Refusal as refusal:
        if refusal.code == "validation_failed":  # the document has no 400 here
            refusal.status = 422
        raise
    if meta["procore_invoice_id"] != row["procore_invoice_id"]:
        raise malformed("/procore_invoice_id", f"is not {row['procore_invoice_id']}", 422)
    if row["status"] != "unprocessed":
        raise Refusal("invoice_not_unprocessed", f"{row['id']} is {row['status']}.")
    if meta["procore_revision"] != row["procore_revision"]:
        imports.renew(site, vault, row, meta, _bytes(call))
    return record(row)


def route_invoice(site: Site, call: Call) -> Answer:
    row = call.vault.invoice(call.params["invoice_id"])
    route(site, call.vault, row)
    return record(row)


def route(site: Site, vault: Vault, row: Row) -> None:
    """Validates and routes again after a fix. Raises Refusal invoice_not_unprocessed once people have decided."""
    if row["status"] not in ROUTABLE:
        raise Refusal("invoice_not_unprocessed", f"{row['id']} is {row['status']}.")
    imports.judge(site, vault, row)
    good, reviewed = row["validation"]["passed"], all(line["reviewers"] for line in row["routing"])
    reason = None if good and reviewed else ("validation_failed" if not good else "reviewer_missing")
    imports.put(vault, row, "queue" if reason else "routed", reason)
    if reason and row["status"] == "pending":
        row["status"] = "incomplete"
    site.store.note(vault, "invoices", row["_key"], row["id"], "action")
    imports.tell(site, vault, "invoice.queue_failover" if reason else "invoice.routed", row)


def dry_run(site: Site, call: Call) -> Answer:
    vault = call.vault
    meta: Json = imports.gate(vault, call.content, dry=True)
    held = vault.by_procore(meta["procore_invoice_id"])
    found = validation.findings(vault, meta, held["id"] if held else "")
    good, lines = validation.passed(found), validation.routing(vault, meta)
    placement, _ = imports.would_place(vault, meta, good, lines)
    return Answer(200, {"passed": good, "findings": found, "routing": lines, "would_place": placement})


def list_candidates(site: Site, call: Call) -> Answer:
    """What was imported, what was tried, and what people there have seen in Procore."""
    vault = call.vault
    procore_part(vault, write=False)
    rows = {number: _candidate(vault, number, None, known) for number, known in vault.candidates.items()}
    rows |= {row["procore_invoice_id"]: _candidate(vault, row["procore_invoice_id"], row, row["_meta"])
             for row in vault.invoices.values()}  # fmt: skip
    return listed(site, call, rows.values())


def _candidate(vault: Vault, number: str, row: Row | None, known: Row) -> Row:
    sent = known.get("_sent", known)
    error = vault.errors.get(number)
    told = {name: str(sent.get(name, "")) for name in ("invoice_number", "vendor", "commitment_number")}
    amount = str(sent.get("net", ""))
    return {
        **told, "procore_invoice_id": number, "amount": amount if MONEY.match(amount) else "0.00",
        "procore_status": str(sent.get("procore_status", "approved")), "paperless_status": row["status"] if row else None,
        "last_error": error, "can_reprocess": row is None or row["status"] == "unprocessed",
    }  # fmt: skip
