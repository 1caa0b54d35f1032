"""The refusals of the adapter: one table of code, status, title, next step and requirement line."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Entry:
    """What is always the same about one code."""

    status: int
    title: str
    fix_hint: str = ""
    requirement: str = ""


CATALOGUE: dict[str, Entry] = {
    "unauthorized": Entry(401, "Sign-in needed", "Use the vault's own token."),
    "forbidden": Entry(403, "Not allowed", "Use the token of the vault that is asked."),
    "not_found": Entry(404, "No such record", "Check the id."),
    "validation_failed": Entry(400, "The request is not well formed", "Correct the fields named in field_errors."),
    "idempotency_key_reused": Entry(409, "Idempotency key used before", "Use a new key for a different request."),
    "stale_version": Entry(412, "The record has changed since it was read", "Read it again, then decide again."),
    "rate_limited": Entry(429, "Too many requests", "Wait the seconds named in Retry-After."),
    "unavailable": Entry(503, "Sage Paperless is not available", "Try again later."),
    "procore_licence_required": Entry(403, "A Procore licence is required", "Buy or enter the Procore licence.", "S-01"),
    "cloud_sync_licence_required": Entry(
        422, "Automated import needs the cloud sync licence", "Enter the licence, or choose Manual Import.", "S-09"
    ),
    "cloud_sync_not_running": Entry(422, "Cloud sync is not running", "Start the cloud sync service.", "S-09"),
    "bridge_not_supported": Entry(
        422, "The vault's bridge has no Procore part", "Use a vault bridged to Sage 100 or Sage 300.", "S-08"
    ),
    "procore_not_connected": Entry(
        422, "The vault is not connected with Procore", "Grant access, then pick the company.", "S-11"
    ),
    "company_already_bound": Entry(
        409, "Another vault holds this Procore company", "Free the company there, or pick another one.", "S-16"
    ),
    "queue_unknown": Entry(422, "There is no such queue", "Pick a queue of the list.", "S-32"),
    "queue_required": Entry(422, "Automated import needs a queue", "Pick a queue.", "S-32"),
    "procore_status_not_approved": Entry(422, "The Procore invoice is not approved", "Approve it in Procore.", "S-04"),
    "attachment_required": Entry(422, "Automated import needs an attachment", "Attach a file to the Procore invoice.", "S-20"),
    "document_must_be_single_pdf": Entry(
        422, "The document is not the one PDF that was announced", "Join all attachments into one PDF.", "S-21"
    ),
    "attachment_not_allowed_for_manual": Entry(
        422, "Manual import takes no attachments", "Send the invoice without a document.", "S-27"
    ),
    "docusign_not_allowed": Entry(
        422, "A DocuSign document cannot be imported", "Leave it out, and name it in excluded.", "S-29"
    ),
    "procore_invoice_already_imported": Entry(
        409, "The invoice was imported and is being worked on", "None: the invoice is here, in an older revision.", "S-22"
    ),
    "invoice_edit_not_allowed": Entry(
        403, "Imported invoices are read-only", "Switch on 'Allow edit of imported Procore invoices'.", "S-33"
    ),
    "invoice_not_unprocessed": Entry(409, "The invoice is being worked on", "None: work has begun."),
    "import_behaviour_mismatch": Entry(
        422, "The vault imports in another way", "Send it in the mode of the vault's Import Behavior.", "S-17"
    ),
    "payments_not_enabled": Entry(422, "The vault has no Procore payments", "Connect the vault with Procore.", "S-34"),
    "backfill_job_not_running": Entry(
        422, "The payment job is not configured or stopped", "Configure and start the AP Check to Invoice Backfiller.", "S-35"
    ),
    "invoice_not_from_procore": Entry(409, "The invoice did not come from Procore", "None: it cannot be sent back.", "S-34"),
}


@dataclass
class FieldError:
    """One field that is wrong: JSON pointer, code, sentence."""

    path: str
    code: str
    message: str

    def plain(self) -> dict[str, str]:
        return {"path": self.path, "code": self.code, "message": self.message}


@dataclass
class Refusal(Exception):
    """Raised by a handler; becomes an RFC 9457 answer and leaves nothing changed."""

    code: str
    detail: str
    status: int = 0
    field_errors: list[FieldError] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"

    def http_status(self) -> int:
        return self.status or CATALOGUE[self.code].status

    def plain(self, correlation_id: str) -> dict[str, object]:
        """The problem document (contract B.1, schema Problem)."""
        entry = CATALOGUE[self.code]
        body: dict[str, object] = {
            "type": f"urn:sage-paperless-adapter:problem:{self.code}", "title": entry.title, "status": self.http_status(),
            "detail": self.detail, "code": self.code, "correlation_id": correlation_id,
        }  # fmt: skip
        body |= {name: text for name, text in (("fix_hint", entry.fix_hint), ("requirement", entry.requirement)) if text}
        if self.field_errors:
            body["field_errors"] = [error.plain() for error in self.field_errors]
        return body


def malformed(path: str, message: str, status: int = 0) -> Refusal:
    """One field of the request is wrong: 400 unless told otherwise."""
    error = FieldError(path, "invalid", message)
    return Refusal("validation_failed", f"{path.rsplit('/', 1)[-1] or 'The body'} {message}.", status, [error])
