"""Seconds until a webhook is acknowledged, stored, at 200 per second for five minutes, with no worker running.

Open loop: every delivery has its moment, and its time counts from that moment, whether or not a connection was free. A
sender that waited for its last answer first would hide every pause of the web process from its own figures.
"""

import os
import select
import socket
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.benchmarks.ingest import BODY, _connected, _stored
from tests.benchmarks.load import MARK, prepared
from tests.benchmarks.stand import cpu_seconds, shown, stand

RATE = 200.0
#: Five minutes; ACKNOWLEDGE_SECONDS shortens it.
SECONDS = 300.0
CONNECTIONS = 32
WARM_SECONDS = 5.0
#: After the last one was sent.
ANSWER_SECONDS = 30.0


@dataclass
class Acknowledged:
    """What came of the deliveries. `waited`: seconds from each one's moment to its answer; `late`: to its sending;
    `pauses`: by how much the sender itself woke up too late, which is the machine's doing."""

    statuses: dict[int, int] = field(default_factory=dict)
    waited: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        """Milliseconds."""
        return {
            **{f"p{share:g}_ms": round(_percentile(self.waited, share), 2) for share in (50, 90, 99, 99.9)},
            "max_ms": round(max(self.waited) * 1000, 1), "statuses": self.statuses,
            "sent_late_p99_ms": round(_percentile(self.late, 99), 2),
        }  # fmt: skip


def run() -> dict[str, Any]:
    """`ours` is the p99 in ms; the anchor is what this machine's own pauses put into the same figure."""
    seconds = float(os.environ.get("ACKNOWLEDGE_SECONDS", SECONDS))
    with stand() as made:
        web, url = made.web()
        _, _, address, secret = _connected()
        target = f"{url}/webhooks/procore/{address}"
        request = prepared(target, {"Authorization": f"Bearer {secret}"}, BODY)
        send(target, request, RATE, WARM_SECONDS)
        before, load_before = _stored(made), os.getloadavg()
        spent = cpu_seconds(web.pid)
        found = send(target, request, RATE, seconds)
        spent = cpu_seconds(web.pid) - spent
        stored = _stored(made) - before
    answered = len(found.waited)
    if stored != found.statuses.get(202, 0):
        raise RuntimeError(f"{found.statuses.get(202, 0)} were acknowledged, {stored} are stored")
    ours, anchor = _percentile(found.waited, 99), _percentile(found.pauses, 99)
    return {
        "name": "acknowledge", "ours": round(ours, 2), "anchor": round(anchor, 2),
        "ratio": round(ours / anchor, 1) if anchor else 0,
        "unit": "ms, p99 from a delivery's moment to its 202, stored (anchor: p99 of the sender's own lateness in waking up)",
        "detail": {
            **found.told(), "seconds": seconds, "wanted_per_second": RATE, "answered_per_second": round(answered / seconds, 1),
            "stored": stored, "connections": CONNECTIONS, "workers": 0, "cores": os.cpu_count(),
            "web_core_share": round(spent / seconds, 3),
            "load_average": {"before": round(load_before[0], 2), "after": round(os.getloadavg()[0], 2)},
            "durable": {"fsync": "on", "synchronous_commit": "on"},
        },
    }  # fmt: skip


def send(url: str, request: bytes, rate: float, seconds: float) -> Acknowledged:
    """Deliveries at their moments over kept-alive connections; those for which none is free wait in line, and it counts."""
    before, after = request.split(MARK)
    number = int(time.time() * 1000) * 100
    poll, free, busy = select.epoll(), deque[socket.socket](), dict[int, tuple[socket.socket, float]]()
    for _ in range(CONNECTIONS):
        free.append(_connect(url))
        poll.register(free[-1].fileno(), select.EPOLLIN)
    found, began, total = Acknowledged(), time.perf_counter(), int(rate * seconds)
    sent, deadline = 0, time.perf_counter() + seconds + ANSWER_SECONDS
    while len(found.waited) < total:
        due = began + sent / rate
        pause = max(due - time.perf_counter(), 0.0) if sent < total and free else 0.05
        asleep = time.perf_counter()
        events = poll.poll(pause)
        now = time.perf_counter()
        if not events and pause:
            found.pauses.append(max(now - asleep - pause, 0.0))
        for descriptor, _ in events:
            connection, moment = busy.pop(descriptor)
            _answered(found, connection.recv(65536), now - moment)
            free.append(connection)
        while sent < total and free and began + sent / rate <= time.perf_counter():
            connection, moment = free.popleft(), began + sent / rate
            busy[connection.fileno()] = (connection, moment)
            found.late.append(time.perf_counter() - moment)
            connection.sendall(before + b"%016d" % (number + sent) + after)
            sent += 1
        if now > deadline:
            raise TimeoutError(f"{total - len(found.waited)} deliveries have no answer")
    for connection in free:
        connection.close()
    poll.close()
    return found


def _connect(url: str) -> socket.socket:
    at = urlsplit(url)
    made = socket.create_connection((at.hostname, at.port or 80))
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def _answered(found: Acknowledged, answer: bytes, waited: float) -> None:
    if not answer:
        raise ConnectionError("the web process closed a connection")
    status = int(answer[9:12])
    found.statuses[status] = found.statuses.get(status, 0) + 1
    found.waited.append(waited)


def _percentile(values: list[float], share: float) -> float:
    """In milliseconds."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share / 100), len(ordered) - 1)] * 1000 if ordered else 0.0


if __name__ == "__main__":
    shown(run())
