"""Switching a connection off and on: what waited is rung at once, what came meanwhile is taken up, its lists are read."""

from models import session
from sync import switching
from sync.company import load
from tasks import publish, scan


def switch(company_id: int, system: str, on: bool, actor: str, reason: str = "") -> bool:
    """False: it was so before. Raises LookupError for a connection that does not exist, sync.refusal.Refused."""
    rung = switching.switch(company_id, system, on, actor, reason)
    if rung is None:
        return False
    if on:
        publish.ring_all(company_id, rung, "bulk")
        publish.send("sitebooks.inbox.process", [company_id, []], "interactive")
        with session(company_id) as db:
            company = load(db, company_id)
        for name in company.connections if system == "procore" else [system]:
            if not company.off(name):
                scan.start(company_id, name)
    return True
