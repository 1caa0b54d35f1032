"""The refusals Lentune's adapter gives: one table of code, status, title, next step and requirement line."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Entry:
    """What is always the same about one code."""

    status: int
    title: str
    fix_hint: str = ""
    requirement: str = ""


CATALOGUE: dict[str, Entry] = {
    "unauthorized": Entry(401, "Sign-in needed", "Get a new token with the client id and secret."),
    "forbidden": Entry(403, "Not allowed", "Ask an administrator for the scope or setting that allows this."),
    "not_found": Entry(404, "No such record", "Check the id; the record may have been deleted."),
    "validation_failed": Entry(400, "The request is not well formed", "Correct the fields named in field_errors."),
    "idempotency_key_reused": Entry(409, "Idempotency key used before", "Use a new key for a different request."),
    "stale_version": Entry(412, "The record has changed since it was read", "Read it again, then decide again."),
    "rate_limited": Entry(429, "Too many requests", "Wait the seconds named in Retry-After."),
    "unavailable": Entry(503, "Lentune is not available", "Try again later."),
    "both_po_masters_refused": Entry(
        422, "Only one side can raise purchase orders", "Switch one of the two purchase order boxes off.", "P-17"
    ),
    "po_master_is_procore": Entry(
        403, "Procore raises the purchase orders", "Raise the purchase order in Procore.", "P-12"
    ),
    "po_master_is_lentune": Entry(
        403, "Lentune raises the purchase orders", "Raise the purchase order in Lentune, or change the boxes.", "P-08"
    ),
    "po_sync_disabled": Entry(
        403, "Purchase orders are not exchanged", "Tick the Procore purchase order box in the settings.", "P-14"
    ),
    "po_number_not_unique": Entry(
        409, "The number is missing or taken", "Give the commitment a number that is not used in Lentune.", "L-28"
    ),
    "description_missing": Entry(422, "The description is missing", "Give the commitment a title in Procore.", "L-29"),
    "schedule_of_values_empty": Entry(
        422, "There are no lines", "Add at least one line to the schedule of values.", "L-30"
    ),
    "line_description_missing": Entry(422, "A line has no description", "Describe every line in Procore.", "L-32"),
    "line_value_missing": Entry(422, "A line has no value", "Give every line an amount in Procore.", "L-33"),
    "cost_code_not_on_budget": Entry(
        422, "A line's cost code is not on the budget", "Add the cost code to the project's budget.", "L-21"
    ),
    "cost_code_not_synced": Entry(
        422, "A line's cost code has not arrived yet", "None: it is sent again when the code arrives.", "L-31"
    ),
    "cost_code_without_cost_type": Entry(
        422, "A cost code has no cost type", "Give the cost code a cost type.", "L-10"
    ),
    "project_stage_not_allowed": Entry(
        422,
        "The project's stage lets no project in",
        "Move the project on, or allow its stage in the settings.",
        "L-01",
    ),
    "project_unknown": Entry(404, "No such project", "Send the project first."),
    "external_key_taken": Entry(409, "Another record holds this key", "Link or rename the record that holds it."),
    "subcontract_belongs_in_payment_claims": Entry(
        422, "A subcontract is not a purchase order", "Send it to the subcontracts of Payment Claims.", "L-22"
    ),
    "invoice_not_approved": Entry(422, "The invoice is not approved", "Approve the invoice in Lentune."),
    "invoice_project_missing": Entry(422, "The invoice has no project", "Choose a project.", "L-08"),
    "invoice_cost_code_missing": Entry(
        422, "The invoice has no cost code", "Choose a cost code on every line.", "L-09"
    ),
    "invoice_already_posted": Entry(409, "The invoice is posted already", "None: it is in Procore.", "L-13"),
    "supplier_ambiguous": Entry(409, "Two suppliers have this name", "Rename or merge one of them in Lentune.", "L-35"),
}

WARNINGS: dict[str, tuple[str, str]] = {
    "supplier_blank": ("No supplier is called '{name}'; the supplier was left blank.", "L-34"),
    "branch_unmatched": ("No branch is called '{name}'; the branch was left blank.", "L-37"),
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
            "type": f"urn:lentune-adapter:problem:{self.code}",
            "title": entry.title,
            "status": self.http_status(),
            "detail": self.detail,
            "code": self.code,
            "correlation_id": correlation_id,
        }
        if entry.fix_hint:
            body["fix_hint"] = entry.fix_hint
        if entry.requirement:
            body["requirement"] = entry.requirement
        if self.field_errors:
            body["field_errors"] = [error.plain() for error in self.field_errors]
        return body


def warning(code: str, name: str) -> dict[str, str]:
    """One entry of a record's warnings[]: accepted, but a person should look."""
    message, requirement = WARNINGS[code]
    return {"code": code, "message": message.format(name=name), "requirement": requirement}
