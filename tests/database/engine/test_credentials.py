"""Sign-ins: one refresher at a time, a refused token replaced once, secrets unreadable at rest, and what a refusal stops."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from connectors.ports import Token
from models import session, unscoped
from models.tables import metadata
from sync import clients, connections, engine, settings
from sync.company import load
from sync.problems import text as problem_text
from sync.secrets import WrongKey, decrypt, encrypt
from tests.database.engine.stand import arrive, put, quarantine_over, record, rows, run_due, together
from tests.database.requirements.company import order
from tests.world import World

HOUR = timedelta(hours=1)


@pytest.fixture
def connection(company):
    return connections.connect(company, "lentune", {"base_url": "http://127.0.0.1"}, {"client_id": "a", "client_secret": "b"})


class SignIns:
    """A system whose refresh tokens work once: a second use of one is a refusal there, for ever."""

    def __init__(self, ends=HOUR):
        self.used, self.made, self.ends = [], [], ends

    def __call__(self, secrets, old):
        assert dict(secrets) == {"client_id": "a", "client_secret": "b"}
        assert old is None or old.refresh not in self.used, "a single-use refresh token was used twice"
        if old is not None:
            self.used.append(old.refresh)
        n = len(self.made)
        self.made.append(Token(f"access-{n}", datetime.now(UTC) + self.ends, f"refresh-{n}"))
        return self.made[-1]


def test_eight_workers_at_a_tokens_end_sign_in_once(company, connection):
    there = SignIns(ends=timedelta(seconds=1))
    clients.Credentials(company, connection).token(there)
    there.ends = HOUR
    stores, got = [clients.Credentials(company, connection) for _ in range(8)], []
    together(lambda n: got.append(stores[n].token(there)), 8)
    assert got == ["access-1"] * 8
    assert (len(there.made), there.used) == (2, ["refresh-0"])


def test_eight_workers_whose_token_was_refused_replace_it_once(company, connection):
    there = SignIns()
    stores = [clients.Credentials(company, connection) for _ in range(8)]
    assert {s.token(there) for s in stores} == {"access-0"}
    got = []
    together(lambda n: got.append(stores[n].token(there, refused="access-0")), 8)
    assert got == ["access-1"] * 8 and len(there.made) == 2
    assert stores[0].token(there, refused="access-0") == "access-1", "a late refusal of an old token replaces nothing"


def test_a_token_that_ends_within_a_minute_is_renewed_before_it_is_used(company, connection):
    there = SignIns(ends=timedelta(seconds=30))
    store = clients.Credentials(company, connection)
    store.token(there)
    assert store.token(there) == "access-1"


def test_what_a_sign_in_gave_is_committed_before_anybody_uses_it(company, connection):
    there = SignIns()
    access = clients.Credentials(company, connection).token(there)
    with session(company) as db:
        stored = db.execute(text("SELECT token FROM credential WHERE connection_id = :c"), {"c": connection}).scalar_one()
    assert decrypt(stored) == [access, "refresh-0"]


def test_a_sign_in_that_fails_leaves_the_old_token_and_no_lock(company, connection):
    there = SignIns()
    store = clients.Credentials(company, connection)
    store.token(there)

    def fails(secrets, old):
        raise RuntimeError("not today")

    with pytest.raises(RuntimeError):
        store.token(fails, refused="access-0")
    assert clients.Credentials(company, connection).token(there) == "access-0"


@pytest.mark.parametrize("system", ["procore", "lentune"])
def test_a_token_that_its_system_forgot_is_replaced_within_the_same_request(start, system):
    world = start()
    one = arrive(world)
    world.clock.advance(100_000)  # longer than any token lives there; on our clock it still lasts
    before = len(world.transports[system].sent("POST", "oauth/token"))
    run_due(world, one)
    assert record(world, one).state == "synced"
    assert len(world.transports[system].sent("POST", "oauth/token")) == before + 1, "once"


def test_no_secret_can_be_read_in_any_table(start):
    """Client secrets, access and refresh tokens and webhook secrets, searched for in a dump of every table."""
    world = start(commitments=[order()])
    arrive(world, order="PO-1")
    world.settle()
    canaries = [str(core.credentials["client_secret"]) for core in world.simulators.values()]
    with session(world.company) as db:
        for row in db.execute(text("SELECT token FROM credential")):
            canaries += [part for part in decrypt(row.token) if part]
        for row in db.execute(text("SELECT hook_secrets FROM connection")):
            canaries += decrypt(row.hook_secrets)
    assert len(canaries) >= 6 and all(len(c) >= 16 for c in canaries)
    with unscoped() as db:
        for table in metadata.tables:
            dump = "\n".join(db.scalars(text(f'SELECT t::text FROM "{table}" t')))
            for canary in canaries:
                assert canary not in dump, f"a secret stands in {table}"
                assert canary.encode().hex() not in dump, f"a secret stands in {table}, as bytes"


def test_no_secret_in_a_log_line(start, caplog):
    caplog.set_level("DEBUG")
    world = start()
    world.fault("lentune", on="request", action="status", status=500, times=2, match={"method": "PUT"})
    arrive(world)
    world.settle()
    secrets = [str(core.credentials["client_secret"]) for core in world.simulators.values()]
    with session(world.company) as db:
        secrets += [p for row in db.execute(text("SELECT token FROM credential")) for p in decrypt(row.token) if p]
    assert [s for s in secrets if s in caplog.text] == []


def test_another_key_opens_nothing_and_says_what_to_do(monkeypatch):
    from cryptography.fernet import Fernet, MultiFernet

    from sync import secrets

    sealed = encrypt({"client_secret": "x"})
    monkeypatch.setattr(secrets, "_box", lambda: MultiFernet([Fernet(Fernet.generate_key())]))
    with pytest.raises(WrongKey, match="SECRET_KEY"):
        decrypt(sealed)


def refuse_sign_in(world, system):
    """The app's access was taken away there: no token of ours works, and a new one is refused."""
    world.fault(system, on="request", action="status", status=401, body={"error": "invalid_client"})
    put(world, "UPDATE credential SET token_expires_at = clock_timestamp()")
    clients.close_all()


def reconnect(world, system):
    world.simulators[system].faults.clear()
    clients.close_all()
    world.run(settings.unblock(world.company, system))
    world.clock.advance(301)
    world.settle()


@pytest.mark.parametrize("system", ["procore", "lentune"])
def test_a_refused_sign_in_stops_the_connection_until_a_person_has_connected_again(start, system):
    """Whichever side it is, and whether it shows in a reading or in a write: one refusal, then everything waits."""
    world = start(commitments=[order()])
    ids = [arrive(world, f"INV-{n}", "10.00") for n in (1, 2, 3)]
    refuse_sign_in(world, system)
    before = len(world.transports[system].requests)
    engine.run(world.company, ids)
    assert {(record(world, i).state, record(world, i).problems[0]["code"]) for i in ids} == {("held", "reconnect_needed")}
    assert len(world.transports[system].requests) - before <= 2, "a door that is shut is not knocked at again and again"
    blocked = rows(world, "SELECT system, blocked_code FROM connection WHERE blocked_code IS NOT NULL")
    assert [tuple(b) for b in blocked] == [(system, "reconnect_needed")]
    told = record(world, ids[0]).problems[0]
    assert told["values"]["system"] == system
    assert "…" not in problem_text(told["code"], told["values"]).cause, "the sentence names the system"

    quiet = len(world.transports[system].requests)
    for one in ids:
        run_due(world, one)
    assert len(world.transports[system].requests) == quiet, "nothing is asked while it is blocked"

    reconnect(world, system)
    assert {record(world, i).state for i in ids} == {"synced"}
    assert len(world.state("procore", "direct_costs")) == 3


def test_a_scan_that_is_refused_its_sign_in_blocks_the_connection_and_asks_no_more(start):
    from sync import scan

    world = start()
    refuse_sign_in(world, "procore")
    found = scan.scan(world.company, "procore", "project")
    assert "401" in found.stopped
    assert [tuple(r) for r in rows(world, "SELECT system FROM connection WHERE blocked_code = 'reconnect_needed'")] == [
        ("procore",)
    ]
    before = len(world.transports["procore"].requests)
    assert scan.scan(world.company, "procore", "vendor").stopped
    assert len(world.transports["procore"].requests) == before
    reconnect(world, "procore")
    assert scan.scan(world.company, "procore", "project").stopped == ""


def test_what_is_in_doubt_stays_in_doubt_while_the_sign_in_is_refused(start):
    world = start(commitments=[order()])
    one = arrive(world, order="PO-1")
    world.fault(
        "procore", on="request", action="drop_after", times=1, match={"method": "POST", "path": "/rest/v1.1/requisitions"}
    )
    run_due(world, one)
    refuse_sign_in(world, "procore")
    quarantine_over(world)
    world.clock.advance(301)
    run_due(world, one)
    assert (record(world, one).state, record(world, one).problems[0]["code"]) == ("checking", "reconnect_needed")
    world.simulators["procore"].faults.clear()
    clients.close_all()
    world.clock.advance(301)
    world.run(settings.unblock(world.company, "procore"))
    assert record(world, one).state == "synced"
    assert len(world.ledger("procore", kind="requisitions", effect="created")) == 1


def test_connecting_again_with_new_credentials_forgets_the_old_token(start):
    world: World = start()
    with session(world.company) as db:
        before = load(db, world.company).connections["lentune"]
    credentials = {k: str(v) for k, v in world.lentune.credentials.items()}
    connections.connect(world.company, "lentune", {"base_url": "http://127.0.0.1"}, credentials)
    stored = rows(world, "SELECT token, token_expires_at FROM credential WHERE connection_id = :c", c=before.id)[0]
    assert tuple(stored) == (None, None)
    with session(world.company) as db:
        assert load(db, world.company).connections["lentune"].version > before.version, "running workers build a new client"
