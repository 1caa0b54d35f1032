"""The demo as people start it: a process of its own that ends with 0 only if all is as its data set says."""

import json
import os
import subprocess
import sys
from decimal import Decimal
from typing import Any

import pytest

from cli.demo.each import together
from workers.local.places import ROOT

pytestmark = [
    pytest.mark.worker,
    pytest.mark.skipif(sys.platform != "linux", reason="the local stack's tests read /proc"),
]


def played(*arguments: str) -> tuple[int, Any, str]:
    """Exit code, the document, and what people see."""
    command = [sys.executable, "-P", "-m", "cli", "demo", "--json", *arguments]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    ran = subprocess.run(command, env=env, capture_output=True, text=True, timeout=230, check=False)
    return ran.returncode, json.loads(ran.stdout), ran.stderr


@pytest.mark.slow  # CI plays the demo by its own command
@pytest.mark.timeout(240)
@pytest.mark.requirement("S-19", "S-24", "Y-17")
def test_every_approved_invoice_is_in_its_place_and_what_was_paid_is_in_procore_to_the_cent() -> None:
    code, said, told = played("--connection", "sage_paperless")
    assert (code, said.get("error")) == (0, None), told
    assert (said["ok"], said["differences"]) == (True, []), told
    assert said["kinds"] == {"invoice": {"synced": 7, "held": 4, "ignored": 2}, "payment": {"synced": 3, "needs_attention": 1}}
    assert said["duplicates"] == 0 and said["missing_problems"] == []
    reported = [problem["code"] for problem in said["problems"]]
    assert len(reported) == 10 and all(problem["expected"] for problem in said["problems"])
    paid = next(line for line in said["totals"] if line["kind"] == "payment")
    assert Decimal(paid["there"]) - Decimal(paid["here"]) == Decimal("50000.00"), "the void, which people take off in Procore"
    assert {line["unexplained"] for line in said["totals"]} == {"0.00"}
    assert "sync payments" in told, "on demand, too"


def test_the_stories_of_all_systems_make_one_document() -> None:
    one = {"ok": True, "seconds": 1.0, "kinds": {"invoice": {"synced": 2}}, "duplicates": 0, "totals": [1], "problems": [1],
           "missing_problems": [], "differences": []}  # fmt: skip
    other = {**one, "ok": False, "kinds": {"invoice": {"synced": 1, "held": 1}}, "duplicates": 1, "differences": ["a cent"]}
    said = together({"a": one, "b": other})
    assert (said["ok"], said["seconds"], said["duplicates"], said["differences"]) == (False, 2.0, 1, ["a cent"])
    assert said["kinds"] == {"invoice": {"synced": 3, "held": 1}} and said["connections"] == ["a", "b"]


def test_a_system_that_there_is_not_is_wrong_usage() -> None:
    code, said, told = played("--connection", "procore")
    assert (code, said["error"]["code"]) == (2, "not_connected") and "sage_paperless" in told
