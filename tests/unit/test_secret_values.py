"""Secrets are blanked in every line that is logged, in every error that is kept, and in what a failed task tells."""

import json
import logging
import sys
import threading
from collections.abc import Iterator

import httpx
import pytest

from connectors.calls import CallFailed, Request
from connectors.lentune.client import connect
from objects.problem import Problem
from settings import secret_values
from settings.lentune import LentuneSettings
from settings.secret_values import blank, blank_in, remember
from sync.problems import as_plain
from tests.fakes import MemoryBudget, MemoryStore

SECRET = 'Canary-4711-"quoted"-ü/+='


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    before = dict(secret_values._known)
    yield
    secret_values._known.clear()
    secret_values._known.update(before)


@pytest.mark.parametrize("shape", [
    "{}", "before{}after", "https://host/path?x={}", "[{}]", "{}{}",
])  # fmt: skip
def test_a_known_secret_is_blanked_wherever_it_stands(shape: str) -> None:
    remember({"client_secret": SECRET})
    for form in (SECRET, httpx.QueryParams({"x": SECRET})["x"], json.dumps(SECRET), repr(SECRET)):
        assert "4711" not in blank(shape.replace("{}", form))


@pytest.mark.parametrize(("line", "shown"), [
    ("Authorization: Bearer hunter2", "Authorization: Bearer ***"),
    ("{'authorization': 'Basic aHVudGVyMg=='}", "{'authorization': 'Basic ***'}"),
    ("sent Bearer abcdefghijklmnop to them", "sent Bearer *** to them"),
    ("grant_type=x&client_secret=abc&refresh_token=def&x=1", "grant_type=x&client_secret=***&refresh_token=***&x=1"),
    ('{"client_secret": "abc", "password": null}', '{"client_secret": "***", "password": null}'),
    (r'said {\"access_token\": \"abc\"}', r'said {\"access_token\": \"***\"}'),
    ("postgresql://me:hunter2@host/db and redis://:hunter2@host", "postgresql://me:***@host/db and redis://:***@host"),
    ('missing "=" after "postgresqlx://me:hunter2@host/db"', 'missing "=" after "postgresqlx://me:***@host/db"'),
    ("GET /sign-in/abcdefghijklmnopqrst", "GET /sign-in/***"),
    ("Bearer 140x45 and Basic materials, PO 100", "Bearer 140x45 and Basic materials, PO 100"),
])  # fmt: skip
def test_what_looks_like_a_secret_is_blanked_and_what_is_timber_is_not(line: str, shown: str) -> None:
    assert blank(line) == shown


def test_what_is_open_and_what_is_short_stays_readable() -> None:
    remember({"grant_type": "client_credentials", "client_id": "app-4711", "tenant": "kauri-and-sons", "pin": "1234"})
    said = "client_credentials of app-4711 for kauri-and-sons, 1234"
    assert blank(said) == said


def test_the_newest_secrets_are_kept_and_a_longer_one_goes_first() -> None:
    for n in range(secret_values.MOST):
        remember(f"old-token-{n:06}")
    remember(["token-of-today", "token-of-today-and-more"])
    assert blank("token-of-today-and-more, token-of-today, old-token-000000") == "***, ***, old-token-000000"


def test_plain_data_is_blanked_in_depth() -> None:
    remember(SECRET)
    assert blank_in({"a": [SECRET, 1, {"b": f"x{SECRET}"}], "n": None}) == {"a": ["***", 1, {"b": "x***"}], "n": None}


def test_a_problem_keeps_no_secret() -> None:
    remember(SECRET)
    assert "4711" not in json.dumps(as_plain(Problem("not_understood", {"reason": f"they said {SECRET}"})), ensure_ascii=False)


@pytest.fixture
def loggers() -> Iterator[None]:
    """Put back afterwards."""
    root = logging.getLogger()
    before = root.handlers[:], root.level, sys.excepthook, threading.excepthook
    yield
    root.handlers[:], root.level, sys.excepthook, threading.excepthook = before


@pytest.mark.usefixtures("loggers")
def test_every_way_of_logging_goes_through_one_sink(capsys: pytest.CaptureFixture[str]) -> None:
    import structlog

    from workers import logs

    logs.configure()
    remember(SECRET)
    logging.getLogger("celery.worker").error("it said %r", {"body": SECRET})
    logging.getLogger("uvicorn.error").error(SECRET)
    logging.getLogger("ours").error("%d of these", SECRET)
    logging.getLogger("httpx").warning("HTTP Request: GET https://x/?token=%s", SECRET)
    structlog.get_logger("ours").warning("said", reason={"deep": [SECRET]}, client_secret="abc", n=1)
    try:
        raise ValueError(SECRET) from KeyError(SECRET)
    except ValueError:
        logging.getLogger("ours").exception("failed")
    threading.Thread(target=lambda: int(SECRET)).start()
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join(5)
    sys.excepthook(RuntimeError, RuntimeError(SECRET), None)
    said = capsys.readouterr().err
    assert "4711" not in said and "abc" not in said
    assert said.count("ValueError") >= 2 and "KeyError" in said and "a thread ends" in said and "the process ends" in said


def echoing(status: int) -> object:
    """A client whose system answers errors that repeat the request, headers and all."""

    def handle(request: httpx.Request) -> httpx.Response:
        sent = f"{dict(request.headers)} {request.content.decode()}"
        if request.url.path.endswith("/oauth/token") and status != 401:
            return httpx.Response(200, json={"access_token": "an-access-token-4711", "expires_in": 3600})
        if request.url.path.endswith("/procore-companies"):
            return httpx.Response(200, json={"data": [{"procore_company_id": "1"}], "next_cursor": None})
        return httpx.Response(status, json={"detail": f"your request was {sent}", "seen": {"headers": sent}})

    store = MemoryStore({"client_id": "id", "client_secret": "a-client-secret-4711"})
    settings = LentuneSettings(base_url="http://127.0.0.1:8702")
    return connect(settings, store, MemoryBudget(), company="1", transport=httpx.MockTransport(handle))


@pytest.mark.parametrize("status", [401, 400, 403, 422, 429, 500, 503])
def test_an_error_that_repeats_the_request_is_kept_without_its_secrets(status: int) -> None:
    client = echoing(status)
    with pytest.raises(CallFailed) as refused:
        client.get("/branches")  # type: ignore[attr-defined]
    answer = client.send(Request("POST", "/purchase-orders", body={"a": 1}))  # type: ignore[attr-defined]
    for kept in (refused.value, refused.value.answer, answer):
        assert "4711" not in f"{kept!s} {kept!r}"
    assert "your request was" in refused.value.answer.reason


def test_a_failed_task_tells_no_secret_and_keeps_its_place() -> None:
    import traceback

    from tasks.base import BlankingTask, Failed

    class Reading(BlankingTask):
        name = "test.reading"

        def run(self, said: str) -> None:
            try:
                int(said)
            except ValueError as error:
                raise LookupError(said) from error

    remember(SECRET)
    with pytest.raises(Failed, match=r"LookupError: \*\*\*") as failed:
        Reading()(SECRET)
    whole = "".join(traceback.format_exception(failed.value))
    assert "4711" not in whole and "raise LookupError(said)" in whole
    with pytest.raises(LookupError, match="nothing secret"):
        Reading()("nothing secret")


def test_every_task_is_one_of_these() -> None:
    from tasks.base import BlankingTask
    from workers.app import app

    app.loader.import_default_modules()
    ours = {name: task for name, task in app.tasks.items() if name.startswith("sitebooks.")}
    assert len(ours) > 15
    assert [name for name, task in ours.items() if not isinstance(task, BlankingTask)] == []
