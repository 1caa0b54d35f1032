"""From a project's change of stage in Procore to the project in Lentune, on the whole idle stack (L-02)."""

import json
import shutil
import statistics
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from tests.worker.running import up, wait_for

ROUNDS = 15
#: Seconds after which a project that has not arrived is a failure.
DEADLINE = 30.0


def run() -> dict[str, Any]:
    """Seconds, median of fifteen projects one after the other. The anchor is what looking costs: the same act and one look."""
    folder = Path(tempfile.mkdtemp(prefix="sitebooks-bench-", dir="/var/tmp"))
    try:
        with up(folder) as stack:
            places = {name: stand["url"] for name, stand in stack.ready["simulators"].items()}
            wait_for(lambda: _projects(places["lentune"]) >= {"1001", "1002"}, DEADLINE, "the first reading did not come")
            time.sleep(5)  # until the first reading has come to rest: the figure is of an idle stack
            took = [_arrival(places, f"9{n:03}") for n in range(ROUNDS)]
            looks = [_look(places, f"8{n:03}") for n in range(ROUNDS)]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    ours, anchor = statistics.median(took), statistics.median(looks)
    return {
        "name": "stage",
        "ours": round(ours, 3),
        "anchor": round(anchor, 3),
        "ratio": round(ours / anchor, 2),
        "unit": "seconds from the change of stage to the project in Lentune (anchor: a person's act there and one look)",
        "detail": {"each": [round(one, 3) for one in took], "slowest": round(max(took), 3)},
    }


def _arrival(places: dict[str, str], number: str) -> float:
    _act(places, "create_project", number=number, name=f"Stage {number}", stage="Bidding", region="Auckland")
    time.sleep(2)  # its own event is settled, and the last project's lists are read within the 100 requests per 10 s
    began = time.perf_counter()
    _act(places, "set_stage", project=number, stage="Course of Construction")
    while number not in _projects(places["lentune"]):
        assert time.perf_counter() - began < DEADLINE, f"project {number} did not arrive"
        time.sleep(0.005)
    return time.perf_counter() - began


def _look(places: dict[str, str], number: str) -> float:
    began = time.perf_counter()
    _act(places, "create_project", number=number, name=f"Look {number}", stage="Bidding", region="Auckland")
    _projects(places["lentune"])
    return time.perf_counter() - began


def _act(places: dict[str, str], action: str, **args: str) -> None:
    _call(f"{places['procore']}/_sim/act", {"action": action, "args": args})


def _projects(url: str) -> set[str]:
    return {project["code"] for project in _call(f"{url}/_sim/state")["kinds"]["projects"]}


def _call(url: str, body: dict[str, Any] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)
