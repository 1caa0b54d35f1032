"""Keys and webhook secrets are changed under a company that is at work: nothing is unreadable, no delivery is lost."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import LargeBinary, text

from connectors.calls import CallFailed
from connectors.registry import connector
from models import session
from models.tables import metadata
from settings.environment import environment
from sync import clock, rotation
from sync.rotation import Keys, TooEarly
from sync.secrets import WrongKey, _box, decrypt
from tests.world import World
from web.addresses import REMEMBER_SECONDS

#: Binary columns that hold hashes and salts, nothing that a key opens.
NOT_ENCRYPTED = {
    "company.salt", "snapshot.head_hash", "snapshot.hash", "sync_record.held_hash", "sync_record.sent_hash",
    "sync_record.told_hash", "write.body_hash", "approval.held_hash", "seal.hash", "api_token.hash", "access_grant.hash",
}  # fmt: skip


@pytest.fixture
def keys(monkeypatch):
    """`keys(new, old)` is SECRET_KEY from now on; the keys that were there before come back afterwards."""
    before = environment().secret_key.get_secret_value()

    def put(*names):
        monkeypatch.setenv("SECRET_KEY", ",".join(names))
        environment.cache_clear()
        _box.cache_clear()

    yield lambda *names: put(*names or (before,))
    put(before)


@pytest.fixture
def world(company):
    made = World(company)
    made.sync()
    yield made
    made.close()


def test_every_encrypted_column_is_rotated():
    binary = {f"{t.name}.{c.name}" for t in metadata.sorted_tables for c in t.columns if isinstance(c.type, LargeBinary)}
    assert binary - NOT_ENCRYPTED == {f"{table}.{column}" for table, column in rotation.COLUMNS}


def test_everything_opens_with_the_new_key_alone_afterwards(world, keys):
    old, new = environment().secret_key.get_secret_value(), Fernet.generate_key().decode()
    keys(new, old)
    assert rotation.count(world.company) == Keys(old=6)
    assert rotation.rotate(world.company) == 6
    assert rotation.count(world.company) == Keys(first=6)
    assert rotation.rotate(world.company) == 0
    keys(new)
    assert rotation.count(world.company) == Keys(first=6)
    from sync import clients

    clients.close_all()
    world.act("procore", "create_project", number="1002", name="Wharf", stage="Course of Construction", region="Auckland")
    world.settle()
    assert world.record("project", "1002").state == "synced", "sign-ins, tokens and webhook secrets are what they were"


def test_a_rotation_that_is_interrupted_goes_on_when_it_is_run_again(world, keys, monkeypatch):
    old, new = environment().secret_key.get_secret_value(), Fernet.generate_key().decode()
    keys(new, old)
    done, real = [], rotation.under_new_key

    def dying(token):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(token)
        return real(token)

    monkeypatch.setattr(rotation, "under_new_key", dying)
    with pytest.raises(KeyboardInterrupt):
        rotation.rotate(world.company)
    assert rotation.count(world.company) == Keys(first=2, old=4), "what was done is kept, what was not still opens"
    monkeypatch.setattr(rotation, "under_new_key", real)
    assert rotation.rotate(world.company) == 4
    assert rotation.count(world.company) == Keys(first=6)


def test_what_no_key_opens_is_left_and_counted(world, keys):
    old, new, lost = environment().secret_key.get_secret_value(), Fernet.generate_key().decode(), Fernet.generate_key()
    with session(world.company) as db:
        db.execute(text("UPDATE credential SET token = :t"), {"t": Fernet(lost).encrypt(b"[1]")})
    keys(new, old)
    assert rotation.rotate(world.company) == 4
    assert rotation.count(world.company) == Keys(first=4, none=2)
    keys(new)
    with pytest.raises(WrongKey), session(world.company) as db:
        decrypt(db.scalar(text("SELECT token FROM credential LIMIT 1")))


def hooks(world, system):
    with session(world.company) as db:
        return decrypt(db.scalar(text("SELECT hook_secrets FROM connection WHERE system = :s"), {"s": system}))


def waiting(world, system):
    """Deliveries of a system that are on their way."""
    return list(world.simulators[system].tick())


def verified_by(world, system, delivery):
    """Which of the valid secrets this delivery was made with."""
    headers, at, verify = {k.lower(): v for k, v in delivery.headers.items()}, world.clock.now(), connector(system).verify
    return [n for n, one in enumerate(hooks(world, system)) if verify(delivery.body, headers, [one], at) is None]


def change(world, system, number):
    if system == "procore":
        world.act("procore", "create_project", number=number, name=number, stage="Course of Construction", region="Auckland")
    else:
        world.act("lentune", "create_invoice", number=number, supplier="Pacific Concrete Ltd", date="2026-11-10", project="1001",
                  lines=[{"code": "03-300", "type": "M", "net": "12.34", "description": "Sand"}])  # fmt: skip


@pytest.mark.parametrize("system", ["procore", "lentune"])
def test_a_new_webhook_secret_costs_no_delivery(world, system, monkeypatch):
    first = hooks(world, system)
    rotation.offer(world.company, system, "Ana")
    rotation.offer(world.company, system, "Ana")
    assert len(hooks(world, system)) == 2 and hooks(world, system)[1:] == first, "asked twice, one new one"
    change(world, system, "2001")
    (early, *_), _ = waiting(world, system), rotation.register(world.company, system)
    assert verified_by(world, system, early) == [1], "made before, with the old one, and still believed"
    world._receive(system, early)
    world.simulators[system].delivered(early, 202)
    change(world, system, "2002")
    after = waiting(world, system)
    assert after and all(verified_by(world, system, one) == [0] for one in after), "each comes once, with the new one"
    for one in after:
        world._receive(system, one)
    world.settle()
    with pytest.raises(TooEarly, match="UTC"):
        rotation.drop_old(world.company, system, "Ana")
    monkeypatch.setattr(clock, "source", lambda: datetime.now(UTC) + timedelta(hours=14))
    assert rotation.drop_old(world.company, system, "Ana")
    assert len(hooks(world, system)) == 1 and verified_by(world, system, early) == []
    assert not rotation.drop_old(world.company, system, "Ana")
    with session(world.company) as db:
        told = db.execute(text("SELECT * FROM history WHERE what = :w ORDER BY id"), {"w": f"hooks.{system}"}).all()
    assert [(t.actor, t.before["secrets"], t.after["secrets"]) for t in told] == [("Ana", 1, 2), ("Ana", 2, 1)]


def test_a_system_that_does_not_take_it_keeps_ringing_with_the_old_one(world):
    rotation.offer(world.company, "lentune", "Ana")
    world.fault("lentune", on="request", times=1, action="status", status=500, match={"method": "POST", "path": "webhook-sub"})
    with pytest.raises(CallFailed):
        rotation.register(world.company, "lentune")
    change(world, "lentune", "2001")
    assert [verified_by(world, "lentune", one) for one in waiting(world, "lentune")] == [[1]]
    rotation.register(world.company, "lentune")
    change(world, "lentune", "2002")
    assert [verified_by(world, "lentune", one) for one in waiting(world, "lentune")] == [[0]]


def test_web_processes_notice_a_new_secret_before_it_is_used():
    assert rotation.NOTICED_SECONDS > REMEMBER_SECONDS
