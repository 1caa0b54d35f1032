"""Tools and features of a project that its people switch off: 403, as the contract says of a disabled tool (Y-05 to Y-08)."""

from typing import TYPE_CHECKING

from simulators.kit.http import BadJson, Request
from simulators.kit.router import Match
from simulators.procore.errors import Refused
from simulators.procore.store import Row

if TYPE_CHECKING:
    from simulators.procore.core import Procore

#: What can be off, and what is said then. The texts are not published.
SAID = {
    "commitments": "The Commitments tool is not active on this project",
    "payments_issued": "The Payments Issued tab is not enabled in this project's Commitments tool",
    "erp_integrations": "The ERP Integrations tool is not configured on this project",
    "export_subcontractor_invoices": "Export Subcontractor Invoices is not enabled in this project's ERP Integrations tool",
}
PAYMENTS = "/rest/v1.0/contract_payments"
#: Of the Commitments tool.
COMMITMENTS = (
    PAYMENTS, "/rest/v1.0/purchase_order_contracts", "/rest/v1.0/work_order_contracts", "/rest/v1.1/requisitions",
    "/rest/v1.0/requisitions",
)  # fmt: skip


def allow(simulator: "Procore", request: Request, match: Match) -> None:
    """Raises 403 when the project that the request names has a tool off that it needs."""
    row = _project(simulator, request, match)
    off = row.get("_tools_off", ()) if row else ()
    needed = (name for name in _needed(request, match.template) if name in off)
    for name in needed:
        raise Refused(403, SAID[name])


def _needed(request: Request, template: str) -> list[str]:
    """A payment that carries an external id is one that the ERP tool brings, for an invoice that it has exported."""
    needed = ["commitments"] if template.startswith(COMMITMENTS) or "commitment_change_orders" in template else []
    if template.startswith(PAYMENTS):
        needed.append("payments_issued")
        fields = _body(request).get("contract_payment")
        if isinstance(fields, dict) and fields.get("origin_id"):
            needed += ["erp_integrations"] + (["export_subcontractor_invoices"] if fields.get("requisition_id") else [])
    return needed


def _project(simulator: "Procore", request: Request, match: Match) -> Row | None:
    named = match.params.get("project_id") or request.q("project_id") or _body(request).get("project_id")
    return simulator.company.find("projects", int(named)) if str(named or "").isdigit() else None


def _body(request: Request) -> Row:
    if request.method not in ("POST", "PATCH"):
        return {}
    try:
        sent = request.json()
    except BadJson:
        return {}  # what is wrong with it is said where it is read
    return sent if isinstance(sent, dict) else {}
