"""Messages nobody can carry out: bytes that are no message, bodies that cannot be read, names and arguments nobody knows."""

import base64
import json
from typing import Any

from tests.faults.stand import PREFIX, Stand


def message(name: str, body: bytes, content_type: str = "application/json") -> bytes:
    """As Celery's second protocol puts it on the wire, with any body."""
    ours: dict[str, Any] = {
        "body": base64.b64encode(body).decode(), "content-encoding": "utf-8", "content-type": content_type,
        "headers": {"lang": "py", "task": name, "id": "00000000-0000-4000-8000-000000000001", "argsrepr": "", "kwargsrepr": ""},
        "properties": {
            "correlation_id": "1", "delivery_mode": 2, "delivery_tag": "00000000-0000-4000-8000-000000000002", "priority": 0,
            "delivery_info": {"exchange": "", "routing_key": "interactive"}, "body_encoding": "base64",
        },
    }  # fmt: skip
    return json.dumps(ours).encode()


def broken(**parts: Any) -> bytes:
    """A message of which parts are replaced."""
    return json.dumps(json.loads(message("sitebooks.commitment.sync", b"[[1, [2]], {}, {}]")) | parts).encode()


#: What is wrong -> the bytes, the code they are counted under, the task they are counted for.
BAD = {
    "no JSON": (b"\x80\x04 nobody wrote this", "message_unreadable", ""),
    "not a message": (b'{"a": 1}', "message_unreadable", ""),
    "a list": (b"[1, 2]", "message_unreadable", ""),
    "a body that is no base64": (broken(body="!"), "message_unreadable", ""),
    "an empty body": (broken(body=""), "message_unreadable", "sitebooks.commitment.sync"),
    "a task without an id": (broken(headers={"task": "sitebooks.commitment.sync"}), "message_unreadable", ""),
    "a body of a kind we never take": (
        message("sitebooks.commitment.sync", b"\x80\x04N.", "application/x-python-serialize"),
        "message_unreadable", "sitebooks.commitment.sync",
    ),
    "a task nobody knows": (
        message("sitebooks.commitment.sync_v9", b"[[1, [2]], {}, {}]"), "task_unknown", "sitebooks.commitment.sync_v9",
    ),
    "arguments nobody knows": (
        message("sitebooks.commitment.sync", b'[[1, [2], 3, 4], {"hint": 5}, {}]'),
        "task_refused", "sitebooks.commitment.sync",
    ),
}  # fmt: skip


def counted(site: Stand, code: str, name: str) -> int:
    rows = site.rows("SELECT count FROM odd_message WHERE code = %s AND name = %s", code, name)
    return int(rows[0]["count"]) if rows else 0


def test_they_are_refused_and_counted_and_the_queue_flows(site: Stand) -> None:
    workers = site.pids["worker"]
    for what, (sent, code, name) in BAD.items():
        before = counted(site, code, name)
        site.broker.lpush(PREFIX + "interactive", sent)
        site.wait(lambda code=code, name=name, before=before: counted(site, code, name) == before + 1, 10, f"not counted: {what}")
    site.wait_state("commitment", site.new_commitment(), seconds=20)
    assert site.pids["worker"] == workers, "a worker went down by it"
    log = site.log("worker-interactive")
    assert log.count("task_unknown: a message for sitebooks.commitment.sync_v9 is dropped") == 1
    assert "Nothing is lost: what is due is rung again. A newer release sent it" in log


def test_a_body_that_is_no_json_fails_in_its_task_and_nowhere_else(site: Stand) -> None:
    """Celery reads arguments in the pool: the worker itself goes on."""
    workers = site.pids["worker"]
    site.broker.lpush(PREFIX + "interactive", message("sitebooks.commitment.sync", b"{nothing"))
    site.wait_state("commitment", site.new_commitment(), seconds=20)
    assert site.pids["worker"] == workers


def test_what_an_unknown_message_was_about_is_rung_again(site: Stand) -> None:
    """A newer release rang for it by a name that this one does not know: the sweep does it by the old one."""
    commitment = site.new_commitment()
    record = site.wait_state("commitment", commitment)
    site.act("procore", "edit_commitment", number=commitment, title="Another title")
    site.send("sitebooks.commitment.sync_v9", site.company, [record["id"]])
    site.wait(lambda: site.state("lentune", "subcontracts", number=commitment, description="Another title"), 20, "lost")


def test_doctor_says_what_was_dropped_and_what_to_do(site: Stand) -> None:
    site.send("sitebooks.commitment.sync_v10", site.company, [1])
    site.wait(lambda: counted(site, "task_unknown", "sitebooks.commitment.sync_v10"), 10, "not counted")
    said = site.command("doctor", "--offline", "--json")
    found = [f for f in said["findings"] if "sync_v10" in f["said"]]
    assert [f["mark"] for f in found] == ["warn"] and "newer release" in found[0]["fix"]
