"""Seals made at the same time by many: one unbroken chain, no deadlock; and what sealing costs a move."""

import statistics
import time

import psycopg
import pytest
from sqlalchemy import text

from models import session
from models.states import RecordState
from sync import audit, records
from sync.connections import companies, connect, new_company
from sync.records import write_history
from tests.database.engine.stand import together

THREADS, LINES = 8, 25


def make_records(company, count):
    connect(company, "lentune", {"base_url": "http://127.0.0.1"}, {"client_id": "a", "client_secret": "b"})
    with session(company) as db:
        return db.execute(
            text("""
            INSERT INTO sync_record (company_id, connection_id, kind, direction, source_id, key)
            SELECT company_id, id, 'project', 'from_procore', n, n FROM connection, generate_series(1, :n) n
            RETURNING id, company_id, state
        """),
            {"n": count},
        ).all()


def test_many_writers_of_one_history_make_one_chain(company):
    """Each transaction touches records in another order than the others, two of them at a time, and writes several lines."""
    made = make_records(company, THREADS)

    def write(n):
        for k in range(LINES):
            with session(company) as db:
                for record in sorted({made[n].id, made[(n + k) % THREADS].id}):
                    db.execute(text("UPDATE sync_record SET tries = tries + 1 WHERE id = :id"), {"id": record})
                    write_history(db, company, record, f"writer {n}", "record.note", None, {"k": k})

    together(write, THREADS)
    verdict = audit.verify(company)
    assert verdict.ok, verdict.broken
    # in every eighth transaction both records are the same one
    assert verdict.lines == verdict.head.no == sum(1 if k % THREADS == 0 else 2 for k in range(LINES)) * THREADS


def test_writers_of_two_companies_have_two_chains(company):
    other = new_company("The other company", "9999")

    def write(n):
        for _ in range(LINES):
            with session((company, other)[n % 2]) as db:
                write_history(db, (company, other)[n % 2], None, "x", "x", None, None)

    together(write, 4)
    for one in (company, other):
        verdict = audit.verify(one)
        assert verdict.ok and verdict.lines == verdict.head.no == 2 * LINES


def test_a_transaction_that_is_given_up_leaves_neither_line_nor_seal(company):
    with pytest.raises(ZeroDivisionError), session(company) as db:
        write_history(db, company, None, "x", "x", None, None)
        raise ZeroDivisionError
    with session(company) as db:
        write_history(db, company, None, "x", "x", None, None)
    verdict = audit.verify(company)
    assert verdict.ok and verdict.lines == verdict.head.no == 1


def test_the_head_of_every_company_goes_to_the_log_once_a_day(company, monkeypatch, caplog):
    from tasks import maintenance

    with session(company) as db:
        write_history(db, company, None, "x", "x", None, None)
    monkeypatch.setattr(maintenance, "claimed", lambda schedule: [object()])
    with caplog.at_level("INFO"):
        maintenance.housekeeping("housekeeping")
    assert f"history of company {company} ends at {audit.head(company)}" in caplog.text
    assert caplog.text.count("history of company") == len(companies())


def test_what_a_seal_costs_a_move(company, database, record_property):
    """Printed with -s; the bound only catches a seal that got slower with the length of the chain."""
    made = make_records(company, 200)

    def moves(rows):
        times = []
        for row in rows:
            started = time.perf_counter()
            with session(company) as db:
                records.move(db, row, RecordState.ignored, "test", reason="measured")
            times.append(time.perf_counter() - started)
        return statistics.median(times)

    moves(made[:20])
    took: dict[bool, list[float]] = {True: [], False: []}
    with psycopg.connect(database, autocommit=True) as db:
        for n in range(6):
            on = n % 2 == 0
            db.execute(f"ALTER TABLE history {'ENABLE' if on else 'DISABLE'} TRIGGER seal")
            took[on].append(moves(made[20 + 30 * n : 50 + 30 * n]))
        db.execute("ALTER TABLE history ENABLE TRIGGER seal")
    with_seal, without = statistics.median(took[True]), statistics.median(took[False])
    record_property("ratio", round(with_seal / without, 2))
    print(f"a move: {with_seal * 1000:.2f} ms sealed, {without * 1000:.2f} ms unsealed, ratio {with_seal / without:.2f}")
    assert with_seal < 5 * without
