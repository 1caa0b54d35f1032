"""The rules for an invoice on its way into the vault: what it must have here, and what became of it there."""

from collections.abc import Callable
from decimal import Decimal

from connectors.flow import Check
from connectors.sage_paperless.holding import takes_files_away
from objects import Commitment, Invoice, Project
from objects.document import LeftOut
from objects.known import Known
from objects.money import text_of, total
from objects.problem import Problem, on_settings, on_snapshot

#: Reasons for which a file is not part of the document and nothing is sent; those linked with DocuSign stay out by rule.
FILE_CODES = (
    "attachment_empty", "attachment_unreadable", "attachment_password_protected", "attachment_gone",
    "attachment_not_what_it_says", "type_not_convertible", "converter_missing",
    "attachment_holds_files", "picture_too_large",
)  # fmt: skip
#: The vault's words for a decision of people there that somebody here should see.
DECIDED = {"rejected": "paperless_rejected_there", "void": "paperless_void_there"}


def standing(obj: Invoice, known: Known) -> str:
    """The id of what it became in the vault, or an empty text."""
    link = known.link("invoice", obj.source_id)
    return (link.remote_id or "") if link else ""


def changed(obj: Invoice) -> tuple[str, ...]:
    """What clears a problem of the invoice itself."""
    return (on_snapshot("procore", "invoice", obj.source_id),)


# scope


def scope(obj: Invoice, known: Known) -> Problem | None:
    """One route (C-12), and approved ones only, for manual and automatic import alike (S-04)."""
    if known.settings.invoice_route != "sage_paperless":
        return Problem("invoice_route_elsewhere", {"number": obj.number}, (on_settings(),))
    if obj.status != "approved" and not standing(obj, known):
        return Problem("procore_status_not_approved", {"number": obj.number, "status": _word(obj.status)}, changed(obj))
    return None


def _word(status: str) -> str:
    return status.replace("_", " ")


# checks


def still_approved(obj: Invoice, known: Known) -> Problem | None:
    if obj.status == "approved":
        return None
    values = {"number": obj.number, "status": _word(obj.status), "there": standing(obj, known)}
    return Problem("approval_taken_back", values, changed(obj))


def has_attachment(obj: Invoice, known: Known) -> Problem | None:
    """S-20, S-25: automated import needs at least one file that can be reached."""
    if not known.settings.automated or any(file.reachable for file in obj.attachments):
        return None
    signed = ", ".join(file.name for file in obj.attachments)
    return Problem("attachment_required", {"number": obj.number, "signed": signed or "none"}, changed(obj))


def files_usable(code: str) -> Callable[[Invoice, Known], Problem | None]:
    """One check per reason; its sentence names every file."""

    def check(obj: Invoice, known: Known) -> Problem | None:
        found = [one for one in (obj.document.left_out if obj.document else ()) if one.code == code]
        if not found:
            return None
        return Problem(code, {"number": obj.number, "files": _named(found), "reason": found[0].reason}, changed(obj))

    return check


def _named(found: list[LeftOut]) -> str:
    return ", ".join(one.name for one in found)


def left_out(obj: Invoice, known: Known) -> Problem | None:
    """S-29: what was signed with DocuSign cannot be reached; it is listed, and stays out."""
    signed = [file.name for file in obj.attachments if not file.reachable]
    if not signed or not known.settings.automated:
        return None
    return Problem("docusign_left_out", {"number": obj.number, "files": ", ".join(signed)}, changed(obj))


def commitment_read(obj: Invoice, known: Known) -> Problem | None:
    found = known.snapshot("procore", "commitment", obj.order_id or "")
    if isinstance(found, Commitment):
        return None
    waits = (on_snapshot("procore", "commitment", obj.order_id or ""), *changed(obj))
    return Problem("invoice_commitment_not_read", {"number": obj.number, "order": obj.order_id or ""}, waits)


def project_read(obj: Invoice, known: Known) -> Problem | None:
    if isinstance(known.snapshot("procore", "project", obj.project_id), Project):
        return None
    waits = (on_snapshot("procore", "project", obj.project_id), *changed(obj))
    return Problem("invoice_project_not_read", {"number": obj.number, "project": obj.project_id}, waits)


def adds_up(obj: Invoice, known: Known) -> Problem | None:
    """C.2: lines and tax make the total, to the cent, else nothing is written."""
    lines = total(line.net for line in obj.lines)
    if lines == obj.net and obj.net + obj.tax == obj.gross:
        return None
    values = {"number": obj.number, "lines": text_of(lines), "total": text_of(obj.gross)}
    return Problem("invoice_does_not_add_up", values, changed(obj))


def claim_agrees(obj: Invoice, known: Known) -> Problem | None:
    """The total is the sum of the lines that were read: only Procore's own total tells that none is missing or empty."""
    if obj.claimed is None or obj.claimed == obj.net:
        return None
    values = {"number": obj.number, "lines": text_of(obj.net), "claimed": text_of(obj.claimed)}
    return Problem("invoice_claim_differs", values, changed(obj))


def due_agrees(obj: Invoice, known: Known) -> Problem | None:
    """The total less what is held back is what Procore says is due; whether it counts the tax in is not published."""
    ours = obj.gross - (obj.retainage or Decimal(0))
    if obj.due is None or obj.due in (ours, ours - obj.tax):
        return None
    values = {"number": obj.number, "ours": text_of(ours), "retainage": text_of(obj.retainage or Decimal(0)),
              "due": text_of(obj.due)}  # fmt: skip
    return Problem("invoice_due_differs", values, changed(obj))


def currency(obj: Invoice, known: Known) -> Problem | None:
    if obj.currency == known.settings.currency:
        return None
    values = {"number": obj.number, "theirs": obj.currency, "ours": known.settings.currency}
    return Problem("invoice_currency_differs", values, (on_settings(), *changed(obj)))


def keeps_its_files(obj: Invoice, known: Known) -> Problem | None:
    """The setting became Manual Import after it was imported: a newer revision would go without the files (S-27)."""
    there = standing(obj, known)
    if not there or commitment_read(obj, known) is not None or not takes_files_away(obj, known):
        return None
    return Problem("imported_with_its_files", {"number": obj.number, "there": there}, (on_settings(), *changed(obj)))


def became(obj: Invoice, known: Known) -> Problem | None:
    """What the vault says of it now: in the queue with a reason, rejected, void. Nothing waits for this."""
    there = standing(obj, known)
    found = known.snapshot("sage_paperless", "invoice", there) if there else None
    if not isinstance(found, Invoice):
        return None
    values = {"number": obj.number, "there": there, "reason": found.supplier_name, "status": _word(found.status)}
    waits = (on_snapshot("sage_paperless", "invoice", there),)
    if found.status in DECIDED:
        return Problem(DECIDED[found.status], values, waits)
    if found.supplier_name and found.status in ("unprocessed", "incomplete", "pending"):
        return Problem("paperless_validation_failed", values, waits)
    if found.posting_state == "queue:reviewer_missing":
        return Problem("paperless_reviewer_missing", values, waits)
    return None


def watched(obj: Invoice, known: Known) -> Problem | None:
    """Where it is there. Information: it makes the record be looked at again when that changes."""
    there = standing(obj, known)
    if not there:
        return None
    found = known.snapshot("sage_paperless", "invoice", there)
    status = found.status if isinstance(found, Invoice) else "not read yet"
    place = found.posting_state.partition(":")[0] if isinstance(found, Invoice) else "not read yet"
    values = {"number": obj.number, "there": there, "status": _word(status), "place": _word(place)}
    return Problem("paperless_status", values, (on_snapshot("sage_paperless", "invoice", there),))


INVOICE = (
    Check("still approved", "S-04", still_approved),
    Check("has an attachment", "S-20", has_attachment),
    *(Check(code.replace("_", " "), "S-21", files_usable(code)) for code in FILE_CODES),
    Check("DocuSign left out", "S-29", left_out),
    Check("commitment read", "S-28", commitment_read),
    Check("project read", "S-28", project_read),
    Check("adds up", "S-28", adds_up),
    Check("claim agrees", "S-28", claim_agrees),
    Check("payment due agrees", "S-28", due_agrees),
    Check("currency", "S-28", currency),
    Check("keeps its files", "S-27", keeps_its_files),
    Check("became", "S-24", became),
    Check("status there", "S-19", watched),
)
