"""Where a company could be reached past its walls: keys, sessions without a company, ids from outside, stolen tokens."""

import ast
import re
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

import sync
from connectors.registry import connector
from models import session, unscoped
from models.tables import SCOPED
from sync import inbox, settings, tokens
from sync.connections import new_company
from sync.secrets import decrypt
from tests.database.requirements.company import dataset
from tests.database.web_clients import script, visitor
from tests.world import World

ROOT = Path(sync.__file__).parents[1]
#: Unique keys without the company, and why each may be so.
WITHOUT_COMPANY = {
    "uq_connection_hook_address": "a delivery names nothing else: 192 random bits that no two companies share",
    "uq_vault_tie_site": "one Procore company to one vault, between companies of ours too",
    "uq_vault_tie_place": "one vault to one Procore company, between companies of ours too",
    "uq_api_token_hash": "a token names nothing else: the hash of 256 random bits",
}
#: Tables that hold nothing of a company; `unscoped` may name them.
OF_NOBODY = {"schedule_slot", "heartbeat", "mark", "alembic_version"}


def test_every_unique_key_of_a_companys_rows_includes_the_company(database):
    """Asked of Postgres itself: what the code declares and what the migrations made may differ."""
    with unscoped() as db:
        found = db.execute(
            text("""
            SELECT i.indexrelid::regclass::text AS name, array_agg(a.attname::text ORDER BY a.attnum) AS columns, i.indisprimary
            FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
            JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = ANY(i.indkey)
            WHERE i.indisunique AND t.relname = ANY(:tables) GROUP BY 1, 3
        """),
            {"tables": list(SCOPED)},
        ).all()
    assert len(found) > 2 * len(SCOPED) - 6, "the test is about nothing"
    open_ones = {r.name for r in found if "company_id" not in r.columns and not (r.indisprimary and r.columns == ["id"])}
    assert open_ones == set(WITHOUT_COMPANY)


def blocks():
    """(file, the texts of SQL) of every `with unscoped()` of the product."""
    for room in ("sync", "tasks", "web", "workers", "cli"):
        for file in sorted((ROOT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.With) and "unscoped()" in ast.unparse(node.items[0]):
                    texts = [n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
                    yield file.relative_to(ROOT), [t for t in texts if re.match(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b", t)]


def test_what_runs_without_a_company_names_no_table_of_companies():
    seen = 0
    for file, statements in blocks():
        for statement in statements:
            seen += 1
            named = set(re.findall(r"\b(?:FROM|JOIN|INTO|UPDATE|TABLE)\s+(?:ONLY\s+)?\"?(\w+)", statement, re.I)) - {"SET"}
            wrong = {n for n in named if n not in OF_NOBODY and not n.startswith(("sitebooks_", "pg_", "unnest", "jsonb_"))}
            assert not wrong, f"{file}: {wrong}"
    assert seen > 10


@pytest.mark.parametrize("odd", ["1 OR true", "1; RESET ROLE", None, "", "nan"])
def test_a_session_is_opened_for_a_number_only(database, odd):
    with pytest.raises((ValueError, TypeError)), session(odd):
        raise AssertionError("it was opened")


def test_a_session_cannot_be_given_another_companys_rows_by_its_own_statements(company):
    """`app.company` is a plain setting: a statement of ours that changed it would cross. None does."""
    for room in ("sync", "tasks", "web", "workers", "cli", "connectors", "models"):
        for file in (ROOT / room).rglob("*.py"):
            if file.name != "session.py" and "migrations" not in file.parts:
                source = file.read_text()
                assert not re.search(r"app\.company|set_config|SET\s+(LOCAL\s+)?ROLE|RESET\s+ROLE", source), file


@pytest.fixture(scope="module")
def pair(database):
    worlds = []
    for name in ("One", "Two"):
        worlds.append(World(new_company(name, "4100"), dataset()))
        worlds[-1].sync()
    yield worlds
    for world in worlds:
        world.close()


def newest(world, table):
    with session(world.company) as db:
        return db.execute(text(f"SELECT max(id) FROM {table}")).scalar_one()


def body_of(described, operation):
    """The smallest body that an operation takes, by its description."""
    if "requestBody" not in operation:
        return {}
    shape = operation["requestBody"]["content"]["application/json"]["schema"]
    shape = described["components"]["schemas"][shape["$ref"].rsplit("/", 1)[1]] if "$ref" in shape else shape
    samples = {"integer": 1, "boolean": True, "string": "x"}
    return {"json": {name: samples.get(shape["properties"][name].get("type")) for name in shape.get("required", ())}}


def test_every_address_of_the_api_that_takes_an_id_finds_no_other_companys(pair):
    one, two = pair
    api, mine = script(one.company, "read", "approve", "admin"), script(two.company, "read", "approve", "admin")
    described = mine.get("/../openapi.json").json()
    paths = [(path, how) for path, hows in described["paths"].items() for how in hows if "_id}" in path]
    assert len(paths) >= 6
    ids = {"record_id": newest(two, "sync_record"), "event_id": newest(two, "event")}
    before = [(r.id, r.state, r.attempt, r.due_at) for r in two.records()]
    for path, how in paths:
        body = body_of(described, described["paths"][path][how])
        answer = api.request(how, path.removeprefix("/api/v1").format(**ids), **body)
        assert answer.status_code == 404, (how, path, answer.text)
    assert [(r.id, r.state, r.attempt, r.due_at) for r in two.records()] == before


def test_pages_find_no_other_companys_either(pair):
    one, two = pair
    theirs = newest(two, "sync_record")
    browser = visitor(one.company, "admin")
    assert browser.get(f"/objects/{theirs}").status_code == 404
    assert browser.get(f"/objects/{newest(one, 'sync_record')}").status_code == 200


def test_a_cursor_made_by_another_company_shows_nothing_of_it(pair):
    one, two = pair
    theirs = script(two.company, "read").get("/records", params={"limit": 1}).json()
    shown = script(one.company, "read").get("/records", params={"after": theirs["after"], "limit": 200}).json()
    assert {r["id"] for r in shown["rows"]} <= {r.id for r in one.records()}


def test_a_webhook_of_one_company_is_not_believed_at_the_others_address(pair):
    one, two = pair
    for system in ("procore", "lentune"):
        with session(one.company) as db:
            secrets = decrypt(db.scalar(text("SELECT hook_secrets FROM connection WHERE system = :s"), {"s": system}))
        two.act("procore", "create_project", number=f"77{system[0]}", name="x", stage="Pre-Construction", region="Auckland")
        two.act("lentune", "create_invoice", number=f"I-{system}", supplier="Pacific Concrete Ltd", date="2026-11-10",
                project="1001", lines=[{"code": "03-300", "type": "M", "net": "1.00", "description": "x"}])  # fmt: skip
        (delivery, *_) = two.simulators[system].tick()
        headers = {k.lower(): v for k, v in delivery.headers.items()}
        assert connector(system).verify(delivery.body, headers, secrets, two.clock.now()) is not None


def test_a_believed_webhook_that_names_another_company_is_parked(pair):
    """The right address and the right secret, and a body about somebody else: nothing is asked, nothing is rung."""
    one, _ = pair
    body = '{"ulid": "x1", "company_id": 9999, "resource_name": "Projects", "resource_id": 1, "event_type": "update"}'
    with session(one.company) as db:
        made = db.execute(
            text("""
            INSERT INTO event (company_id, connection_id, system, event_id, body)
            SELECT company_id, id, system, 'x1', CAST(:b AS jsonb) FROM connection WHERE system = 'procore' RETURNING id
        """),
            {"b": body},
        ).scalar_one()
    one.here()
    asked = len(one.transports["procore"].requests)
    assert inbox.process(one.company, [made])[0] == {}
    with session(one.company) as db:
        event = db.execute(text("SELECT state, note FROM event WHERE id = :i"), {"i": made}).one()
    assert event.state == "parked" and "9999" in event.note
    assert len(one.transports["procore"].requests) == asked


def test_a_token_is_good_for_its_own_company_and_purpose_only(pair):
    one, two = pair
    tokens.ensure_user(one.company, "Ana", "admin")
    for purpose in ("api", "session", "sign_in"):
        made = tokens.new_token(one.company, "Ana", purpose, ("read",) if purpose == "api" else (), timedelta(minutes=1))
        for asked in ("api", "session", "sign_in"):
            found = tokens.identify(made, asked)
            assert (found is not None) == (asked == purpose)
            assert found is None or found.company_id == one.company
        with session(two.company) as db:
            seen = db.execute(text("SELECT count(*) FROM api_token WHERE hash = :h"), {"h": tokens.digest(made)})
            assert seen.scalar_one() == 0


def test_stored_credentials_cannot_be_sent_to_another_address_by_changing_a_setting(pair):
    """An admin's token is not the credentials: with a new address, they are asked for again."""
    one, _ = pair
    one.here()
    for system, names in (("lentune", ["base_url"]), ("procore", ["login_url"]), ("procore", ["base_url", "login_url"])):
        asked = len(one.transports[system].requests)
        with pytest.raises(settings.Refused, match="connecting again"):
            settings.save(one.company, system, dict.fromkeys(names, "https://elsewhere.example"), "Ana")
        assert len(one.transports[system].requests) == asked
    answer = script(one.company, "admin").put("/connections/lentune/settings", json={"base_url": "https://elsewhere.example"})
    assert answer.status_code == 422 and "sitebooks connect" in answer.json()["title"]
