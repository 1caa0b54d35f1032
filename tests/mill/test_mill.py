"""The deterministic mill: some operations in every run of the tests, and the same seed twice is the same to the last line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
#: Of patience with a busy machine; on one calm core 2,000 operations take less than a minute.
SECONDS = 420


def mill(*arguments: str) -> dict:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "cli", "mill", *arguments, "--json"],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    assert done.stdout, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.mark.timeout(SECONDS + 10)
def test_two_thousand_operations_break_no_invariant() -> None:
    told = mill("run", "--ops", "2000", "--seed", "1")
    assert told["violations"] == [], json.dumps(told["failed"], indent=1)
    assert told["operations"] >= 2000
    assert told["refused_acts"] < 0.3 * told["acts"], "people mostly try what is not allowed"
    print(f"{told['operations']} operations, {told['operations_per_second']} a second, {told['seeds']} seeds")


@pytest.mark.timeout(SECONDS + 10)
def test_invoices_and_payments_of_sage_paperless_break_no_invariant_and_the_same_seed_is_the_same_run(tmp_path: Path) -> None:
    script = tmp_path / "script.json"
    acts = [("act", 7 * n) for n in range(10)]
    busy = [(op, 31 * n) for n in range(14) for op in ("work", "moment", "act", "hooks", "part", "resume", "pass")]
    script.write_text(json.dumps({"trouble": 121, "script": [*acts, *busy]}))
    first, second = (mill("replay", "--script", str(script), "--connection", "sage_paperless") for _ in range(2))
    assert first["violations"] == [], first["violations"]
    assert first["hash"] == second["hash"] and first["operations"] == second["operations"] > 200
    assert first["paths"].get("several payments on one commitment"), "payments are written"


@pytest.mark.timeout(SECONDS + 10)
def test_the_drop_folder_breaks_no_invariant_and_the_same_seed_is_the_same_run(tmp_path: Path) -> None:
    script = tmp_path / "script.json"
    acts = [("act", 7 * n) for n in range(10)]
    busy = [(op, 31 * n) for n in range(14) for op in ("work", "moment", "act", "hooks", "part", "resume", "kill", "pass")]
    script.write_text(json.dumps({"trouble": 147, "script": [*acts, *busy]}))
    first, second = (mill("replay", "--script", str(script), "--connection", "sage_paperless") for _ in range(2))
    assert first["way"] == "drop folder" and first["violations"] == [], first["violations"]
    assert first["hash"] == second["hash"] and first["operations"] == second["operations"] > 200
    assert first["paths"].get("what was archived was read back"), "invoices are taken"


@pytest.mark.timeout(SECONDS + 10)
def test_the_same_seed_is_the_same_run(tmp_path: Path) -> None:
    script = tmp_path / "script.json"
    steps = [("pass", 4), *[("act", 17 * n) for n in range(12)], ("part", 33), ("pass", 7), ("resume", 1), ("kill", 5)]
    script.write_text(json.dumps({"trouble": 4242, "script": [*steps, *[("work", n) for n in range(25)]]}))
    first, second = (mill("replay", "--script", str(script)) for _ in range(2))
    assert first["violations"] == []
    assert first["hash"] == second["hash"] and first["operations"] == second["operations"] > 60
