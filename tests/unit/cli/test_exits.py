"""Every failure has one code, one fix, one exit code; and each name in the table is a class that exists."""

import importlib

import pytest

from cli import exits
from cli.exits import TABLE, Failure, failure_of, unexpected
from connectors.calls import Answer, Forbidden, Request, SignInRefused, Unavailable
from objects.outcome import Outcome
from sync.approval import Changed


@pytest.mark.parametrize("name", TABLE)
def test_the_table_names_real_classes(name: str) -> None:
    module, _, called = name.rpartition(".")
    assert issubclass(getattr(importlib.import_module(module), called), Exception)


@pytest.mark.parametrize(("error", "code", "exit_code"), [
    (Unavailable(Request("GET", "/x"), Answer(Outcome.not_applied, 503)), "system_unreachable", exits.UNREACHABLE),
    (SignInRefused(Request("POST", "/oauth/token"), Answer(Outcome.refused, 401)), "reconnect_needed", exits.NOT_AUTHORISED),
    (Forbidden(Request("GET", "/x"), Answer(Outcome.refused, 403)), "permission_missing", exits.NOT_AUTHORISED),
    (Changed(3, None), "changed_after_you_looked", exits.REFUSED),
    (ConnectionRefusedError("no"), "unreachable", exits.UNREACHABLE),
])  # fmt: skip
def test_the_nearest_class_decides(error: Exception, code: str, exit_code: int) -> None:
    failure = failure_of(error)
    assert failure is not None and (failure.code, failure.exit_code) == (code, exit_code)
    assert failure.fix and failure.lines()[1].startswith("Fix: ")


def test_what_nobody_expected_is_named_and_is_exit_1() -> None:
    error = ZeroDivisionError("division by zero\nsecond line")
    assert failure_of(error) is None
    failure = unexpected(error)
    assert failure.exit_code == 1 and failure.cause == "ZeroDivisionError: division by zero"


def test_more_goes_into_the_document() -> None:
    failure = exits.wrong_usage("two", "choose", "ambiguous", candidates=[1, 2])
    assert failure.plain()["candidates"] == [1, 2] and failure.plain()["error"]["exit_code"] == exits.USAGE
    assert isinstance(failure, Failure)
