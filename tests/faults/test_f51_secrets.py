"""F51: every secret of a running stack is put wherever it can go wrong, and found nowhere (I9)."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults import canaries
from tests.faults.canaries import FALSE, WAYS, Ears, command, found, get, true_secrets
from tests.faults.hooks import Hook
from tests.faults.stand import Stand, opened
from tests.oracles import broken

pytestmark = [pytest.mark.fault("F51"), pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def stack() -> Iterator[Stand]:
    """One of its own: what happens here would show in the other rows' logs."""
    with opened(EXTRA_TASKS="tests.faults.careless") as running:
        yield running


def echo(known: dict[str, str], system: str, *kinds: str) -> dict[str, Any]:
    """An error as some servers make it: with everything that they were ever sent."""
    sent = {name: one for name, one in known.items() if name.startswith(system) and any(kind in name for kind in kinds)}
    assert sent
    said = json.dumps(sent) + " " + " ".join(f"Authorization: Bearer {one}" for one in sent.values())
    return {"error": "internal", "detail": said, "message": said, "errors": said, "title": said}


def sign_in_again(stack: Stand) -> None:
    stack.change("UPDATE credential SET token = NULL, token_expires_at = NULL")
    stack.change("UPDATE connection SET blocked_code = NULL, blocked_at = NULL")
    stack.change("UPDATE sync_record SET due_at = clock_timestamp(), rung_at = NULL WHERE state IN ('held', 'pending')")


def test_none_of_them_is_found_anywhere(stack: Stand) -> None:
    ears, known = Ears(stack), true_secrets(stack)
    number, record = _echoes(stack, known)
    known |= true_secrets(stack)
    said = command(stack, "secrets", "rotate-webhooks", "--json")  # two more, in use from here on
    assert said.startswith("0\n"), said
    body = echo(true_secrets(stack), "lentune", "webhook")
    stack.fault("lentune", "status", {"method": "POST", "path": "webhook"}, status=500, body=body)
    said = command(stack, "secrets", "rotate-webhooks", "--json")
    assert said.startswith("5\n") and not found(true_secrets(stack), "a refused webhook secret", said)
    stack.mend()
    _careless_tasks(stack)
    known |= true_secrets(stack)
    _strangers(stack)
    _wrong_settings(stack)
    ears.listen()
    known |= true_secrets(stack) | FALSE
    assert len(known) >= 20, sorted(known)
    places = [*canaries.in_broker(stack), *canaries.in_files(stack), *canaries.in_database(stack)]
    places += [*canaries.in_answers(stack, record), *canaries.in_commands(stack, number)]
    places += [("the broker's channels", heard) for heard in ears.listen()]
    assert len(places) > 200, "the test is about nothing"
    leaks = [leak for place, text in places for leak in found(known, place, text)]
    assert not leaks, "\n".join(sorted(set(leaks)))
    assert broken(stack.sight, list(known.values())) == []
    whole = "\n".join(text for place, text in places)
    for way in WAYS:
        assert f"careless {way}" in whole, f"nobody saw the careless task's {way}: the test is about nothing"


def _echoes(stack: Stand, known: dict[str, str]) -> tuple[str, int]:
    """Errors that repeat secrets, at writing, reading and signing in; gives an invoice that met one, and its record."""
    body, theirs = (echo(known, system, "client_secret", "token") for system in ("procore", "lentune"))
    for status in (500, 403, 422):
        stack.fault("procore", "status", {"method": "POST"}, status=status, body=body, times=1)
        number = stack.new_invoice(net="10.00")
        stack.wait_state("invoice", number, "held", "needs_attention", "checking", "synced", seconds=30)
    stack.fault("lentune", "status", {"method": "GET", "path": "/invoices/"}, status=500, body=theirs, times=1)
    shown = {"net_total": f"Bearer {known['lentune client_secret']}", "status": known["procore client_secret"]}
    stack.fault("lentune", "mutate", {"method": "GET", "path": "/invoices/"}, change=shown, times=1)
    stack.new_invoice(net="20.00")
    for system, said in (("procore", body), ("lentune", theirs)):
        stack.fault(system, "status", {"path": "/oauth/"}, status=401, body=said, times=1)
    sign_in_again(stack)
    number = stack.new_invoice(net="30.00")
    stack.wait(lambda: stack.rows("SELECT 1 FROM connection WHERE blocked_code IS NOT NULL"), 20, "no sign-in was refused")
    stack.mend()
    sign_in_again(stack)
    stack.wait_state("invoice", number, seconds=40)
    return number, int(stack.record("invoice", number)["id"])


def _careless_tasks(stack: Stand) -> None:
    for way in WAYS:
        stack.send("tests.careless", stack.company, way)
    stack.wait(lambda: all(f"careless {way}" in stack.log("worker-interactive") for way in WAYS), 30, "not every way was tried")


def _strangers(stack: Stand) -> None:
    """Wrong secrets at every door."""
    for system, headers in (("procore", {"Authorization": f"Bearer {FALSE['webhook secret']}"}),
                            ("lentune", {"X-Signature": f"t=1,v1={FALSE['webhook secret']}"})):  # fmt: skip
        assert Hook(stack, system).deliver(b'{"ulid": "1"}', headers)[0] == 401
    assert get(f"{stack.web}/api/v1/status", Authorization=f"Bearer {FALSE['api token']}").startswith("401")
    assert get(f"{stack.web}/sign-in/{FALSE['sign-in link']}").startswith("401")
    assert get(f"{stack.web}/api/v1/none?token={FALSE['api token']}").startswith("404")
    wrong = {"procore": "PROCORE", "lentune": "LENTUNE"}
    for system, prefix in wrong.items():
        names = {f"{prefix}_CLIENT_ID": "app", f"{prefix}_CLIENT_SECRET": FALSE["client secret"]}
        said = command(stack, "connect", system, "--base-url", stack.url[system], "--json", **names)
        assert said.startswith("8\n"), said
    request = urllib.request.Request(f"{stack.web}/", headers={"Cookie": f"sitebooks_session={FALSE['sign-in link']}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert FALSE["sign-in link"] not in answer.read().decode()


def _wrong_settings(stack: Stand) -> None:
    for env in canaries.wrong_environments(stack):
        said = command(stack, "doctor", "--json", "--offline", **env)
        assert not said.startswith("0\n"), said
        assert not found(FALSE, "a refusal of settings", said), said.replace(next(iter(env.values())), "...")
