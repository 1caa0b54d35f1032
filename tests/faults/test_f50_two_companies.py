"""F50: two companies with the same numbers, at work at the same time, and with each other's credentials."""

import json
from decimal import Decimal

import pytest

from tests.faults.neighbour import Neighbour, neighbour
from tests.faults.people import PROJECT
from tests.faults.stand import Stand

pytestmark = [pytest.mark.fault("F50"), pytest.mark.timeout(300)]

#: Another seed: the same data, and credentials of its own.
OTHERS = {"procore": {"seed": 2}, "lentune": {"seed": 2}}
MARKS = ("Kereru", "Pukeko")


def both_at_once(pair: list[Stand], first: int, count: int) -> None:
    """Projects and invoices of the same numbers, turn by turn; only words and cents differ."""
    for n in range(first, first + count):
        for place, (one, mark) in enumerate(zip(pair, MARKS, strict=True)):
            one.new_project(number=f"{4000 + n}", name=f"{mark} {n}")
            one.new_invoice(number=f"TWIN-{n}", net=f"{n + 10}.{place + 1}{place + 1}")


def alone(one: Stand, mark: str, other: str, cents: str, numbers: range) -> None:
    """What stands in its systems is its own, all of it, once."""
    for system, kind in (("lentune", "projects"), ("procore", "projects"), ("procore", "direct_costs")):
        rows = json.dumps(one.state(system, kind))
        assert other not in rows, f"{kind} of {other} in {system} of {mark}"
    there = {p["code"]: p["description"] for p in one.state("lentune", "projects")}
    costs = {c["invoice_number"]: Decimal(c["grand_total"]) for c in one.state("procore", "direct_costs")}
    for n in numbers:
        assert there[f"{4000 + n}"] == f"{mark} {n}"
        assert costs[f"TWIN-{n}"] == Decimal(f"{n + 10}.{cents}")
    assert len(one.created("lentune", "project")) == len(numbers)


def swap(pair: list[Stand], system: str) -> None:
    """Two rows exchanged; nothing that was signed in before is left."""
    pair[0].change(
        """
        UPDATE credential c SET secrets = o.secrets, token = NULL, token_expires_at = NULL
        FROM connection n, credential o JOIN connection m ON m.id = o.connection_id
        WHERE n.id = c.connection_id AND n.system = %s AND m.system = n.system AND n.company_id = ANY(%s)
          AND m.company_id = ANY(%s) AND n.company_id <> m.company_id
        """,
        system, [one.company for one in pair], [one.company for one in pair],
    )  # fmt: skip
    # every process forgets its client, as after a change by a person
    pair[0].change("UPDATE connection SET settings_version = settings_version + 1, blocked_code = NULL, blocked_at = NULL")


def blocked(one: Stand, system: str) -> bool:
    found = one.rows("SELECT blocked_code FROM connection WHERE company_id = %s AND system = %s", one.company, system)
    return bool(found[0]["blocked_code"] == "reconnect_needed")


def test_two_at_once_stay_apart(site: Stand) -> None:
    with neighbour(site, options=OTHERS) as other:
        pair: list[Stand] = [site, other]
        other.begin()
        both_at_once(pair, 0, 5)
        for one in pair:
            for n in range(5):
                one.wait_state("invoice", f"TWIN-{n}", seconds=60)
                one.wait_state("project", f"{4000 + n}", seconds=60)
        alone(site, *MARKS, "11", range(5))
        alone(other, *reversed(MARKS), "22", range(5))
        _swapped(pair, other)


def _swapped(pair: list[Stand], other: Neighbour) -> None:
    """Nothing is written by anybody until each has its own again; then everything is, once."""
    for n, system in enumerate(("lentune", "procore"), 50):
        pair[0].wait_quiet(40)
        swap(pair, system)
        for one in pair:
            one.begin()
        both_at_once(pair, n, 1)
        for one in pair:
            one.scan(system)
            one.wait(lambda one=one, at=system: blocked(one, at), 30, f"the swapped credentials of {system} were accepted")
        assert [one.ledger(system) for one in pair] == [[], []], "nothing was changed with wrong credentials"
        assert [one.created(name) for one in pair for name in one.url] == [[]] * 4, "and nothing made anywhere for want of them"
        swap(pair, system)
        pair[0].change("UPDATE sync_record SET due_at = clock_timestamp(), rung_at = NULL WHERE state = 'held'")
        for one, mark in zip(pair, MARKS, strict=True):
            one.scan("procore", "lentune")
            one.wait_state("invoice", f"TWIN-{n}", seconds=60)
            one.wait_state("project", f"{4000 + n}", seconds=60)
            assert [p["description"] for p in one.state("lentune", "projects", code=f"{4000 + n}")] == [f"{mark} {n}"]
            assert len(one.state("procore", "direct_costs", invoice_number=f"TWIN-{n}")) == 1
    assert PROJECT in {p["code"] for p in other.state("lentune", "projects")}
