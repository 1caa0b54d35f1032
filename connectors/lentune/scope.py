"""Why an object is not part of the sync with Lentune: stages, boxes, directions, routes. Each reason has its code."""

from objects.budget_code import BudgetCode
from objects.commitment import Commitment, Variation
from objects.invoice import Invoice
from objects.known import Known
from objects.problem import Problem, on_any, on_link, on_settings, on_snapshot
from objects.project import Project
from objects.text import folded
from objects.vendor import Vendor


def standing(known: Known, kind: str, source_id: str) -> str | None:
    """The id of what this object became on the other side, or None while it stands only on its own."""
    link = known.link(kind, source_id)
    return link.remote_id if link else None


def project(obj: Project, known: Known) -> Problem | None:
    """L-01: the stage lets a project in. One that is in stays when its stage moves on."""
    if standing(known, "project", obj.source_id):
        return None
    stages = known.settings.project_stages
    if folded(obj.stage) not in {folded(stage) for stage in stages}:
        values = {"number": obj.number, "name": obj.name, "stage": obj.stage or "none", "stages": ", ".join(stages)}
        return Problem("project_stage_not_allowed", values, (on_settings(),))
    if not obj.active:
        return Problem("project_inactive", {"number": obj.number, "name": obj.name})
    return None


def of_project(project_id: str, known: Known) -> Problem | None:
    """What belongs to a project that is left out is left out with it."""
    found = known.snapshot("procore", "project", project_id)
    if found is None or project(found, known) is None:
        return None
    waits = (on_link("project", project_id), on_snapshot("procore", "project", project_id), on_settings())
    return Problem("project_not_in_sync", {"project": found.number, "name": found.name, "stage": found.stage}, waits)


def vendor(obj: Vendor, known: Known) -> Problem | None:
    """L-35: matched by name and never written, so without an equal name there is nothing to agree on."""
    same = [found for found in known.find("lentune", "vendor", name=obj.name) if found.active]
    waits = (on_any("lentune", "vendor"),)
    if not same:
        return Problem("supplier_not_matched", {"name": obj.name}, waits)
    if len(same) > 1:
        return Problem("supplier_ambiguous", {"name": obj.name, "count": str(len(same))}, waits)
    return None


def budget_code(obj: BudgetCode, known: Known) -> Problem | None:
    """L-14: what stands on the budget appears in Lentune; a code that never stood there does not."""
    if not obj.on_budget and not standing(known, "budget_code", obj.source_id):
        return Problem("budget_code_not_on_budget", {"number": obj.number})
    return of_project(obj.project_id, known)


def commitment(obj: Commitment, known: Known) -> Problem | None:
    """P-08, P-14, L-22: who raises purchase orders, whether subcontracts are pulled; and never our own echo (F57)."""
    back = known.linked_from("commitment", obj.source_id)
    if back is not None and back.source_id.startswith("purchase_order:"):
        return Problem("raised_in_lentune", {"number": obj.number})
    if obj.form == "purchase_order" and known.settings.po_master in ("lentune", "neither"):
        code = "po_master_is_lentune" if known.settings.po_master == "lentune" else "po_sync_disabled"
        return Problem(code, {"number": obj.number}, (on_settings(),))
    if obj.form == "subcontract" and not known.settings.pull_subcontracts:
        return Problem("subcontracts_not_pulled", {"number": obj.number}, (on_settings(),))
    if obj.status in ("void", "terminated") and not standing(known, "commitment", obj.source_id):
        return Problem("commitment_not_live", {"number": obj.number, "status": obj.source_status})
    return of_project(obj.project_id, known)


def variation(obj: Variation, known: Known) -> Problem | None:
    """L-23, and a variation follows its commitment."""
    if not known.settings.pull_variations:
        return Problem("variations_not_pulled", {"number": obj.number}, (on_settings(),))
    parent = known.snapshot("procore", "commitment", obj.commitment_id)
    out = None if parent is None else commitment(parent, known)
    if out is None:
        return of_project(obj.project_id, known)
    values = {"number": obj.number, "commitment": obj.commitment_number}
    waits = (on_link("commitment", obj.commitment_id), on_snapshot("procore", "commitment", obj.commitment_id))
    return Problem("commitment_not_in_sync", values, (*waits, *out.waits_for))


def raised_order(obj: Commitment, known: Known) -> Problem | None:
    """P-07, P-09, P-15: Lentune's own orders go to Procore only while Lentune raises them, once approved."""
    if known.settings.po_master in ("procore", "neither"):
        code = "lentune_orders_not_sent" if known.settings.po_master == "procore" else "po_sync_disabled"
        return Problem(code, {"number": obj.number}, (on_settings(),))
    if obj.status != "approved" and not standing(known, "commitment", obj.source_id):
        return Problem("order_not_approved", {"number": obj.number, "status": obj.source_status})
    return None


def gone(obj: Invoice, known: Known) -> bool:
    """What Lentune says it was posted as was ours, vanished, and a person asked for it anew (F38)."""
    link = known.link("invoice", obj.source_id)
    return link is not None and obj.posted_as in link.gone


def invoice(obj: Invoice, known: Known) -> Problem | None:
    """L-12 (contract B.4 step 1), approval (step 2), and what Lentune says was posted is not posted again (L-13)."""
    route = known.settings.accounting_route
    if obj.overhead and route == "project_via_procore_overhead_direct":
        return Problem("accounting_direct", {"number": obj.number}, (on_settings(),))
    standing_as = standing(known, "invoice", obj.source_id)
    if obj.status != "approved":
        return Problem("invoice_not_approved", {"number": obj.number, "status": obj.status.replace("_", " ")})
    if obj.posting_state == "posted" and not standing_as and not gone(obj, known):
        return Problem("already_posted", {"number": obj.number, "as": obj.posted_as or ""})
    return None
