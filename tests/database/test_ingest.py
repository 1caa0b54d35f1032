"""The webhook endpoint on a real database: what is stored, what is refused, what is rung."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from connectors import registry
from models import session
from settings.environment import environment
from sync.secrets import encrypt
from web import webhooks
from web.addresses import Addresses
from web.inbox import Delivery, Inbox, NotStorable
from web.webhooks import LARGEST_BODY, Webhooks

pytestmark = pytest.mark.database

SECRET = "let me in"
Rows = list[tuple[int, int]]


def verify(body: bytes, headers: Any, known: Any, now: Any) -> str | None:
    return None if headers.get("Authorization") in known else "wrong secret"


@pytest.fixture(autouse=True)
def bell(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system whose deliveries carry their secret in a header and their id as `id`."""
    declared = SimpleNamespace(system="bell", verify=verify, event_id=lambda body: str(body["id"]))
    monkeypatch.setattr(registry, "all_connectors", lambda: {"bell": declared})
    monkeypatch.setattr(webhooks, "all_connectors", lambda: {"bell": declared})


@pytest.fixture
def address(company: int) -> str:
    """The webhook address of a connection of the company."""
    made = secrets.token_urlsafe(16)
    with session(company) as db:
        db.execute(
            text("INSERT INTO connection (company_id, system, hook_address, hook_secrets) VALUES (:c, 'bell', :a, :s)"),
            {"c": company, "a": made, "s": encrypt([SECRET, "the one before"])},
        )
    return made


def stored(company: int) -> list[Any]:
    with session(company) as db:
        return list(db.execute(text("SELECT id, event_id, body, state FROM event ORDER BY id")))


@asynccontextmanager
async def listening(url: str | None = None) -> AsyncIterator[tuple[httpx.AsyncClient, Rows]]:
    """A client of the endpoint, and what was handed to the publisher."""
    rung: Rows = []
    address_of = url or environment().database()
    addresses, inbox = Addresses(address_of), Inbox(address_of, rung.extend)
    transport = httpx.ASGITransport(Webhooks(addresses, inbox))
    async with httpx.AsyncClient(transport=transport, base_url="http://web") as client:
        yield client, rung
    await inbox.close()
    await addresses.close()


def run(work: Callable[[httpx.AsyncClient, Rows], Coroutine[Any, Any, Any]], url: str | None = None) -> Any:
    async def inside() -> Any:
        async with listening(url) as (client, rung):
            return await work(client, rung)

    return asyncio.run(inside())


async def deliver(client: httpx.AsyncClient, address: str, body: Any) -> httpx.Response:
    return await client.post(f"/webhooks/bell/{address}", content=body, headers={"Authorization": SECRET})


def one(
    address: str, body: bytes | str, secret: str = SECRET, path: str = "/webhooks/bell/{}", method: str = "POST"
) -> httpx.Response:
    async def work(client: httpx.AsyncClient, rung: Rows) -> httpx.Response:
        return await client.request(method, path.format(address), content=body, headers={"Authorization": secret})

    return run(work)


def test_stored_before_it_is_answered_and_rung_once(company: int, address: str) -> None:
    async def work(client: httpx.AsyncClient, rung: Rows) -> None:
        answer = await deliver(client, address, '{"id": 4711, "net": 12.10}')
        assert answer.status_code == 202
        (row,) = stored(company)
        assert (row.event_id, row.body, row.state) == ("4711", {"id": 4711, "net": 12.10}, "received")
        assert rung == [(company, row.id)]

    run(work)


def test_the_same_event_twice_is_one_row_and_one_ring(company: int, address: str) -> None:
    async def work(client: httpx.AsyncClient, rung: Rows) -> None:
        for _ in range(2):
            answer = await deliver(client, address, '{"id": 1}')
            assert answer.status_code == 202
        assert len(stored(company)) == len(rung) == 1

    run(work)


def test_the_secret_before_the_newest_is_still_good(company: int, address: str) -> None:
    assert one(address, '{"id": 1}', secret="the one before").status_code == 202


@pytest.mark.fault("F45")
@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (r"a\u0000b", "ab"),
        (r"a\ud800b", "a\ufffdb"),
        (r"a\udc00\ud800b", "a\ufffd\ufffdb"),
        (r"a\ud83c\udfd7b", "a\U0001f3d7b"),
        (r"a\\u0000b", r"a\u0000b"),
    ],
)
def test_text_that_the_database_cannot_hold_refuses_no_doorbell(company: int, address: str, sent: str, kept: str) -> None:
    """Kept as all text is kept. A 400 would be sent again for days, and what comes after it might wait behind it."""
    assert one(address, f'{{"id": 1, "t": "{sent}"}}').status_code == 202
    assert [event.body["t"] for event in stored(company)] == [kept]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b'{"id": 1', 400, "webhook_malformed"),
        (b"\xff\xfe", 400, "webhook_malformed"),
        (b"", 400, "webhook_malformed"),
        (b"[1]", 400, "webhook_malformed"),
        (b'{"id": 1, "n": NaN}', 400, "webhook_malformed"),
        (b'{"id": 1, "n": 1e400000}', 400, "webhook_malformed"),
        (b'{"id": 1, "n": ' + b"9" * 5000 + b"}", 400, "webhook_malformed"),
        (b'{"id": 1, "d": ' + b"[" * 20 + b"]" * 20 + b"}", 400, "webhook_too_deep"),
        (b'{"id": 1, "d": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400, "webhook_malformed"),
        (b'{"id": ""}', 400, "webhook_without_id"),
        (b'{"ID": 1}', 400, "webhook_without_id"),
        (b'{"id": "' + b"x" * 300 + b'"}', 400, "webhook_without_id"),
        (b'{"id": 1, "pad": "' + b"x" * LARGEST_BODY + b'"}', 413, "webhook_too_large"),
    ],
)
def test_bad_bodies_are_refused_and_nothing_is_stored(
    company: int, address: str, body: bytes, status: int, code: str
) -> None:
    answer = one(address, body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert stored(company) == []


def test_as_deep_as_allowed(company: int, address: str) -> None:
    assert one(address, b'{"id": 1, "d": ' + b"[" * 19 + b"]" * 19 + b"}").status_code == 202


def test_wrong_secret(company: int, address: str) -> None:
    assert one(address, '{"id": 1}', secret="guess").status_code == 401
    assert one(address, "not even json", secret="guess").status_code == 401
    assert stored(company) == []


@pytest.mark.parametrize(
    "path", ["/webhooks/bell/unknown", "/webhooks/lentune/{}", "/webhooks/bell/", "/webhooks/bell/{}/more"]
)
def test_unknown_address_or_system(company: int, address: str, path: str) -> None:
    assert one(address, '{"id": 1}', path=path).status_code == 404
    assert stored(company) == []


def test_other_methods(company: int, address: str) -> None:
    answer = one(address, "", method="GET")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_deliveries_of_a_connection_that_is_switched_off_are_kept(company: int, address: str) -> None:
    with session(company) as db:
        db.execute(text("UPDATE connection SET enabled = false"))
    assert one(address, '{"id": 1}').status_code == 202
    assert [event.state for event in stored(company)] == ["received"]


def test_a_sender_that_lies_about_its_length_is_cut_off(company: int, address: str) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65536

    async def work(client: httpx.AsyncClient, rung: Rows) -> int:
        return (await deliver(client, address, endless())).status_code

    assert run(work) == 413


def test_a_sender_that_stops_half_way_is_cut_off(company: int, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "READ_SECONDS", 0.05)

    async def stuck() -> AsyncIterator[bytes]:
        yield b'{"id"'
        await asyncio.Event().wait()

    async def work(client: httpx.AsyncClient, rung: Rows) -> int:
        return (await deliver(client, address, stuck())).status_code

    assert run(work) == 408


def test_many_at_once_share_commits_and_a_bad_one_refuses_only_itself(company: int, address: str) -> None:
    async def work(client: httpx.AsyncClient, rung: Rows) -> list[int]:
        bodies = [f'{{"id": {n}, "n": {"1e400000" if n == 17 else "1"}}}' for n in range(60)]
        answers = await asyncio.gather(*(deliver(client, address, body) for body in bodies))
        assert len(rung) == 59
        return [answer.status_code for answer in answers]

    statuses = run(work)
    assert statuses.count(202) == 59
    assert statuses[17] == 400
    assert {row.event_id for row in stored(company)} == {str(n) for n in range(60) if n != 17}


def test_waiting_deliveries_go_into_one_insert(company: int, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with session(company) as db:
        connection_id = db.execute(text("SELECT id FROM connection")).scalar_one()
    sizes: list[int] = []
    plain = Inbox._insert

    async def counted(self: Inbox, deliveries: list[Delivery]) -> Rows:
        sizes.append(len(deliveries))
        return await plain(self, deliveries)

    monkeypatch.setattr(Inbox, "_insert", counted)

    async def work() -> None:
        inbox = Inbox(environment().database(), lambda rows: None)
        await asyncio.gather(*(inbox.store(Delivery(company, connection_id, "bell", str(n), "{}")) for n in range(40)))
        await inbox.close()

    asyncio.run(work())
    assert sizes == [40]


def test_database_down_is_503(address: str) -> None:
    async def work(client: httpx.AsyncClient, rung: Rows) -> httpx.Response:
        return await deliver(client, address, '{"id": 1}')

    answer = run(work, url="postgresql://sitebooks:x@127.0.0.1:1/nowhere")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


def test_a_connection_that_ended_meanwhile_refuses_nothing(company: int, address: str) -> None:
    with session(company) as db:
        connection_id = db.execute(text("SELECT id FROM connection")).scalar_one()

    async def work() -> None:
        inbox = Inbox(environment().database(), lambda rows: None)
        await inbox.store(Delivery(company, connection_id, "bell", "1", "{}"))
        assert inbox._kept._connection
        pid = inbox._kept._connection.info.backend_pid
        with session(company) as db:
            db.execute(text("RESET ROLE"))
            db.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
        await inbox.store(Delivery(company, connection_id, "bell", "2", "{}"))
        await inbox.store(Delivery(company, connection_id, "bell", "2", "{}"))
        with pytest.raises(NotStorable):
            await inbox.store(Delivery(company, connection_id, "bell", "4", '{"t": "\\u0000"}'))
        await inbox.close()

    asyncio.run(work())
    assert [row.event_id for row in stored(company)] == ["1", "2"]
