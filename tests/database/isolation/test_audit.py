"""A history changed by the tables' owner, who may do anything in the database, is found out by reading it."""

import hashlib
import json

import psycopg
import pytest
from sqlalchemy import text

from cli.main import app, load_commands
from models import session
from sync import audit
from sync.connections import new_company
from sync.records import write_history
from tests.database.requirements.company import dataset, invoice, order
from tests.world import World

ODD = 'Ana "the \\ boss" \t\n\r\b\f\x01\x1f\x7f / Whangārei — 🏗 \u2028'


@pytest.fixture
def written(company):
    """Six lines with everything that JSON writes in more than one way."""
    for n in range(6):
        with session(company) as db:
            write_history(db, company, None, ODD, "settings.lentune", {"a": 1.50, "ü": [ODD, None]}, {"n": n, "big": 10**20}, ODD)
    return company


@pytest.fixture
def owner(database):
    """What an attacker with the owner's password has. Gives a function that runs one statement and commits."""
    with psycopg.connect(database, autocommit=True) as db:
        yield lambda statement, *values: db.execute(statement, values or None)


def found(company):
    return [(one.what, one.no) for one in audit.verify(company).broken]


def lines(company):
    with session(company) as db:
        return list(db.scalars(text("SELECT id FROM history ORDER BY id")))


def unsealed(owner, statement, *values):
    owner("ALTER TABLE history DISABLE TRIGGER seal")
    try:
        owner(statement, *values)
    finally:
        owner("ALTER TABLE history ENABLE TRIGGER seal")


def test_an_untouched_history_verifies_and_its_head_is_the_newest_seal(written):
    verdict = audit.verify(written)
    assert (verdict.ok, verdict.lines, verdict.count, verdict.kept) == (True, 6, 0, None)
    assert verdict.head == audit.head(written) and verdict.head.no == 6
    assert audit.verify(written, str(verdict.head)).kept and audit.verify(written, verdict.head.hash.upper()).kept


def test_a_company_without_history_is_no_failure(company):
    assert audit.verify(company) == audit.Verdict()
    assert audit.head(company) is None


@pytest.mark.parametrize(
    "change",
    ["actor = 'Ben'", "reason = NULL", "at = at + interval '1 microsecond'", """after = '{"n": 9}'"""],
)
def test_a_changed_line_is_found_and_named(written, owner, change):
    third = lines(written)[2]
    owner(f"UPDATE history SET {change} WHERE id = %s", third)
    assert [(b.what, b.no, b.line) for b in audit.verify(written).broken] == [("changed", 3, third)]


def test_a_line_moved_to_another_company_is_found_in_both(written, owner):
    other = new_company("The other company", "9999")
    owner("UPDATE history SET company_id = %s WHERE id = %s", other, lines(written)[2])
    assert found(written) == [("deleted", 3)]
    assert found(other) == [("unsealed", None)]


def test_a_deleted_line_is_found(written, owner):
    owner("DELETE FROM history WHERE id = %s", lines(written)[3])
    assert found(written) == [("deleted", 4)]


def test_a_line_deleted_with_its_seal_is_found(written, owner):
    fourth = lines(written)[3]
    owner("DELETE FROM history WHERE id = %s", fourth)
    owner("DELETE FROM seal WHERE history_id = %s AND company_id = %s", fourth, written)
    assert found(written) == [("gap", 5), ("changed", 5)]


def test_a_line_slipped_in_without_a_seal_is_found(written, owner):
    unsealed(owner, "INSERT INTO history (company_id, actor, what) VALUES (%s, 'Ben', 'x')", written)
    assert found(written) == [("unsealed", None)]


def test_lines_that_changed_places_are_found(written, owner):
    two, three = lines(written)[1:3]
    owner("UPDATE seal SET history_id = -1 WHERE history_id = %s AND company_id = %s", two, written)
    owner("UPDATE seal SET history_id = %s WHERE history_id = %s AND company_id = %s", two, three, written)
    owner("UPDATE seal SET history_id = %s WHERE history_id = -1 AND company_id = %s", three, written)
    assert found(written) == [("changed", 2), ("changed", 3)]


def test_seals_made_anew_after_a_change_are_given_away_by_a_head_that_was_kept(written, owner):
    """The owner can recompute every seal: only what lies elsewhere proves that they did."""
    kept = audit.head(written)
    owner("UPDATE history SET actor = 'Ben' WHERE id = %s", lines(written)[1])
    before = b""
    with session(written) as db:
        rows = list(audit._rows(db, written))
    for row in rows:
        before = hashlib.sha256(before + audit.line(row)).digest()
        owner("UPDATE seal SET hash = %s WHERE company_id = %s AND no = %s", before, written, row.no)
    assert audit.verify(written).ok, "the chain itself is whole again"
    assert audit.verify(written, str(kept)).kept is False and not audit.verify(written, str(kept)).ok


def test_a_history_cut_short_is_given_away_by_a_head_that_was_kept(written, owner):
    kept = audit.head(written)
    last = lines(written)[-1]
    owner("DELETE FROM history WHERE id = %s", last)
    owner("DELETE FROM seal WHERE history_id = %s AND company_id = %s", last, written)
    assert audit.verify(written).ok
    assert not audit.verify(written, kept.hash).ok


def test_a_head_with_another_number_is_not_the_one_that_was_kept(written):
    assert audit.verify(written, f"5:{audit.head(written).hash}").kept is False


def test_more_than_can_be_told_is_counted(written, owner):
    for _ in range(audit.MOST_TOLD):
        unsealed(owner, "INSERT INTO history (company_id, actor, what) VALUES (%s, 'Ben', 'x')", written)
    owner("DELETE FROM history WHERE id = %s", lines(written)[0])
    verdict = audit.verify(written)
    assert verdict.count == audit.MOST_TOLD + 1 and len(verdict.broken) == audit.MOST_TOLD
    assert verdict.broken[0].what == "deleted", "the first broken line comes first"


@pytest.fixture
def busy(company):
    """A company in which things happened."""
    made = World(company, dataset(commitments=[order()], invoices=[invoice()]))
    made.sync()
    yield made
    made.close()


def test_every_records_story_ends_where_it_stands(busy, owner):
    verdict = audit.verify(busy.company)
    assert verdict.ok and verdict.lines > 20, verdict.broken
    one = busy.record("commitment", "PO-1")
    owner("UPDATE sync_record SET state = 'ignored' WHERE id = %s", one.id)
    assert [(b.what, b.record) for b in audit.verify(busy.company).broken] == [("state", one.id)]


def test_a_record_that_no_line_moved_is_found(busy, owner):
    one = busy.record("commitment", "PO-1")
    unsealed(
        owner,
        "INSERT INTO sync_record (company_id, connection_id, kind, direction, source_id, key, state) "
        "VALUES (%s, %s, 'project', 'from_procore', 'odd', 'odd', 'synced')",
        busy.company, one.connection_id,
    )  # fmt: skip
    assert found(busy.company) == [("state", None)]


def run(monkeypatch, company, *arguments):
    """The command as a person runs it, in process; gives its exit code and what went to stdout."""
    from typer.testing import CliRunner

    monkeypatch.setattr("cli.place.attach", lambda: {"company_id": company})
    load_commands()
    answer = CliRunner().invoke(app, ["audit", "verify", "--company", str(company), *arguments])
    return answer.exit_code, answer.stdout


def test_the_command_says_what_is_wrong_and_what_to_do(monkeypatch, written, owner):
    code, said = run(monkeypatch, written, "--json")
    head = json.loads(said)["head"]
    assert (code, head["no"], len(head["hash"])) == (0, 6, 64)
    assert run(monkeypatch, written, "--head", f"6:{head['hash']}")[0] == 0
    assert run(monkeypatch, written, "--head", "0" * 64)[0] == 3
    owner("UPDATE history SET actor = 'Ben' WHERE id = %s", lines(written)[2])
    code, said = run(monkeypatch, written, "--json")
    told = json.loads(said)
    assert code == 3 and told["broken"][0]["no"] == 3 and told["broken"][0]["line"] == lines(written)[2]
    assert "docs/audit.md" in told["fix"]
    code, said = run(monkeypatch, written)
    assert code == 3 and "seal 3" in said and "Fix:" in said
