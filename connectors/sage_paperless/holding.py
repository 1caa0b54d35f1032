"""What the vault should hold of an invoice: the import's metadata (contract B.2, C.1), JSON-ready, with its revision."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from connectors.calls import NotUnderstood
from objects import BudgetCode, Commitment, Invoice, Project
from objects.known import Known
from objects.money import text_of
from objects.plain import digest

Held = dict[str, Any]
#: Of a content hash, as the stem of the drop folder carries it (contract C.1).
REVISION = 12


def invoice(obj: Invoice, known: Known, key: str) -> Held:
    """Vendor and commitment go as Procore spells them: whether accounting knows them is found out there (S-28)."""
    settings, commitment = known.settings, commitment_of(obj, known)
    held: Held = {
        "as": "paperless_invoice", "vault_id": settings.vault_id, "number": obj.number, "total": text_of(obj.gross),
        "queue": settings.queue if settings.automated else None, "behavior": settings.import_behavior,
        "metadata": {
            "procore_company_id": known.site_company_id, "procore_project_id": obj.project_id,
            "procore_invoice_id": obj.source_id, "procore_status": "approved",
            "mode": "automated" if settings.automated else "manual", "vendor": obj.supplier_name,
            "commitment_number": commitment.number, "commitment_type": commitment.form, "invoice_number": obj.number,
            "invoice_date": obj.date.isoformat(), "due_date": obj.due_date.isoformat() if obj.due_date else None,
            "description": commitment.name or None, "lines": list(_lines(obj, commitment, known)), "net": text_of(obj.net),
            "tax": text_of(obj.tax), "retainage": text_of(obj.retainage or Decimal(0)), "document": None,
        },
    }  # fmt: skip
    if settings.automated:
        return _with_document(held, obj, known)
    there = _there(obj, known)
    return dict(there) if with_files(there) and _said(there) == _said(held) else _revised(held, [])


def with_files(there: Mapping[str, Any]) -> bool:
    """Whether it was imported with its document: what a person would pick by hand has none."""
    return bool((there.get("metadata") or {}).get("document"))


def takes_files_away(obj: Invoice, known: Known) -> bool:
    """Whether bringing it up to date by Manual Import would leave it without the document it has there."""
    there = _there(obj, known)
    if known.settings.automated or not with_files(there):
        return False
    return not with_files(invoice(obj, known, ""))


def _there(obj: Invoice, known: Known) -> Mapping[str, Any]:
    link = known.link("invoice", obj.source_id)
    return link.data if link and link.remote_id else {}


def _said(held: Mapping[str, Any]) -> Held:
    """What it says whichever way it is imported."""
    bare = _bare(held)
    metadata = {name: value for name, value in bare["metadata"].items() if name != "mode"}
    return {name: value for name, value in bare.items() if name not in ("queue", "behavior")} | {"metadata": metadata}


def commitment_of(obj: Invoice, known: Known) -> Commitment:
    """The invoice's purchase order or subcontract, as last read. Raises NotUnderstood: a check asks for it before."""
    found = known.snapshot("procore", "commitment", obj.order_id or "")
    if not isinstance(found, Commitment):
        raise NotUnderstood("invoice.order_id", f"commitment {obj.order_id} was not read yet")
    return found


def _lines(obj: Invoice, commitment: Commitment, known: Known) -> Iterator[Held]:
    project = known.snapshot("procore", "project", obj.project_id)
    job = project.number if isinstance(project, Project) else ""
    places = {line.source_id: place for place, line in enumerate(commitment.lines, 1)}
    codes = {line.source_id: line.code for line in commitment.lines}
    for line in obj.lines:
        code = known.snapshot("procore", "budget_code", line.cost_code_id or "")
        flat = codes.get(line.order_line_id or "", "")
        place = places.get(line.order_line_id or "")
        yield {
            "procore_line_id": line.source_id, "job": job, "cost_code": cost_code(code, flat),
            "category": (code.cost_type if isinstance(code, BudgetCode) else flat.rpartition(".")[2]) or None,
            "commitment_line": None if place is None else str(place), "description": line.description,
            "amount": text_of(line.net),
        }  # fmt: skip


def cost_code(code: object, flat: str) -> str:
    """The code with its sub job before it, as people know it; from the budget, else from the commitment's line."""
    if isinstance(code, BudgetCode):
        return f"{code.sub_job.number}.{code.number}" if code.sub_job else code.number
    return flat.rpartition(".")[0] or flat


def _with_document(held: Held, obj: Invoice, known: Known) -> Held:
    """Nothing was made yet while only looking ahead: then the invoice is shown without its document.

    What stands there already is not sent again for other bytes of the same files (a newer release may join differently).
    """
    made, data = obj.document, _there(obj, known)
    if made is None or not made.sha256:
        return dict(data) if data and _bare(data) == _bare(held) else _revised(held, [])
    held = _revised(held, [[part.name, part.sha256] for part in made.parts])
    there = data.get("metadata") or {}
    if there.get("procore_revision") == held["metadata"]["procore_revision"] and there.get("document"):
        held["metadata"]["document"] = there["document"]
        return held
    revision = held["metadata"]["procore_revision"]
    held["metadata"]["document"] = {
        "file_name": f"{known.site_company_id}-{obj.source_id}-r{revision}.pdf", "sha256": made.sha256, "pages": made.pages,
        "bytes": made.size,
        "parts": [
            {"name": part.name, "sha256": part.sha256, "bytes": part.size, "pages": part.last_page - part.first_page + 1,
             "source": "attachment", "first_page": part.first_page}
            for part in made.parts
        ],
        "excluded": [{"name": one.name, "reason": one.code} for one in made.left_out],
    }  # fmt: skip
    return held


def _bare(held: Mapping[str, Any]) -> Held:
    """What it says besides its files."""
    metadata = {name: value for name, value in held["metadata"].items() if name not in ("document", "procore_revision")}
    return {**held, "metadata": metadata}


def _revised(held: Held, files: list[list[str]]) -> Held:
    """The same content is the same revision, whoever sends it and whenever."""
    revision = digest([held, files]).hex()[:REVISION]
    return {**held, "metadata": {**held["metadata"], "procore_revision": revision}}
