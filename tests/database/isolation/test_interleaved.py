"""F50 in process: two companies of identical ids take turns at every step of the engine; nothing crosses."""

import json
from decimal import Decimal
from random import Random

import pytest
from sqlalchemy import text

from connectors.registry import connector
from models import session
from models.tables import SCOPED
from settings import failpoints
from sync import scan
from tests.database.isolation.twins import own_servers, tokens_issued, tokens_used, twins
from tests.database.requirements.company import dataset, order

MARKS = ("Kereru", "Pukeko")
CENTS = ("0.11", "0.22")


class Twin:
    """One company with what its people still want to do, and its own words in everything they write."""

    def __init__(self, world, mark, cents):
        self.world, self.mark, self.cents, self.done = world, mark, Decimal(cents), 0
        self.invoices = {}

    def act(self):
        """The same script for both: only words and cents differ, so that ids and numbers are the same."""
        self.done += 1
        n, act = self.done, self.world.act
        match n % 4:
            case 0:
                act("procore", "create_project", number=str(3000 + n), name=f"{self.mark} {n}", stage="Course of Construction",
                    region="Auckland")  # fmt: skip
            case 2 if len(self.invoices) > 3:
                number = sorted(self.invoices)[n % len(self.invoices)]
                self.invoices[number] = n + self.cents
                act("lentune", "change_invoice", number=number, net=str(self.invoices[number]))
            case _:
                self.invoices[f"INV-{n}"] = n + self.cents
                lines = [{"code": "03-300", "type": "M", "net": str(n + self.cents), "description": self.mark}]
                act("lentune", "create_invoice", number=f"INV-{n}", supplier="Pacific Concrete Ltd", date="2026-11-10",
                    project="1001", lines=lines)  # fmt: skip

    def step(self, rng):
        """Something that a worker would do for this company now."""
        what = rng.randrange(20)
        if what < 10:
            self.act()
        if what < 19:
            self.world.deliver()
        else:
            system = rng.choice(("procore", "lentune"))
            kind = rng.choice([k for k in connector(system).scans if connector(system).readers[k].scope == "company"])
            self.world.run(scan.scan(self.world.company, system, kind).rung)


def take_turns(pair, rng, wanted, monkeypatch):
    """Works for one of them; wherever it comes between two steps, the other may go on first. Gives how often it did."""
    working, turns = [], 0

    def at(name, about):
        nonlocal turns
        if len(working) == 1 and turns < wanted and rng.random() < 0.9:
            turns += 1
            other = pair[1 - working[0]]
            working.append(1 - working[0])
            try:
                other.step(rng)
            finally:
                working.pop()

    monkeypatch.setattr(failpoints, "handler", at)
    rounds = 0
    while turns < wanted and rounds < wanted:
        rounds += 1
        which = rng.randrange(2)
        working.append(which)
        try:
            pair[which].step(rng)
        finally:
            working.pop()
    monkeypatch.setattr(failpoints, "handler", None)
    return turns


@pytest.mark.fault("F50")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("turns", [150, pytest.param(1000, marks=pytest.mark.slow)])
def test_many_turns_between_twins_mix_nothing(company, turns, monkeypatch):
    """`turns`: how often one company was interrupted between two steps for the other to go on."""
    rng = Random(turns)
    with twins(company, lambda site: dataset(commitments=[order()])) as worlds:
        own_servers(worlds)
        pair = [Twin(world, mark, cents) for world, mark, cents in zip(worlds, MARKS, CENTS, strict=True)]
        for world in worlds:
            world.sync()
        assert take_turns(pair, rng, turns, monkeypatch) == turns
        for twin in pair:
            while twin.done < max(each.done for each in pair):
                twin.act()
            for _ in range(3):  # what met a lease of the other turn comes again
                twin.world.settle()
                twin.world.clock.advance(301)
                twin.world.due_now()
        for n, twin in enumerate(pair):
            alone(twin, MARKS[1 - n])
        ids = [{(r.kind, r.source_id, r.remote_id) for r in twin.world.records()} for twin in pair]
        common = ids[0] & ids[1]
        assert len(common) > 20, "they really have the same ids on both sides"
        keys = [{r.key for r in twin.world.records()} for twin in pair]
        assert not keys[0] & keys[1]


def alone(twin, other):
    """Nothing of the other's in its systems, in what was sent there, in its rows; and everything of its own is there."""
    world = twin.world
    for system in world.simulators:
        sent = [r for r in world.transports[system].requests if other.encode() in r.read()]
        assert sent == [], f"sent to {system} of {twin.mark}"
        assert tokens_used(world)[system] <= tokens_issued(world)[system]
    for system, kinds in (("procore", ("projects", "direct_costs", "commitments")), ("lentune", ("projects", "invoices"))):
        for kind in kinds:
            assert other not in json.dumps(world.state(system, kind), default=str), (system, kind)
    costs = {c["invoice_number"]: Decimal(c["grand_total"]) for c in world.state("procore", "direct_costs")}
    assert costs == twin.invoices
    with session(world.company) as db:
        for table in SCOPED:
            found = db.execute(text(f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE :m'), {"m": f"%{other}%"}).scalar_one()
            assert found == 0, f"{table} of {twin.mark} speaks of {other}"
