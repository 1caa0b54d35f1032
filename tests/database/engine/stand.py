"""What the engine's tests share: looking at rows, letting times pass, and a process that dies in the middle of a call."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx
from sqlalchemy import text

from models import session
from sync import engine, scan
from sync.claim import LOST_LIMIT
from tests.database.requirements.company import invoice
from tests.world import World


class Died(BaseException):
    """The process ends here, as after a SIGKILL: nothing of ours catches it and nothing is written down."""


def rows(world: World, statement: str, **values: Any) -> list[Any]:
    """What Postgres holds of this company."""
    with session(world.company) as db:
        return list(db.execute(text(statement), values))


def put(world: World, statement: str, **values: Any) -> None:
    """Changes rows of this company, mostly times that a test cannot wait for."""
    with session(world.company) as db:
        db.execute(text(statement), values)


def record(world: World, record_id: int) -> Any:
    return rows(world, "SELECT * FROM sync_record WHERE id = :id", id=record_id)[0]


def writes(world: World, record_id: int, step: str = "%") -> list[Any]:
    """The intents of a record, oldest first."""
    return rows(world, "SELECT * FROM write WHERE record_id = :id AND step LIKE :s ORDER BY id", id=record_id, s=step)


def states(world: World, record_id: int) -> list[str]:
    """Every state the record came to, in order, by its history."""
    told = rows(
        world, "SELECT after->>'state' FROM history WHERE record_id = :id AND what = 'record.state' ORDER BY id", id=record_id
    )
    return [row[0] for row in told]


def lease_over(world: World, record_id: int) -> None:
    """As if nobody had come back within the lease: it ended, and the record is due since then."""
    put(
        world,
        "UPDATE sync_record SET lease_until = clock_timestamp() - interval '1 s', due_at = clock_timestamp() - interval '1 s',"
        " rung_at = NULL WHERE id = :id AND lease_until IS NOT NULL",
        id=record_id,
    )


def quarantine_over(world: World) -> None:
    put(world, "UPDATE write SET uncertain_until = clock_timestamp() WHERE state = 'uncertain'")
    put(world, "UPDATE write SET lands_until = lands_until - interval '1 hour', looked_at = looked_at - interval '1 hour'")


def run_due(world: World, record_id: int) -> engine.Result:
    """One run, as if its time had come."""
    put(world, "UPDATE sync_record SET due_at = clock_timestamp() WHERE id = :id", id=record_id)
    return engine.run(world.company, [record_id])


def arrive(world: World, number: str = "INV-1", net: str = "1000.00", **other: Any) -> int:
    """An invoice entered in Lentune and seen by a scan; its record is due and nobody has run it. Gives the record's id."""
    world.act("lentune", "create_invoice", **invoice(number, net, **other))
    scan.scan(world.company, "lentune", "invoice")
    return int(world.record("invoice", number).id)


def bring_to_an_end(world: World, record_id: int, tries: int = 10) -> Any:
    """Time passes (leases, quarantines, Lentune's lending of an invoice) until the record rests; gives the record."""
    for _ in range(tries):
        lease_over(world, record_id)
        quarantine_over(world)
        world.clock.advance(301)
        run_due(world, record_id)
        found = record(world, record_id)
        if found.state in ("synced", "needs_attention") and found.due_at is None:
            return found
    raise AssertionError(f"record {record_id} does not come to rest: {record(world, record_id)}")


@contextmanager
def dying(world: World, system: str, at: int, after: bool) -> Iterator[list[str]]:
    """The process dies at the `at`th changing request to a system (from 1): before it is sent, or when it was carried out.

    Gives the changing requests seen.
    """
    transport, seen = world.transports[system], list[str]()
    real: Callable[[httpx.Request], httpx.Response] = transport.handle_request

    def handle(request: httpx.Request) -> httpx.Response:
        if request.method == "GET" or request.url.path.startswith(("/oauth", "/adapter/lentune/oauth")):
            return real(request)
        seen.append(f"{request.method} {request.url.path}")
        if len(seen) == at and not after:
            raise Died
        answer = real(request)
        if len(seen) == at:
            raise Died
        return answer

    transport.handle_request = handle  # type: ignore[method-assign]
    try:
        yield seen
    finally:
        transport.handle_request = real  # type: ignore[method-assign]


def together(work: Callable[[int], None], count: int) -> None:
    """The same work in several threads that start at once. Raises what the first of them raised."""
    gate, failures = threading.Barrier(count), list[BaseException]()

    def body(n: int) -> None:
        try:
            gate.wait(10)
            work(n)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=body, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if failures:
        raise failures[0]


def lose_workers(world: World, record_id: int, first: int = 1) -> None:
    """Workers die before their first changing request, the first one before its `first`, until the record is set aside."""
    for n in range(2 * LOST_LIMIT + 2):
        lease_over(world, record_id)
        quarantine_over(world)
        put(world, "UPDATE sync_record SET due_at = clock_timestamp() WHERE id = :id", id=record_id)
        world.clock.advance(301)
        with dying(world, "procore", 1 if n else first, after=False), suppress(Died):
            engine.run(world.company, [record_id])
        if record(world, record_id).due_at is None:
            return
