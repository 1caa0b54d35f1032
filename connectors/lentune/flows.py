"""What moves between Procore and Lentune: each kind's direction, rules, form and protection."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from connectors.flow import Connector, Flow, Need
from connectors.lentune import checks, holding, posting_checks, reporting, routing, scope
from connectors.lentune.client import connect
from connectors.lentune.counting import ANCHORED, COUNTS
from connectors.lentune.mirror import read_settings, save_settings
from connectors.lentune.reading import READERS
from connectors.lentune.standing import SIGHTINGS
from connectors.lentune.webhooks import doorbell, subscribe
from connectors.lentune.writing import PLANS
from connectors.signed import event_id, verify
from objects import BudgetCode, Commitment, Invoice, Object, Project, Variation, Vendor
from objects.known import Known
from objects.money import total
from objects.problem import Problem, on_any, on_link, on_settings, on_snapshot
from settings.lentune import LentuneSettings


def link(kind: str, source_id: str) -> Need:
    return Need("link", kind, source_id)


def seen(system: str, kind: str, source_id: str) -> Need:
    return Need("snapshot", kind, source_id, system)


def of_project(kind: str, obj: Object) -> Iterator[Need]:
    yield link(kind, obj.source_id)
    yield link("project", obj.project_id)
    yield seen("procore", "project", obj.project_id)


def needs_project(obj: Project) -> Iterator[Need]:
    yield link("project", obj.source_id)
    yield Need("numbered", "project", obj.number)
    yield Need("find_name", "branch", obj.region, "lentune")


def needs_vendor(obj: Vendor) -> Iterator[Need]:
    yield Need("find_name", "vendor", obj.name, "lentune")


def needs_budget_code(obj: BudgetCode) -> Iterator[Need]:
    yield from of_project("budget_code", obj)
    yield link("cost_type", obj.cost_type_id)


def needs_commitment(obj: Commitment) -> Iterator[Need]:
    yield from of_project("commitment", obj)
    yield from line_needs(obj)
    yield Need("linked_from", "commitment", obj.source_id)
    yield Need("numbered", "commitment", obj.number)
    yield Need("find_name", "vendor", obj.vendor_name, "lentune")


def needs_variation(obj: Variation) -> Iterator[Need]:
    yield from of_project("variation", obj)
    yield from line_needs(obj)
    yield link("commitment", obj.commitment_id)
    yield seen("procore", "commitment", obj.commitment_id)
    yield Need("linked_from", "commitment", obj.commitment_id)


def line_needs(obj: Commitment | Variation) -> Iterator[Need]:
    for line in obj.lines:
        yield link("budget_code", line.budget_code_id)
        yield seen("procore", "budget_code", line.budget_code_id)


def needs_invoice(obj: Invoice) -> Iterator[Need]:
    yield link("invoice", obj.source_id)
    yield Need("numbered", "invoice", obj.number)
    yield seen("lentune", "vendor", obj.supplier_id)
    yield Need("linked_from", "vendor", obj.supplier_id)
    for line in obj.lines:
        yield Need("linked_from", "project", line.project_id or "")
        yield Need("linked_from", "budget_code", line.cost_code_id or "")
        yield seen("lentune", "budget_code", line.cost_code_id or "")
    if obj.order_id:
        yield Need("linked_from", "commitment", obj.order_id)
        yield link("commitment", obj.order_id)
        yield seen("lentune", "commitment", obj.order_id)


def needs_order(obj: Commitment) -> Iterator[Need]:
    yield link("commitment", obj.source_id)
    yield Need("linked_from", "project", obj.project_id)
    yield seen("lentune", "vendor", obj.vendor_id)
    for line in obj.lines:
        yield Need("linked_from", "budget_code", line.budget_code_id)


def explain_intake(problem: Problem, obj: Any, known: Known) -> Problem:
    """Adds what a refusal of Lentune's waits for, so that it clears by itself when our view was only late."""
    budget_codes = [line.budget_code_id for line in getattr(obj, "lines", ())]
    if isinstance(obj, Variation):
        problem = replace(problem, values={**problem.values, "commitment": obj.commitment_number})
    waits = {
        "project_not_synced": [on_link("project", obj.project_id)],
        "commitment_not_synced": [on_link("commitment", getattr(obj, "commitment_id", ""))],
        "project_stage_not_allowed": [on_settings()],
        "po_master_is_lentune": [on_settings()], "po_sync_disabled": [on_settings()],
        "both_po_masters_refused": [on_settings()], "permission_missing": [on_settings()],
        "cost_code_not_on_budget": [on_any("procore", "budget_code", obj.project_id)],
        "cost_code_not_synced": [on_link("budget_code", code) for code in budget_codes],
        "po_number_not_unique": [on_any("lentune", "commitment")],
        "lentune_key_taken": [on_any("lentune", "project"), on_any("lentune", "budget_code")],
    }
    return _waiting(problem, waits.get(problem.code, ()))


def explain_posting(problem: Problem, obj: Invoice, known: Known) -> Problem:
    """Procore names only what it minds; here the sentence gets its names, and what would clear it."""
    if problem.code != "over_billing":
        return problem
    commitment_id = routing.site_commitment(obj, known)
    found = known.snapshot("procore", "commitment", commitment_id)
    projects = routing.site_projects(obj, known)
    values = {**problem.values, "number": obj.number, "commitment": found.number if found else commitment_id}
    waits = [on_snapshot("procore", "commitment", commitment_id)]
    waits += [on_snapshot("procore", "project", project) for project in projects]
    return _waiting(Problem(problem.code, values, problem.waits_for), waits)


def _waiting(problem: Problem, more: Any) -> Problem:
    return Problem(problem.code, problem.values, tuple(dict.fromkeys((*problem.waits_for, *more))))


def from_procore(kind: str, **parts: Any) -> Flow:
    """Written to Lentune by an upsert that its server keeps single."""
    return Flow(kind, "from_procore", "procore", "lentune", protected_by="server_key", **{"explain": explain_intake, **parts})


FLOWS = (
    from_procore("project", checks=checks.PROJECT, hold=holding.project, scope=scope.project, needs=needs_project),
    from_procore("cost_type", checks=checks.COST_TYPE, hold=holding.cost_type),
    from_procore("cost_code", checks=checks.COST_CODE, hold=holding.cost_code),
    from_procore("vendor", checks=(), hold=holding.vendor, scope=scope.vendor, needs=needs_vendor),
    from_procore("budget_code", checks=checks.BUDGET_CODE, hold=holding.budget_code, scope=scope.budget_code,
                 needs=needs_budget_code),
    from_procore("commitment", checks=checks.COMMITMENT, hold=holding.commitment, scope=scope.commitment,
                 needs=needs_commitment),
    from_procore("variation", checks=checks.VARIATION, hold=holding.variation, scope=scope.variation,
                 needs=needs_variation),
    Flow(
        "commitment", "to_procore", "lentune", "procore", checks=posting_checks.ORDER, hold=holding.raised_order,
        protected_by="server_key", takes=lambda obj: obj.form == "purchase_order" and not obj.origin_id,
        scope=scope.raised_order, needs=needs_order, report=reporting.link_order,
    ),
    Flow(
        "invoice", "to_procore", "lentune", "procore", checks=posting_checks.INVOICE, hold=holding.invoice,
        protected_by="look_first", scope=scope.invoice, needs=needs_invoice, claim=reporting.claim,
        report=reporting.posting_result, explain=explain_posting,
        compared=lambda obj: total(routing.amounts(obj)), pushed=lambda settings: settings.auto_push_invoices,
    ),
)

LABELS: Mapping[str, str] = {name: str(field.title) for name, field in LentuneSettings.model_fields.items()}

CONNECTOR = Connector(
    system="lentune",
    connect=connect,
    readers=READERS,
    plans=PLANS,
    doorbell=doorbell,
    verify=verify,
    event_id=event_id,
    subscribe=subscribe,
    settings=LentuneSettings,
    flows=FLOWS,
    # what invoices and orders are judged by comes before them
    scans=("branch", "vendor", "project", "budget_code", "commitment", "invoice"),
    read_settings=read_settings,
    save_settings=save_settings,
    counts=COUNTS,
    anchored=ANCHORED,
    sightings=SIGHTINGS,
    labels=LABELS,
)
