"""F50 in process: each company's connection holds the other's credentials, on shared servers and on their own."""

import pytest
from sqlalchemy import text

from connectors.calls import SignInRefused
from models import session, unscoped
from sync import clients
from tests.database.isolation.twins import PORTS, move, own_servers, shared_servers, twins
from tests.database.requirements.company import dataset, invoice, order

pytestmark = pytest.mark.fault("F50")


def parts(site):
    made = dataset(commitments=[order()], invoices=[invoice()])
    made["company"]["procore_id"] = int(site)
    return made


def swap(pair, system):
    """Two rows exchanged, as by somebody with the owner's password, or by two pasted secrets."""
    with unscoped() as db:
        db.execute(
            text("""
            UPDATE credential c SET secrets = o.secrets, token = o.token, token_expires_at = o.token_expires_at
            FROM connection n, credential o JOIN connection m ON m.id = o.connection_id
            WHERE n.id = c.connection_id AND n.system = :s AND m.system = :s AND n.company_id = ANY(:ids)
              AND m.company_id = ANY(:ids) AND n.company_id <> m.company_id
        """),
            {"s": system, "ids": [world.company for world in pair]},
        )
        db.execute(text("UPDATE credential SET token = NULL, token_expires_at = NULL"))
    clients.close_all()


def ledgers(pair):
    return [{name: len(world.ledger(name)) for name in world.simulators} for world in pair]


def work(world, system):
    """People do things on both sides, and everything that would follow is tried."""
    world.act("procore", "create_project", number="1009", name="Wharf", stage="Course of Construction", region="Auckland")
    world.act("lentune", "create_invoice", **invoice("INV-9", "9.99"))
    world.deliver()
    for name in ("procore", "lentune"):
        if name != system:
            world.scan(name)
    world.due_now()


def blocked(world):
    with session(world.company) as db:
        return {r.system: r.blocked_code for r in db.execute(text("SELECT system, blocked_code FROM connection"))}


@pytest.mark.parametrize("system", ["procore", "lentune"])
@pytest.mark.parametrize("placed", [own_servers, shared_servers])
def test_swapped_credentials_write_nothing_anywhere(company, system, placed):
    """On servers of their own the ids are identical; on shared ones the companies differ, as they must there."""
    sites = ("4100", "4100") if placed is own_servers else ("4100", "4200")
    with twins(company, parts, sites) as pair:
        placed(pair)
        for world in pair:
            world.sync()
        swap(pair, system)
        before = ledgers(pair)
        for world in pair:
            work(world, system)
        assert ledgers(pair) == before, "not one request changed anything, in either company"
        for world in pair:
            assert not world.state("lentune", "projects", code="1009")
            assert not world.state("procore", "direct_costs", invoice_number="INV-9")
            # Procore itself lets the sign-in of another company in, and refuses each request that names ours
            said = "permission_missing" if (system, placed) == ("procore", shared_servers) else "reconnect_needed"
            assert {p["code"] for r in world.records() for p in r.problems} == {said}
            assert blocked(world) == {"procore": None, "lentune": None, system: said}
        swap(pair, system)
        for world in pair:
            with session(world.company) as db:
                db.execute(text("UPDATE connection SET blocked_code = NULL"))
            world.due_now()
            world.sync()
            assert len(world.state("lentune", "projects", code="1009")) == 1
            assert len(world.state("procore", "direct_costs", invoice_number="INV-9")) == 1


def test_an_address_of_the_other_company_with_its_credentials_is_refused_where_the_company_differs(company):
    """Everything of the connection is the other's, so the sign-in works: the company it opens is what gives it away."""
    with twins(company, parts, ("4100", "4200")) as pair:
        own_servers(pair)
        one, two = pair
        swap(pair, "lentune")
        move(one, f"http://127.0.0.1:{PORTS[1]}")
        from sync.company import load

        with session(one.company) as db:
            found = load(db, one.company)
        with pytest.raises(SignInRefused, match="Procore company 4200, not of 4100"):
            clients.client(found, "lentune").get("/invoices")
        assert not [r for r in two.transports["lentune"].requests if r.url.path.endswith("/invoices")]
