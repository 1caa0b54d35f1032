"""Payments issued on commitments (11.13): looked for first, written once, never changed and never taken back."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from connectors.calls import Answer, NotUnderstood, Request
from connectors.flow import Counted
from connectors.plan import Done, Plan, Seen, Step
from connectors.ports import Client
from connectors.procore.checks import payment_refused
from connectors.procore.client import ProcoreClient, own
from connectors.procore.shapes import ident, money
from objects.money import amount_of, text_of
from objects.problem import Problem
from settings.environment import environment

Held = dict[str, Any]
Record = Mapping[str, Any]
PATH = "/rest/v1.0/contract_payments"
#: Ways of paying that Procore knows; another one is left out.
METHODS = frozenset({"check", "credit_card", "electronic"})
#: An origin id of ours (sync/keys.py): two payments of ours that look alike are two. Anyone else's is the same check.
OURS = re.compile(r"[A-Z2-7]{15}$")
#: Payments of one commitment are looked for one after the other: one list serves them.
YOUNG = timedelta(seconds=5)


def contract_payment(held: Held, remote_id: str | None, key: str, version: str | None = None) -> Plan:
    """One POST, which nobody repeats by himself: money that stands twice in Payments Issued looks like money paid twice.

    What stands there is not touched again: its number and its files are people's, and all else is locked (Y-12 to Y-15).
    """
    if remote_id is not None:
        return (yield _standing(held, remote_id, key))
    fields: dict[str, Any] = {
        "date": held["date"], "amount": held["amount"], "requisition_id": int(held["invoice_id"]),
        "invoice_number": held["invoice_number"], "origin_id": key,
    }  # fmt: skip
    fields |= {"check_number": held["number"]} if held["number"] else {}
    fields |= {"payment_method": held["method"]} if held["method"] in METHODS else {}
    body = {"project_id": int(held["project_id"]), "contract_id": int(_contract(held)), "contract_payment": fields}
    return (yield Step(
        "payment", Request("POST", PATH, body=body), key, lambda answer: _written(answer, held, key), payment_refused(held),
        look=payment_left(held, key), look_first=True, irreversible=True, amount=held["amount"],
    ))  # fmt: skip


def awaited_payment(held: Held, remote_id: str | None, key: str, version: str | None = None) -> Plan:
    """The accounting side writes it there itself: it is looked for, and never sent."""
    if remote_id is not None:
        return (yield _standing(held, remote_id, key))
    look = payment_left(held, key)

    def arrived(client: Client) -> Done | None:
        done = look(client)
        return done and replace(done, warnings=())  # that somebody else entered it is what was agreed

    return (yield Step(
        "payment", _asking(held), key, lambda answer: _written(answer, held, key), payment_refused(held), look=arrived,
        look_first=True, irreversible=True, amount=held["amount"],
        awaited=Problem("payment_awaited", {"number": held["number"], "amount": held["amount"]}),
    ))  # fmt: skip


def _standing(held: Held, remote_id: str, key: str) -> Step:
    """Linked, but not by this version's own answer: what stands there must be this payment, to the cent."""
    gone = Problem("vanished_at_target", {"system": "procore", "kind": "payment", "number": held["number"]})

    def there(client: Client) -> Record | None:
        return next((one for one in _listed(own(client), held) if ident(one, "contract_payment") == remote_id), None)

    def look(client: Client) -> Done | None:
        found = there(client)
        return None if found is None else _done(found, ())

    def verify(client: Client, done: Done) -> Seen | None:
        found = there(client)
        return None if found is None else _seen(found)

    return Step(
        "standing", _asking(held), key, lambda answer: _written(answer, held, key), payment_refused(held), look=look,
        look_first=True, amount=held["amount"], verify=verify, awaited=gone,
    )  # fmt: skip


def _asking(held: Mapping[str, Any]) -> Request:
    return Request("GET", PATH, params={"project_id": str(held["project_id"]), "contract_id": _contract(held)})


def _contract(held: Mapping[str, Any]) -> str:
    return str(held["contract_id"]).rpartition(":")[2]


def _written(answer: Answer, held: Held, key: str) -> Done:
    """The answer is the payment as Procore holds it: ours, to the cent, on the invoice that was meant."""
    record = answer.body if isinstance(answer.body, dict) else {}
    there = money(record.get("amount"), "contract_payment.amount")
    if record.get("origin_id") != key:
        raise NotUnderstood("contract_payment.origin_id", f"{record.get('origin_id')!r} is not our key")
    if there is None or text_of(there) != held["amount"]:
        raise NotUnderstood("contract_payment.amount", f"{there} is not what was sent, {held['amount']}")
    if str(record.get("requisition_id")) != held["invoice_id"]:
        raise NotUnderstood("contract_payment.requisition_id", f"{record.get('requisition_id')} is not {held['invoice_id']}")
    return _done(record, ())


def _done(record: Record, warnings: tuple[Problem, ...]) -> Done:
    number = record.get("payment_number")
    return Done(ident(record, "contract_payment"), None if number is None else str(number), record.get("updated_at"), warnings)


def payment_left(held: Held, key: str) -> Callable[[Client], Done | None]:
    """By our origin id, else the same check on the same invoice that somebody else entered."""

    def look(client: Client) -> Done | None:
        records = _listed(own(client), held)
        for record in records:
            if record.get("origin_id") == key:
                return _done(record, ())
        for record in records:
            if _twin(record, held):
                values = {"number": held["number"], "amount": held["amount"], "there": str(record.get("payment_number") or "")}
                return _done(record, (Problem("payment_already_in_procore", values),))
        return None

    return look


def _twin(record: Record, held: Mapping[str, Any]) -> bool:
    same = str(record.get("requisition_id")) == held["invoice_id"] and not OURS.match(str(record.get("origin_id") or ""))
    there = money(record.get("amount"), "contract_payment.amount")
    number = str(record.get("check_number") or "")
    named = number == held["number"] if number or held["number"] else record.get("date") == held["date"]
    return same and named and there is not None and text_of(there) == held["amount"]


def _listed(client: ProcoreClient, held: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every payment of the commitment: there is no filter by origin id (section 7)."""
    contract, now = _contract(held), client.clock()
    kept, young = client.paid.get(contract), _young()
    if kept is not None and timedelta(0) <= now - kept[0] < young:
        return kept[1]
    found = client.all(PATH, {"project_id": str(held["project_id"]), "contract_id": contract})
    client.paid = {contract: (now, found), **{c: k for c, k in client.paid.items() if now - k[0] < young and c != contract}}
    return found


def _young() -> timedelta:
    """Half the pause between two looks at a doubt at most: the second look must never see what the first one saw."""
    return min(YOUNG, timedelta(seconds=environment().quarantine_seconds / 30))


def payment_sightings(client: Client, held: Mapping[str, Any], key: str) -> Sequence[Seen]:
    """Under our key, and what else looks like the same check."""
    found = [record for record in _listed(own(client), held) if record.get("origin_id") == key or _twin(record, held)]
    return [_seen(record) for record in found]


def _seen(record: Record) -> Seen:
    owner = str(record.get("origin_id") or "") or None
    return Seen(ident(record, "contract_payment"), money(record.get("amount"), "contract_payment.amount"), None, owner)


def payments(client: Client, projects: Sequence[str]) -> Iterator[Counted]:
    """All of the commitments that were invoiced; the list wants project and commitment both."""
    procore = own(client)
    for project in projects:
        invoices = procore.all("/rest/v1.1/requisitions", {"project_id": project})
        for contract in sorted({str(one["commitment_id"]) for one in invoices if one.get("commitment_id") is not None}, key=int):
            for record in procore.all(PATH, {"project_id": project, "contract_id": contract}):
                yield Counted(
                    "payment", project, ident(record, "contract_payment"), str(record.get("check_number") or ""),
                    str(record.get("origin_id") or ""), amount_of(record.get("amount") or "0.00"), procore.settings.currency,
                )  # fmt: skip
