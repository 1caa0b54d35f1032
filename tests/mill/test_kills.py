"""The mill with real processes, five kills of it: nothing doubled, nothing lost, quiet again by itself."""

import json
import sys
from pathlib import Path

import pytest

from tests.mill import processes
from tests.mill.processes_replay import operations

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def test_processes_that_are_killed_double_and_lose_nothing(tmp_path: Path) -> None:
    told = processes.run(5, seed=1, folder=tmp_path)
    assert told["violations"] == []
    assert (told["kills"], told["rounds"]) == (5, 1)
    assert told["refused"] <= 0.3 * (told["acts"] + told["refused"]), "the people mostly do what is not allowed"
    (trace,) = tmp_path.glob("seed-1-*.jsonl")
    played = operations(trace)
    assert [op for op, _ in played].count("kill") == 5
    assert sum(op.startswith(("procore.", "lentune.", "sitebooks.")) for op, _ in played) == told["acts"]


def test_a_campaign_goes_on_where_it_stopped_and_not_past_a_finding(tmp_path: Path) -> None:
    kept = tmp_path / "kills.jsonl"
    kept.write_text(json.dumps({"seed": 3, "kills": 20, "violations": []}) + "\n")
    assert processes.run(20, seed=3, folder=tmp_path)["kills"] == 0, "these were done before"
    kept.write_text(json.dumps({"seed": 3, "kills": 7, "violations": ["I1: two of them"]}) + "\n")
    with pytest.raises(ValueError, match="I1: two of them"):
        processes.run(20, seed=3, folder=tmp_path)


def test_what_was_refused_is_not_played_again(tmp_path: Path) -> None:
    lines = [
        {"at": 0, "op": "began", "args": {}}, {"at": 1, "op": "procore.set_stage", "args": {"project": "1"}},
        {"at": 2, "op": "procore.set_stage", "args": {"project": "2"}, "said": "refused: no project 2"},
        {"at": 3, "op": "kill", "args": {"what": "child"}}, {"at": 4, "op": "judged", "args": {}, "said": "nothing is wrong"},
    ]  # fmt: skip
    path = tmp_path / "trace.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert operations(path) == [("procore.set_stage", {"project": "1"}), ("kill", {"what": "child"})]
