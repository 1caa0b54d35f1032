"""F36: refresh tokens work once: many want a new token at once, and the answer to a refresh is lost."""

import html
import os
import re
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults.hooks import asked, last_asked
from tests.faults.neighbour import Neighbour, environ, neighbour
from tests.faults.stand import Stand
from workers.local.places import ROOT

pytestmark = pytest.mark.fault("F36")
#: Procore shows the code on a page instead of sending the browser somewhere.
SHOWN = "urn:ietf:wg:oauth:2.0:oob"


def consent(url: str, known: dict[str, Any]) -> str:
    """A person of the company lets the app in, in a browser; the code Procore shows."""
    form = {
        "response_type": "code", "client_id": known["client_id"], "redirect_uri": SHOWN, "email": known["email"],
        "password": known["password"], "decision": "allow",
    }  # fmt: skip
    with urllib.request.urlopen(f"{url}/oauth/authorize", urllib.parse.urlencode(form).encode(), timeout=10) as page:
        found = re.search(r"<code>([^<]+)</code>", page.read().decode())
    assert found is not None
    return html.unescape(found[1])


def signed_in(url: str, known: dict[str, Any]) -> dict[str, str]:
    return {
        "client_id": known["client_id"], "client_secret": known["client_secret"], "grant": "authorization_code",
        "code": consent(url, known), "redirect_uri": SHOWN,
    }  # fmt: skip


@pytest.fixture
def far(site: Stand) -> Iterator[Neighbour]:
    """A company whose Procore was let in by a person, so that it lives on refresh tokens."""
    with neighbour(site, credentials=signed_in) as made:
        yield made


def refreshes(far: Neighbour, after: int) -> list[int | None]:
    return [e["status"] for e in asked(far, "procore", after) if e["path"] == "/oauth/token"]


def blocked(far: Neighbour) -> Any:
    row = far.rows("SELECT blocked_code FROM connection WHERE company_id = %s AND system = 'procore'", far.company)
    return row[0]["blocked_code"]


def test_one_refresh_for_all_who_need_it(far: Neighbour) -> None:
    after = last_asked(far, "procore")
    for _ in range(2):
        far.fault("procore", "delay", {"path": "/oauth/token"}, seconds=0.5, times=1)
        far.act("procore", "expire_tokens")
        far.scan("procore")
        numbers = [far.new_commitment() for _ in range(8)]
        for number in numbers:
            far.wait_state("commitment", number)
        far.wait_quiet()
    assert refreshes(far, after) == [200, 200], "one each time, whoever noticed"
    assert blocked(far) is None


def test_a_lost_answer_waits_for_a_person_and_nothing_is_failed(site: Stand, far: Neighbour) -> None:
    after = last_asked(far, "procore")
    far.fault("procore", "drop_after", {"path": "/oauth/token"}, times=1)
    far.act("procore", "expire_tokens")
    numbers = [far.new_commitment() for _ in range(4)]
    far.wait(lambda: blocked(far) == "reconnect_needed", 30, "nobody was asked to connect again")
    far.wait_quiet()
    numbers += [far.new_commitment() for _ in range(2)]
    invoice = far.new_invoice(net="9.00")
    far.wait_quiet()
    told = refreshes(far, after)
    assert told[0] is None and set(told[1:]) == {401}, f"the lost one, and those who learned it: {told}"
    assert len(told) - 1 <= sum(len(site.pool(worker)) for worker in (0, 1)), "no process asks twice with a token that is refused"
    waiting = far.rows(
        "SELECT state FROM sync_record WHERE company_id = %s AND problems @> '[{\"code\": \"reconnect_needed\"}]'", far.company
    )
    assert len(waiting) == len(numbers) + 1 and {row["state"] for row in waiting} == {"held"}

    known = far.cores["procore"].credentials
    env = environ(far) | {
        "PROCORE_CLIENT_ID": known["client_id"], "PROCORE_CLIENT_SECRET": known["client_secret"],
        "PROCORE_CODE": consent(far.url["procore"], known),
    }  # fmt: skip
    command = [sys.executable, "-P", "-m", "cli", "connect", "procore", "--company", str(far.company), "--as-user"]
    done = subprocess.run(command, env=os.environ | env, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for number in numbers:
        far.wait_state("commitment", number, seconds=40)
    far.wait_state("invoice", invoice)
    assert blocked(far) is None
