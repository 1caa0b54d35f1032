"""One route for invoices and one writer of payments per company (C-12): two would bring the same money twice."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from connectors.registry import all_connectors
from models import text
from sync.names import system_word
from sync.refusal import Refused


@dataclass(frozen=True, slots=True)
class Crossing:
    """Two ways for one kind of money. `ways` are in words."""

    code: str
    ways: tuple[str, ...]
    said: str
    fix: str


def unless_two(db: Connection, company_id: int, system: str, settings: Mapping[str, Any]) -> None:
    """Raises Refused when these settings of this system would make a second way beside what is connected already.

    What the other system's own switch says is left out: saving settings sets it.
    """
    stored = _stored(db)
    wanted = {**stored.get(system, {}), **settings, "product_writes_payments": False}
    known = {name for name in wanted if name in all_connectors()[system].settings.model_fields}
    for crossing in crossings({**stored, system: {name: wanted[name] for name in known}}):
        raise Refused(crossing.code, crossing.said, crossing.fix)


def of_company(db: Connection) -> list[Crossing]:
    """As everything is set now, with what Procore's own ERP integration was seen to export."""
    stored = _stored(db)
    return [*crossings(stored), *_erp(db, stored)]


def crossings(stored: Mapping[str, Mapping[str, Any]]) -> list[Crossing]:
    """Of these connections: system -> settings as stored."""
    models = dict(_models(stored))
    routes = [f"{system_word(system)} (Route of invoices)" for system, model in models.items() if _routes(system, model)]
    writers = [way for system, model in models.items() for way in _writers(system, model)]
    found = []
    if len(routes) > 1:
        said = f"Procore's subcontractor invoices would reach accounting by {_and(routes)}: each would be entered twice (C-12)"
        fix = "Keep one route: set 'Route of invoices' of the others to elsewhere, or switch them off."
        found.append(Crossing("two_invoice_routes", tuple(routes), said, fix))
    if len(writers) > 1:
        said = f"Payments would be written to Procore by {_and(writers)}: each would stand there twice (C-12)"
        fix = "Keep one writer: choose it under 'Who writes payments', and switch the other off."
        found.append(Crossing("two_payment_writers", tuple(writers), said, fix))
    return found


def _routes(system: str, settings: Any) -> bool:
    flows = all_connectors()[system].flows
    brings = any(flow.kind == "invoice" and flow.direction == "from_procore" for flow in flows)
    return brings and getattr(settings, "invoice_route", system) == system


def _writers(system: str, settings: Any) -> Iterator[str]:
    """Sitebooks counts once for each system whose payments it writes; the system itself counts by its own switch."""
    name = system_word(system)
    by_us = any(flow.kind == "payment" and flow.direction == "to_procore" for flow in all_connectors()[system].flows)
    asked, writer = getattr(settings, "create_payments_in_procore", by_us), getattr(settings, "payment_writer", "sitebooks")
    if asked and writer == "sitebooks":
        yield f"Sitebooks (from {name})"
    if getattr(settings, "product_writes_payments", False) or (asked and writer == "product"):
        yield f"{name} itself"


def _models(stored: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Settings that cannot stand bring nothing anywhere, and are told of elsewhere."""
    for system, values in stored.items():
        try:
            yield system, all_connectors()[system].settings.model_validate(values)
        except ValueError:
            continue


def _stored(db: Connection) -> dict[str, dict[str, Any]]:
    rows = db.execute(text("SELECT system, settings FROM connection WHERE enabled ORDER BY id"))
    return {row.system: row.settings for row in rows if row.system in all_connectors()}


def _erp(db: Connection, stored: Mapping[str, Mapping[str, Any]]) -> list[Crossing]:
    """Procore's own ERP integration is a route too: what it took is seen on the invoices (S-07)."""
    ours = [system_word(system) for system, model in _models(stored) if _routes(system, model)]
    numbers = list(db.scalars(text("""
        SELECT s.number FROM snapshot s JOIN connection n ON n.id = s.connection_id AND n.system = 'procore'
        WHERE s.kind = 'invoice' AND s.gone_at IS NULL AND s.data->>'posting_state' = ANY(:taken) ORDER BY s.number LIMIT 5
    """), {"taken": list(TAKEN)})) if ours else []  # fmt: skip
    if not numbers:
        return []
    ways = (*ours, "Procore's own ERP integration")
    said = f"Procore's ERP integration exports invoices that {_and(ours)} takes to accounting too: {', '.join(numbers)} (C-12)"
    return [Crossing("two_invoice_routes", ways, said,
                     "Send no invoices to accounting from Procore's ERP Integrations (Export Subcontractor Invoices itself stays "
                     "enabled where payments are written, Y-06), or set 'Route of invoices' here to elsewhere.")]  # fmt: skip


#: Procore's words for an invoice that its ERP integration has taken or is about to take (contract 11.7, 11.11).
TAKEN = ("ready_to_export", "exporting", "synced")


def _and(names: list[str]) -> str:
    return " and ".join((", ".join(names[:-1]), names[-1])) if len(names) > 1 else "".join(names)
