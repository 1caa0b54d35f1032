"""Payments on demand: which connections report payments, and who asked for them (Y-01, Y-02, Y-16)."""

from connectors.registry import all_connectors
from models import session
from sync.company import load
from sync.records import write_history


def reports(system: str) -> bool:
    """Whether this system tells of payments that are written to Procore (Y-20: declared per connector)."""
    declared = all_connectors().get(system)
    return declared is not None and any(flow.kind == "payment" and flow.source == system for flow in declared.flows)


def asked(company_id: int, system: str, actor: str) -> list[str]:
    """The connections to read, all where none is named, with a line in the history. Raises LookupError when there is none."""
    with session(company_id) as db:
        company = load(db, company_id)
        names = [name for name in company.connections if system in ("", name) and reports(name) and not company.off(name)]
        if not names:
            raise LookupError(f"{system or 'no connection'} reports payments")
        for name in names:
            write_history(db, company_id, None, actor, f"payments.{name}", None, None, "asked for now")
    return names
