"""What must be true before something of Lentune's goes to Procore: its invoices, and the orders raised there."""

from collections.abc import Callable
from decimal import Decimal

from connectors.flow import Check
from connectors.lentune import routing
from connectors.lentune.scope import gone, standing
from objects.budget_code import BudgetCode
from objects.commitment import Commitment
from objects.invoice import Invoice
from objects.known import Known
from objects.money import text_of, total
from objects.problem import Problem, on_any, on_link, on_remote, on_settings, on_snapshot
from objects.vendor import Vendor

ZERO = Decimal("0.00")


def named(obj: Invoice | Commitment, **values: str) -> dict[str, str]:
    """Values every sentence may use."""
    return {"number": obj.number, **values}


def one_po_master(obj: Invoice | Commitment, known: Known) -> Problem | None:
    """P-17: with both boxes on nothing is sent."""
    if known.settings.po_master != "refused":
        return None
    return Problem("both_po_masters_refused", named(obj), (on_settings(),))


def order_read(obj: Invoice, known: Known) -> Problem | None:
    """Which way an invoice goes depends on its order, so the order must have been read."""
    if not obj.order_id or known.settings.po_master == "neither" or routing.site_commitment(obj, known):
        return None
    order = routing.order_of(obj, known)
    if order is None:
        return Problem("order_not_read", named(obj), (on_snapshot("lentune", "commitment", obj.order_id),))
    raised_here = known.settings.po_master == "lentune" and order.form == "purchase_order" and not order.origin_id
    if raised_here or order.origin_id:
        waits = (on_link("commitment", obj.order_id), on_remote("commitment", obj.order_id))
        return Problem("order_not_in_procore", named(obj, order=order.number), waits)
    return None


def project_given(obj: Invoice, known: Known) -> Problem | None:
    lines = _places(obj, known, lambda line: not line.project_id)
    return Problem("invoice_project_missing", named(obj, lines=lines)) if lines else None


def project_in_procore(obj: Invoice, known: Known) -> Problem | None:
    """L-27; heals when the invoice names another project, or its project is linked."""
    named_ids = {line.project_id for line in routing.coded(obj, known) if line.project_id}
    lost = sorted(p for p in named_ids if known.linked_from("project", p) is None)
    if not lost:
        return None
    known_here = [known.snapshot("lentune", "project", p) for p in lost]
    names = ", ".join(found.number if found else p for p, found in zip(lost, known_here, strict=True))
    waits = tuple(on_remote("project", p) for p in lost)
    return Problem("no_procore_company_or_project", named(obj, project=names), waits)


def one_project(obj: Invoice, known: Known) -> Problem | None:
    """Procore's direct costs and invoices belong to one project each."""
    projects = routing.site_projects(obj, known)
    return Problem("invoice_spans_projects", named(obj, count=str(len(projects)))) if len(projects) > 1 else None


def cost_code_given(obj: Invoice, known: Known) -> Problem | None:
    """Asked of lines that have a project: codes are chosen from one."""
    lines = _places(obj, known, lambda line: bool(line.project_id) and not line.cost_code_id)
    return Problem("invoice_cost_code_missing", named(obj, lines=lines)) if lines else None


def cost_type_given(obj: Invoice, known: Known) -> Problem | None:
    used = {line.cost_code_id for line in routing.coded(obj, known) if line.cost_code_id}
    lost = {code for code in used if _cost_type(code, known) == ""}
    if not lost:
        return None
    codes = ", ".join(sorted(_code_name(code, known) for code in lost))
    return Problem("cost_code_without_cost_type", named(obj, codes=codes), _seen_codes(lost))


def cost_code_in_procore(obj: Invoice, known: Known) -> Problem | None:
    """L-05: a cost goes back to the budget code that its code came from; a code made in Lentune has none."""
    local = {
        c.cost_code_id for c in routing.coded(obj, known)
        if c.cost_code_id and c.project_id and known.linked_from("project", c.project_id) is not None
        and known.linked_from("budget_code", c.cost_code_id) is None and _cost_type(c.cost_code_id, known) != ""
    }
    unread = {code for code in local if known.snapshot("lentune", "budget_code", code) is None}
    if unread:
        return Problem("cost_code_not_read", named(obj), _seen_codes(unread))
    if local:
        codes = ", ".join(sorted(_code_name(code, known) for code in local))
        waits = (*_seen_codes(local), *(on_remote("budget_code", code) for code in sorted(local)))
        return Problem("cost_code_not_in_procore", named(obj, codes=codes), waits)
    return None


def allocated(obj: Invoice, known: Known) -> Problem | None:
    """F11: an invoice with an order has its whole value on the order's lines."""
    if not _to_commitment(obj, known):
        return None
    loose = [line for line in obj.lines if not line.order_line_id]
    if not loose:
        return None
    return Problem("allocation_not_complete", named(obj, amount=text_of(total(line.net for line in loose))))


def order_lines_in_procore(obj: Invoice, known: Known) -> Problem | None:
    """Each allocated line's order line is known by its id in Procore."""
    if not _to_commitment(obj, known):
        return None
    asked = [line.order_line_id for line in obj.lines if line.order_line_id]
    if all(routing.site_line(obj, line, known) for line in asked):
        return None
    waits = (on_snapshot("lentune", "commitment", obj.order_id or ""),
             on_snapshot("procore", "commitment", routing.site_commitment(obj, known)))
    return Problem("order_line_not_matched", named(obj), waits)


def commitment_approved(obj: Invoice, known: Known) -> Problem | None:
    """L-26. What was billed already is not asked again."""
    if not _to_commitment(obj, known) or standing(known, "invoice", obj.source_id):
        return None
    commitment_id = routing.site_commitment(obj, known)
    found: Commitment | None = known.snapshot("procore", "commitment", commitment_id)
    if found is None or found.status == "approved":
        return None
    values = named(obj, commitment=found.number, status=found.source_status)
    return Problem("commitment_not_approved", values, (on_snapshot("procore", "commitment", commitment_id),))


def period_open(obj: Invoice, known: Known) -> Problem | None:
    """L-24. What was billed already stays in its period."""
    projects = routing.site_projects(obj, known)
    if not _to_commitment(obj, known) or standing(known, "invoice", obj.source_id) or len(projects) != 1:
        return None
    if routing.period(obj, known, projects[0]):
        return None
    found = known.snapshot("procore", "project", projects[0])
    values = named(obj, project=found.number if found else projects[0])
    return Problem("no_open_billing_period", values, (on_any("procore", "billing_period", projects[0]),))


def sums_agree(obj: Invoice, known: Known) -> Problem | None:
    """Header and lines agree but for what the rounding tolerance allows (F10)."""
    nets, taxes = total(line.net for line in obj.lines), total(line.tax for line in obj.lines)
    apart = [obj.gross - nets - taxes, obj.net - nets, obj.tax - taxes]
    if all(abs(one) <= known.settings.rounding_tolerance for one in apart):
        return None
    return Problem("amount_mismatch", named(obj, header=text_of(obj.gross), lines=text_of(nets + taxes)))


def named_by_lentune(obj: Invoice, known: Known) -> Problem | None:
    """A warning: what vanished in Procore was written anew, and Lentune takes no second posting result (B.2)."""
    now = standing(known, "invoice", obj.source_id)
    if obj.posting_state != "posted" or obj.posted_as in (None, "", now) or not (now or gone(obj, known)):
        return None
    return Problem("lentune_names_earlier", named(obj, earlier=str(obj.posted_as)))


def one_currency(obj: Invoice, known: Known) -> Problem | None:
    """An invoice names no currency (B.2). Against an order in another one its amounts would be booked as that one's."""
    site = known.snapshot("procore", "commitment", routing.site_commitment(obj, known)) if obj.order_id else None
    orders: list[Commitment] = [order for order in (routing.order_of(obj, known), site) if order is not None]
    other = next((order for order in orders if order.currency and order.currency != obj.currency), None)
    if other is None:
        return None
    waits = (on_snapshot("lentune", "commitment", obj.order_id or ""),)
    values = named(obj, order=other.number, currency=other.currency, counted=obj.currency)
    return Problem("invoice_currency_unclear", values, waits)


def rounding(obj: Invoice, known: Known) -> Problem | None:
    """A tolerated difference is put on the largest line, and said."""
    residual = routing.unexplained(obj)
    if residual == ZERO or abs(residual) > known.settings.rounding_tolerance:
        return None
    return Problem("rounding_applied", named(obj, amount=text_of(residual)))


def supplier_name(obj: Invoice, known: Known) -> str:
    """The supplier's name as last read; empty while it was not."""
    found: Vendor | None = known.snapshot("lentune", "vendor", obj.supplier_id)
    return found.name if found else obj.supplier_name


def site_vendor(supplier_id: str, name: str, known: Known) -> str | None:
    """Procore's vendor: the one matched with this supplier, else the one active vendor of equal name (L-35)."""
    link = known.linked_from("vendor", supplier_id) if supplier_id else None
    if link is not None:
        return link.source_id
    same = [found.source_id for found in known.find("procore", "vendor", name=name) if found.active] if name else []
    return same[0] if len(same) == 1 else None


def vendor_known(obj: Invoice, known: Known) -> Problem | None:
    """F4: a vendor that Procore lacks is created there with a warning, or awaited, as the settings say."""
    if _to_commitment(obj, known):
        return None
    name = supplier_name(obj, known)
    if not name:
        return Problem("supplier_not_read", named(obj), (on_snapshot("lentune", "vendor", obj.supplier_id),))
    if known.settings.unknown_vendor_on_invoice == "create" or site_vendor(obj.supplier_id, name, known):
        return None
    waits = (on_any("procore", "vendor"), on_settings())
    return Problem("vendor_not_in_procore", named(obj, supplier=name), waits)


def entered_once(obj: Invoice, known: Known) -> Problem | None:
    """L-13: the same supplier's same number entered a second time is a mistake, not a second invoice."""
    if standing(known, "invoice", obj.source_id):
        return None
    for other in known.others_numbered("invoice", obj.number, obj.source_id):
        twin: Invoice | None = known.snapshot("lentune", "invoice", other)
        if twin is None or twin.supplier_id != obj.supplier_id or twin.status in ("rejected", "on_hold"):
            continue
        if standing(known, "invoice", other) or other < obj.source_id:
            return Problem("invoice_entered_twice", named(obj), (on_snapshot("lentune", "invoice", other),))
    return None


def order_project_in_procore(obj: Commitment, known: Known) -> Problem | None:
    if known.linked_from("project", obj.project_id) is not None:
        return None
    found = known.snapshot("lentune", "project", obj.project_id)
    values = named(obj, project=found.number if found else obj.project_id)
    return Problem("order_project_not_in_procore", values, (on_remote("project", obj.project_id),))


def order_codes_in_procore(obj: Commitment, known: Known) -> Problem | None:
    local = {line.budget_code_id for line in obj.lines if known.linked_from("budget_code", line.budget_code_id) is None}
    if not local or known.linked_from("project", obj.project_id) is None:
        return None
    codes = ", ".join(sorted(_code_name(code, known) for code in local))
    waits = tuple(on_remote("budget_code", code) for code in sorted(local))
    return Problem("cost_code_not_in_procore", named(obj, codes=codes), waits)


def order_vendor_known(obj: Commitment, known: Known) -> Problem | None:
    """A warning: the order arrives without a vendor and a user completes it."""
    found: Vendor | None = known.snapshot("lentune", "vendor", obj.vendor_id) if obj.vendor_id else None
    if found is not None and site_vendor(found.source_id, found.name, known):
        return None
    waits = (on_any("procore", "vendor"), on_any("lentune", "vendor"))
    return Problem("order_vendor_blank", named(obj, supplier=found.name if found else "none"), waits)


def _to_commitment(obj: Invoice, known: Known) -> bool:
    return routing.target(obj, known)[0] == "commitment_invoice"


def _places(obj: Invoice, known: Known, wrong: Callable[[routing.Coded], bool]) -> str:
    return ", ".join(str(n) for n, line in enumerate(routing.coded(obj, known), 1) if wrong(line))


def _cost_type(code_id: str, known: Known) -> str | None:
    """The cost type of one of Lentune's codes; empty when it has none, None when nothing is known of the code."""
    here: BudgetCode | None = known.snapshot("lentune", "budget_code", code_id)
    if here is not None:
        return here.cost_type_id
    link = known.linked_from("budget_code", code_id)
    there: BudgetCode | None = known.snapshot("procore", "budget_code", link.source_id) if link else None
    return there.cost_type_id if there else None


def _code_name(code_id: str, known: Known) -> str:
    found: BudgetCode | None = known.snapshot("lentune", "budget_code", code_id)
    return found.number if found else code_id


def _seen_codes(codes: set[str]) -> tuple[str, ...]:
    return tuple(on_snapshot("lentune", "budget_code", code) for code in sorted(codes))


INVOICE = (
    Check("one side raises purchase orders", "L-17 P-17", one_po_master),
    Check("its order was read", "L-18", order_read),
    Check("a project on every line", "L-08", project_given),
    Check("its project is in Procore", "L-27 L-08", project_in_procore),
    Check("one project", "L-08", one_project),
    Check("a cost code on every line", "L-09", cost_code_given),
    Check("every cost code has a cost type", "L-10", cost_type_given),
    Check("every cost code came from Procore", "L-05", cost_code_in_procore),
    Check("allocated to its order in full", "L-18", allocated),
    Check("its order's lines are in Procore", "L-18", order_lines_in_procore),
    Check("the commitment is approved", "L-26", commitment_approved),
    Check("a billing period is open", "L-24", period_open),
    Check("its order is in the same currency", "L-13", one_currency),
    Check("header and lines agree", "L-13", sums_agree),
    Check("no rounding difference", "L-13", rounding),
    Check("vendor is in Procore", "L-19", vendor_known),
    Check("entered once", "L-13", entered_once),
    Check("Lentune names the same document", "L-13", named_by_lentune),
)
ORDER = (
    Check("one side raises purchase orders", "L-17 P-17", one_po_master),
    Check("its project is in Procore", "P-07", order_project_in_procore),
    Check("every cost code came from Procore", "P-07", order_codes_in_procore),
    Check("vendor is in Procore", "P-07", order_vendor_known),
)
