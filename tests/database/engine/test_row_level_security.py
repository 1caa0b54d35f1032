"""One company never sees or touches another's rows: enforced by Postgres, for an owner that is an ordinary role."""

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from models import engine, session, unscoped
from models.tables import SCOPED, metadata
from sync import connections, inbox, sweep, tokens
from sync.connections import new_company
from tests.database.engine.stand import arrive, rows

#: Tables that the application's role may add to but never change, and those that only triggers write.
ADDED_TO = ("history", "approval")
READ_ONLY = ("seal", "vault_tie")
#: Tables without a company: they hold nothing of one.
OF_NOBODY = {"company", "schedule_slot", "heartbeat", "mark", "odd_message"}
#: What a row of each table needs, besides the company, to be written at all.
ROWS = {
    "connection": {"system": "lentune", "hook_address": "a", "hook_secrets": b"x"},
    "credential": {"connection_id": 1, "secrets": b"x"},
    "event": {"connection_id": 1, "system": "lentune", "event_id": "e", "body": "{}"},
    "snapshot": {"connection_id": 1, "kind": "project", "source_id": "1", "data": "{}", "head_hash": b"x", "hash": b"x"},
    "sync_record": {"connection_id": 1, "kind": "project", "direction": "from_procore", "source_id": "1", "key": "k"},
    "attempt": {"record_id": 1, "attempt": 1},
    "write": {
        "record_id": 1,
        "version": 1,
        "step": "s",
        "side": "target",
        "key": "k",
        "request": "r",
        "body_hash": b"x",
        "attempt": 1,
    },
    "approval": {"record_id": 1, "version": 1, "held_hash": b"x", "decision": "approved", "actor": "x"},
    "history": {"actor": "x", "what": "x"},
    "scan_cursor": {"connection_id": 1, "kind": "project"},
    "budget": {"connection_id": 1},
    "reconcile_run": {"connection_id": 1},
    "app_user": {"name": "x", "role": "viewer"},
    "api_token": {"user_id": 1, "purpose": "api", "hash": b"x", "expires_at": "2030-01-01"},
    "access_grant": {
        "system": "procore", "token_id": 1, "hash": b"x", "settings": "{}", "secrets": b"x", "redirect_uri": "u",
        "expires_at": "2030-01-01",
    },
}


@pytest.fixture
def other(database):
    return new_company("The other company", "9999")


@pytest.fixture
def filled(start):
    """A company with rows in every table."""
    world = start()
    world.save(approval={"invoice": "manual"})
    one = arrive(world)
    world.settle()
    from sync import approval, reconcile

    held = rows(world, "SELECT * FROM sync_record WHERE id = :id", id=one)[0]
    world.run(approval.approve(world.company, one, held.version, held.amount, "Ana"))
    reconcile.run(world.company, "lentune")
    tokens.ensure_user(world.company, "Ana", "admin")
    from datetime import timedelta

    tokens.new_token(world.company, "Ana", "api", ["read"], timedelta(hours=1))
    with session(world.company) as db:
        db.execute(text("""
            INSERT INTO access_grant (company_id, system, token_id, hash, settings, secrets, redirect_uri, expires_at)
            VALUES (:c, 'procore', 1, 'x', '{}', 'x', 'u', clock_timestamp())
        """), {"c": world.company})
    with unscoped() as db:  # as its trigger does
        db.execute(text("INSERT INTO vault_tie VALUES (:c, :t, :t, 'x', 'x')"), {"c": world.company, "t": str(world.company)})
    return world


def test_the_list_of_protected_tables_is_every_table_that_names_a_company():
    assert {*SCOPED, *OF_NOBODY} == set(metadata.tables)
    assert {*ROWS, *READ_ONLY} == set(SCOPED)


def test_every_protected_table_has_its_policy_and_none_is_forced(database):
    with unscoped() as db:
        found = {
            r.relname: r
            for r in db.execute(
                text("""
            SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity,
                (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid) AS policies
            FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
        """)
            )
        }
    for table in (*SCOPED, "company"):
        assert (found[table].relrowsecurity, found[table].relforcerowsecurity, found[table].policies) == (True, False, 1), table


def test_the_owner_is_an_ordinary_role_and_the_role_of_a_session_owns_nothing(company):
    with unscoped() as db:
        owner = db.execute(text("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")).one()
        assert tuple(owner) == (False, False)
    with session(company) as db:
        assert db.execute(text("SELECT current_user")).scalar_one() == "sitebooks_app"
        owned = db.execute(text("SELECT count(*) FROM pg_class WHERE relowner = 'sitebooks_app'::regrole")).scalar_one()
        assert owned == 0


def test_another_company_sees_no_row_of_any_table_and_changes_none(filled, other):
    for table in SCOPED:
        with session(filled.company) as db:
            mine = db.execute(text(f'SELECT count(*) FROM "{table}"')).scalar_one()
        assert mine > 0, f"the test is about nothing: {table} is empty"
        with session(other) as db:
            assert db.execute(text(f'SELECT count(*) FROM "{table}"')).scalar_one() == 0, table
            if table not in (*ADDED_TO, *READ_ONLY):
                assert db.execute(text(f'UPDATE "{table}" SET company_id = company_id')).rowcount == 0, table
                assert db.execute(text(f'DELETE FROM "{table}"')).rowcount == 0, table
        with session(filled.company) as db:
            assert db.execute(text(f'SELECT count(*) FROM "{table}"')).scalar_one() == mine, table
    with session(other) as db:
        assert list(db.scalars(text("SELECT id FROM company"))) == [other]


@pytest.mark.parametrize("table", ROWS)
def test_no_row_can_be_written_into_another_company(company, other, table):
    given = {"company_id": other, **ROWS[table]}
    columns = ", ".join(given)
    places = ", ".join(f"CAST(:{c} AS jsonb)" if given[c] == "{}" else f":{c}" for c in given)
    with pytest.raises(ProgrammingError, match="row-level security"), session(company) as db:
        db.execute(text(f'INSERT INTO "{table}" ({columns}) VALUES ({places})'), given)


def test_a_row_cannot_be_moved_to_another_company(filled, other):
    for table in SCOPED:
        if table in (*ADDED_TO, *READ_ONLY):
            continue
        with pytest.raises(ProgrammingError, match="row-level security"), session(filled.company) as db:
            db.execute(text(f'UPDATE "{table}" SET company_id = :o'), {"o": other})


@pytest.mark.parametrize("table", [*ADDED_TO, *READ_ONLY])
def test_what_is_kept_for_the_auditor_is_never_changed_or_deleted(filled, table):
    statements = [f"UPDATE {table} SET company_id = company_id", f"DELETE FROM {table}", f"TRUNCATE {table}"]
    if table in READ_ONLY:
        values = {"seal": "1000000, 1, 'x'", "vault_tie": "'x', 'x', 'x', 'x'"}[table]
        statements.append(f"INSERT INTO {table} VALUES ({filled.company}, {values})")
    for statement in statements:
        with pytest.raises(ProgrammingError, match="permission denied"), session(filled.company) as db:
            db.execute(text(statement))


def test_a_session_without_a_company_sees_nothing(filled):
    with engine().begin() as db:
        db.execute(text("SELECT set_config('role', 'sitebooks_app', true)"))
        for table in (*SCOPED, "company"):
            assert db.execute(text(f'SELECT count(*) FROM "{table}"')).scalar_one() == 0, table


def test_the_company_ends_with_its_transaction(filled):
    """Pooled connections go from one company to the next: nothing of the last one may stay on them."""
    with session(filled.company) as db:
        pid = db.execute(text("SELECT pg_backend_pid()")).scalar_one()
    with unscoped() as db:
        found = db.execute(text("SELECT current_user, current_setting('app.company', true), pg_backend_pid()")).one()
    assert found[0] != "sitebooks_app" and not found[1]
    assert found[2] == pid, "the same connection, taken from the pool again"


def test_what_must_be_found_before_the_company_is_known_is_found_for_all(filled, other):
    """Sweep, inbox, hooks, tokens and the schedule run as the ordinary owner and see every company."""
    connections.connect(other, "lentune", {"base_url": "http://127.0.0.1"}, {"client_id": "a", "client_secret": "b"})
    for company in (filled.company, other):
        with session(company) as db:
            link = db.execute(text("SELECT id FROM connection WHERE system = 'lentune'")).scalar_one()
            db.execute(
                text(
                    "INSERT INTO sync_record (company_id, connection_id, kind, direction, source_id, key, due_at) "
                    "VALUES (:p, :c, 'project', 'from_procore', 'rls', 'k', clock_timestamp())"
                ),
                {"p": company, "c": link},
            )
            db.execute(
                text(
                    "INSERT INTO event (company_id, connection_id, system, event_id, body) "
                    "VALUES (:p, :c, 'lentune', 'rls', '{}')"
                ),
                {"p": company, "c": link},
            )
    assert {filled.company, other} <= {company for company, _, _ in sweep.due()}
    assert {filled.company, other} <= {company for company, _ in inbox.due(1000, 0)}
    assert {filled.company, other} <= {c.company_id for c in connections.scheduled()}
    assert {filled.company, other} <= {company for company, _ in connections.companies()}


def test_migrations_run_again_change_nothing(database):
    from models.migrate import upgrade

    with psycopg.connect(database) as db:
        before = db.execute("SELECT count(*) FROM pg_policy").fetchone()
    upgrade(database)
    with psycopg.connect(database) as db:
        assert db.execute("SELECT count(*) FROM pg_policy").fetchone() == before


@pytest.mark.parametrize(
    "values",
    [
        {"lentune_purchase_order": True, "procore_purchase_order": True},
    ],
)
@pytest.mark.requirement("P-17")
def test_the_database_itself_refuses_both_purchase_order_boxes(filled, values):
    import json

    from sqlalchemy.exc import IntegrityError

    with pytest.raises(IntegrityError, match="one_po_master"), session(filled.company) as db:
        db.execute(text("UPDATE connection SET settings = settings || CAST(:v AS jsonb)"), {"v": json.dumps(values)})


@pytest.mark.parametrize("table", ["sync_record", "event", "write"])
def test_the_database_itself_refuses_an_unknown_state(filled, table):
    from sqlalchemy.exc import IntegrityError

    with pytest.raises(IntegrityError, match="state"), session(filled.company) as db:
        db.execute(text(f"UPDATE {table} SET state = 'wonderful'"))
