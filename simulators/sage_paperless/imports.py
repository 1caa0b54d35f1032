"""Taking a Procore invoice in: the gate, the one document, validation, and where it lands (contract B.4)."""

import hashlib
import json
from decimal import Decimal
from typing import Any

from simulators.sage_paperless import pdf, validation
from simulators.sage_paperless.multipart import File, Parts
from simulators.sage_paperless.problems import FieldError, Refusal, malformed
from simulators.sage_paperless.shapes import INVOICE, Json
from simulators.sage_paperless.site import Site, procore_part
from simulators.sage_paperless.store import MANUAL, ROUTE, Row, Vault, money, public, stamp, total
from simulators.sage_paperless.webhooks import emit

RETRY = {"Retry-After": "60"}


def metadata_of(parts: Parts) -> Any:
    """Raises Refusal validation_failed when it is not JSON."""
    try:
        return json.loads(parts.metadata, parse_float=Decimal)
    except (ValueError, UnicodeDecodeError) as error:
        raise malformed("/metadata", f"is not JSON: {error}") from error


def gate(vault: Vault, content: Any, dry: bool = False) -> Json:
    """Everything but the file. Raises Refusal. `dry` leaves out what hangs on the hour (cloud sync)."""
    procore_part(vault, write=True)
    if vault.connection["state"] != "successful" or not vault.company_id:
        raise Refusal("procore_not_connected", f"Vault {vault.name} holds no Procore company.")
    if not isinstance(content, dict):
        raise malformed("", "must be an object")
    if content.get("procore_status", "approved") != "approved":
        raise Refusal("procore_status_not_approved", f"The status is {content['procore_status']}.")
    _docusign(content)
    automated = content.get("mode") == "automated"
    if automated and "document" in content and content["document"] is None:
        raise Refusal("attachment_required", "Automated import needs at least one attachment.")
    if content.get("mode") == "manual" and content.get("document") is not None:
        raise Refusal("attachment_not_allowed_for_manual", "Manual import takes no document.")
    meta = INVOICE.require(content)
    if meta["procore_company_id"] != vault.company_id:
        text = f"Vault {vault.name} holds company {vault.company_id}, the invoice is of {meta['procore_company_id']}."
        raise malformed("/procore_company_id", text)
    if automated == (vault.behaviour == MANUAL):
        raise Refusal("import_behaviour_mismatch", f"The vault's import behaviour is {vault.behaviour}.")
    if automated and not dry:
        _cloud_sync(vault)
    return meta


def _docusign(content: Json) -> None:
    document = content.get("document")
    parts = document.get("parts") if isinstance(document, dict) else None
    for part in parts if isinstance(parts, list) else []:
        if isinstance(part, dict) and "docusign" in str(part.get("source", "")):
            raise Refusal("docusign_not_allowed", f"{part.get('name')} is a DocuSign document.")


def _cloud_sync(vault: Vault) -> None:
    if not vault.licences["cloud_sync"]:
        raise Refusal("cloud_sync_licence_required", f"Vault {vault.name} has no cloud sync licence.")
    if not vault.cloud_sync["running"]:
        raise Refusal("cloud_sync_not_running", f"Cloud sync of vault {vault.name} is stopped.", status=503, headers=RETRY)


def check_files(meta: Json, files: tuple[File, ...]) -> None:
    """The one PDF is the one announced. Raises Refusal."""
    if meta["mode"] == "manual":
        if files:
            raise Refusal("attachment_not_allowed_for_manual", "Manual import takes no file.")
        return
    if not files:
        raise Refusal("attachment_required", "The document is announced, and no file was sent.")
    if len(files) != 1:
        raise Refusal("document_must_be_single_pdf", f"{len(files)} files were sent.")
    check_document(meta["document"], files[0].content)


def check_document(document: Json, content: bytes) -> None:
    """Raises Refusal document_must_be_single_pdf with every field that differs."""
    try:
        pages = pdf.page_count(content)
    except pdf.NotAPdf as error:
        raise Refusal("document_must_be_single_pdf", f"The file is not a whole PDF: {error}.") from error
    found = {"sha256": hashlib.sha256(content).hexdigest(), "pages": pages, "bytes": len(content)}
    wrong = [
        FieldError(f"/document/{name}", "mismatch", f"is {document[name]}, the file has {value}")
        for name, value in found.items()
        if document.get(name, value) != value
    ]
    at = 1
    for index, part in enumerate(document["parts"]):
        if part["first_page"] != at:
            wrong.append(FieldError(f"/document/parts/{index}/first_page", "mismatch", f"is {part['first_page']}, not {at}"))
        at += part["pages"]
    if at - 1 != pages:
        wrong.append(FieldError("/document/parts", "mismatch", f"have {at - 1} pages, the file has {pages}"))
    if wrong:
        text = "; ".join(f"{error.path} {error.message}" for error in wrong)
        raise Refusal("document_must_be_single_pdf", f"The file is not the one announced: {text}.", field_errors=wrong)


def take(
    site: Site, vault: Vault, meta: Json, content: bytes | None, key: str, queue_id: str | None = None
) -> tuple[Row, bool]:
    """Stores it, or finds it there; True when it is new. Raises Refusal procore_invoice_already_imported."""
    row = vault.by_procore(meta["procore_invoice_id"])
    vault.errors.pop(meta["procore_invoice_id"], None)
    if row is None:
        return _new(site, vault, meta, content, key, queue_id), True
    if row["procore_revision"] != meta["procore_revision"]:
        if row["status"] != "unprocessed":
            text = f"{row['id']} holds revision {row['procore_revision']} and is {row['status']}."
            raise Refusal("procore_invoice_already_imported", text)
        renew(site, vault, row, meta, content)
    return row, False


def _new(site: Site, vault: Vault, meta: Json, content: bytes | None, key: str, queue_id: str | None) -> Row:
    number = site.store.number("invoices")
    row: Row = {
        "id": f"inv-{number:06d}", "version": "0", "vault_id": vault.id, "procore_invoice_id": meta["procore_invoice_id"],
        "status": "unprocessed", "placement": "queue", "queue_id": queue_id, "failover_reason": None, "read_only": True,
        "accounting_reference": None, "paid_total": "0.00", "payments": [], "created_at": stamp(site.now), "_n": number,
        "_key": key,
    }  # fmt: skip
    vault.invoices[row["id"]] = row
    _fill(site, vault, row, meta, content)
    site.store.note(vault, "invoices", key, row["id"], "created")
    _place(site, vault, row)
    return row


def renew(site: Site, vault: Vault, row: Row, meta: Json, content: bytes | None) -> None:
    """Takes a newer revision over; only while unprocessed (S-22)."""
    _fill(site, vault, row, meta, content)
    site.store.note(vault, "invoices", row["_key"], row["id"], "updated")
    _place(site, vault, row)


def _fill(site: Site, vault: Vault, row: Row, meta: Json, content: bytes | None) -> None:
    if content is not None:
        site.store.documents[meta["document"]["sha256"]] = content
    row.update(
        procore_revision=meta["procore_revision"], import_mode=meta["mode"], document=meta["document"],
        gross=money(validation.gross(meta)), _meta=meta,
    )  # fmt: skip
    judge(site, vault, row)


def judge(site: Site, vault: Vault, row: Row) -> None:
    """Validates and finds reviewers anew, with what accounting and the rules hold now."""
    found = validation.findings(vault, row["_meta"], row["id"])
    row["validation"] = {"passed": validation.passed(found), "findings": found}
    row["routing"] = validation.routing(vault, row["_meta"])
    touch(site, vault, row)


def touch(site: Site, vault: Vault, row: Row) -> None:
    """A new version; what is shown of payments and edit permission follows what holds now."""
    shown = [public(p) for p in vault.payments.values() if p["_found"] and p["invoice_id"] == row["id"]]
    row.update(
        version=str(int(row["version"]) + 1), updated_at=stamp(site.now), payments=shown,
        paid_total=money(total([p["amount"] for p in shown if not p["voided"]])),
        read_only=not vault.configuration.get("allow_edit_of_imported_invoices", False),
    )  # fmt: skip


def would_place(vault: Vault, meta: Json, good: bool, lines: list[Row]) -> tuple[str, str | None]:
    """Placement and the reason for staying in the queue."""
    if meta["mode"] == "manual":
        return "open_entry_screen", None
    if vault.behaviour != ROUTE:
        return "queue", None
    if not good:
        return "queue", "validation_failed"
    return ("routed", None) if all(line["reviewers"] for line in lines) else ("queue", "reviewer_missing")


def _place(site: Site, vault: Vault, row: Row) -> None:
    placement, reason = would_place(vault, row["_meta"], row["validation"]["passed"], row["routing"])
    put(vault, row, placement, reason)
    if placement == "open_entry_screen":
        return
    routed = "invoice.routed" if placement == "routed" else "invoice.queue_failover"
    event = routed if vault.behaviour == ROUTE else "invoice.imported"
    tell(site, vault, event, row)
    if not row["validation"]["passed"]:
        tell(site, vault, "invoice.validation_failed", row)


def put(vault: Vault, row: Row, placement: str, reason: str | None) -> None:
    queue = row["queue_id"] or vault.configuration.get("queue_id") if placement != "open_entry_screen" else None
    row.update(placement=placement, failover_reason=reason, queue_id=queue)
    if placement == "routed":
        row["status"] = "pending"


def tell(site: Site, vault: Vault, event: str, row: Row) -> None:
    emit(site, vault, event, row["id"], row["version"], public(row))
