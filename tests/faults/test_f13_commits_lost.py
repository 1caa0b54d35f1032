"""F13: Postgres loses its last commits: a database of some moments ago takes the place of the one that ran."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import sql

from tests.faults.stand import Stand

pytestmark = pytest.mark.fault("F13")


@contextmanager
def nobody_in(site: Stand, *databases: str) -> Iterator[psycopg.Connection]:
    """The administrator's connection, while nobody else is or comes in."""
    with psycopg.connect(site.administrator_url.rpartition("/")[0] + "/postgres", autocommit=True) as admin:
        for name in databases:
            admin.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name)))
            admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
            site.wait(lambda name=name: not admin.execute(
                "SELECT 1 FROM pg_stat_activity WHERE datname = %s", [name]).fetchone(), 10, "somebody is in")  # fmt: skip
        yield admin


def copy(site: Stand, name: str) -> None:
    """What stands in the database now, as another."""
    with nobody_in(site, "sitebooks") as admin:
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE sitebooks OWNER sitebooks").format(sql.Identifier(name)))
        admin.execute("ALTER DATABASE sitebooks ALLOW_CONNECTIONS true")


def put_back(site: Stand, name: str) -> None:
    """That copy takes the place of the database."""
    with nobody_in(site, "sitebooks") as admin:
        admin.execute("ALTER DATABASE sitebooks RENAME TO lost")
        admin.execute(sql.SQL("ALTER DATABASE {} RENAME TO sitebooks").format(sql.Identifier(name)))
        admin.execute("DROP DATABASE lost")


def test_nothing_is_made_a_second_time_and_links_come_back_from_the_keys(site: Stand) -> None:
    before = site.new_commitment()
    site.wait_state("commitment", before)
    site.wait_quiet()
    copy(site, "earlier")
    lost = site.new_commitment()
    link = site.wait_state("commitment", lost)["remote_id"]
    bill, cost = site.new_invoice(before), site.new_invoice()
    for invoice in (bill, cost):
        site.wait_state("invoice", invoice)
    site.wait_quiet()
    links = {invoice: site.record("invoice", invoice)["remote_id"] for invoice in (bill, cost)}
    made = [(e["kind"], e["remote_id"]) for system in site.url for e in site.created(system)]
    put_back(site, "earlier")
    site.wait(lambda: len([why for why in site.stops() if ": restored: " in why]) == 2, 20, "nobody noticed")
    assert not site.record("commitment", lost), "the test is about nothing"
    assert site.command("links", "rebuild", "--apply", "--json")["compared"] > 0
    site.scan(full=True)
    assert site.wait_state("commitment", lost)["remote_id"] == link
    # Lentune knows that they were posted: never again; once their records are there, their links come back too
    for invoice in links:
        site.wait_state("invoice", invoice, "ignored", "synced")
    site.wait_quiet()
    told = site.command("links", "rebuild", "--apply", "--json")
    assert told.get("applied") == len(links), told
    for invoice, remote_id in links.items():
        assert site.wait_state("invoice", invoice)["remote_id"] == remote_id
    site.wait_quiet()
    assert [(e["kind"], e["remote_id"]) for system in site.url for e in site.created(system)] == made
