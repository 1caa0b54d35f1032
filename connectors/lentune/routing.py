"""Where an invoice goes (contract B.4) and what its lines are in Procore, resolved by ids, never by text (L-05)."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from objects.commitment import Commitment, CommitmentLine
from objects.invoice import Invoice, InvoiceLine
from objects.known import Known, Link
from objects.money import total
from objects.project import BillingPeriod

Target = Literal["commitment_invoice", "direct_cost"]


@dataclass(frozen=True, slots=True)
class Coded:
    """An invoice line with the project and code it names, or that its order line lends it. Ids are Lentune's."""

    line: InvoiceLine
    project_id: str
    cost_code_id: str


def order_of(obj: Invoice, known: Known) -> Commitment | None:
    """The invoice's order as last read from Lentune."""
    found: Commitment | None = known.snapshot("lentune", "commitment", obj.order_id) if obj.order_id else None
    return found


def order_link(order_id: str, known: Known) -> Link | None:
    """The order's record: as the copy of a Procore commitment, or as one that was sent there."""
    came = known.linked_from("commitment", order_id)
    return came if came is not None else known.link("commitment", order_id)


def site_commitment(obj: Invoice, known: Known) -> str:
    """Procore's commitment behind the invoice's order, as our source id of it; empty when there is none."""
    if not obj.order_id:
        return ""
    came = known.linked_from("commitment", obj.order_id)
    if came is not None:
        return came.source_id
    sent = known.link("commitment", obj.order_id)
    return (sent.remote_id or "") if sent else ""


def target(obj: Invoice, known: Known) -> tuple[Target, int]:
    """Steps 3 to 5 of B.4; the first two are scope and checks. The step is kept so that people can see why.

    What was posted, or may stand there in part, stays what it was posted as, whatever the boxes say later: anything else
    would book it twice (L-13).
    """
    link = known.link("invoice", obj.source_id)
    posted = (link.data.get("as") or obj.posted_to) if link and (link.remote_id or link.begun) else ""
    wanted, step = _wanted(obj, known)
    if posted in ("commitment_invoice", "direct_cost") and link:
        return ("direct_cost" if posted == "direct_cost" else "commitment_invoice"), int(link.data.get("step") or step)
    return wanted, step


def _wanted(obj: Invoice, known: Known) -> tuple[Target, int]:
    if known.settings.po_master == "neither":
        return "direct_cost", 3
    return ("commitment_invoice", 4) if site_commitment(obj, known) else ("direct_cost", 5)


def coded(obj: Invoice, known: Known) -> list[Coded]:
    """Every line with its project and code."""
    order = order_of(obj, known)
    lent = {line.source_id: line for line in order.lines} if order else {}
    found = []
    for line in obj.lines:
        order_line = lent.get(line.order_line_id or "")
        project_id = line.project_id or (order.project_id if order and order_line else "")
        code_id = line.cost_code_id or (order_line.budget_code_id if order_line else "")
        found.append(Coded(line, project_id, code_id))
    return found


def site_projects(obj: Invoice, known: Known) -> list[str]:
    """Procore's projects the lines belong to, each once; unlinked ones are left out."""
    links = [known.linked_from("project", line.project_id) for line in coded(obj, known) if line.project_id]
    return sorted({link.source_id for link in links if link})


def site_line(obj: Invoice, order_line_id: str, known: Known) -> str:
    """Procore's line of the schedule of values behind a line of Lentune's order; empty when it cannot be told."""
    link = order_link(obj.order_id or "", known)
    left = (link.data.get("lines") or {}) if link else {}
    if order_line_id in left:
        return str(left[order_line_id])
    order = order_of(obj, known)
    if order is None:
        return ""
    position = next((n for n, line in enumerate(order.lines) if line.source_id == order_line_id), None)
    if position is None:
        return ""
    if order.origin_id:
        return order.lines[position].external_id
    return _sent_line(order.lines[position], site_commitment(obj, known), known)


def _sent_line(line: CommitmentLine, commitment_id: str, known: Known) -> str:
    """An order of Lentune's own does not know Procore's lines: they carry the order's key and the line's id (P-07)."""
    sent: Commitment | None = known.snapshot("procore", "commitment", commitment_id)
    found = [one for one in sent.lines if one.external_id == f"{sent.origin_id}-{line.source_id}"] if sent else []
    return found[0].source_id if len(found) == 1 else ""


def period(obj: Invoice, known: Known, project_id: str) -> str:
    """L-24: the open billing period that holds the invoice's date, else the latest open one. Empty: none is open.

    A posted invoice stays in the period it was billed in, whatever opens or closes later.
    """
    link = known.link("invoice", obj.source_id)
    posted = link is not None and link.remote_id is not None
    if link and posted and link.data.get("period_id"):
        return str(link.data["period_id"])
    found: list[BillingPeriod] = known.find("procore", "billing_period", project_id=project_id)
    usable = sorted((p for p in found if posted or p.status == "open"), key=lambda p: (str(p.start), p.source_id))
    holding = [p for p in usable if p.start and p.end and p.start <= obj.date <= p.end]
    chosen = (holding or usable)[-1:]
    return chosen[0].source_id if chosen else ""


def unexplained(obj: Invoice) -> Decimal:
    """What the gross total says beyond the sum of its lines, net and tax."""
    return obj.gross - total(line.net for line in obj.lines) - total(line.tax for line in obj.lines)


def amounts(obj: Invoice) -> list[Decimal]:
    """Net amounts of the lines; a rounding difference that is tolerated lies on the largest (reliability 3.5)."""
    nets = [line.net for line in obj.lines]
    if not nets:
        return nets
    largest = max(range(len(nets)), key=lambda n: (abs(nets[n]), -n))
    nets[largest] += unexplained(obj)
    return nets
