"""A load generator for one web process: raw sockets, prepared bytes, one thread, so that it takes little of the machine."""

import select
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

#: Place in a prepared request that gets the running number; as long as the number is written.
MARK = b"#" * 16


@dataclass(frozen=True)
class Loaded:
    """What came of it: answers by status, each one's seconds, the wall time and the generator's own processor time."""

    statuses: dict[int, int]
    seconds: list[float]
    wall: float
    cpu: float

    @property
    def rate(self) -> float:
        return len(self.seconds) / self.wall

    def percentile(self, share: float) -> float:
        """Milliseconds within which this share of the answers came."""
        ordered = sorted(self.seconds)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000


def prepared(url: str, headers: dict[str, str], body: bytes) -> bytes:
    """One POST as bytes. `body` holds MARK once."""
    at = urlsplit(url)
    lines = [f"POST {at.path} HTTP/1.1", f"Host: {at.netloc}", "Content-Type: application/json"]
    lines += [f"{name}: {value}" for name, value in headers.items()] + [f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


def load(url: str, request: bytes, connections: int, seconds: float, clock: Callable[[], float] = time.perf_counter) -> Loaded:
    """Every connection sends its next request as soon as it has its answer, for so many seconds."""
    at = urlsplit(url)
    before, after = request.split(MARK)
    first = int(time.time() * 1000) * 100  # numbers never come twice, also not in the next round
    sent = 0
    poll = select.epoll()
    sockets: dict[int, socket.socket] = {}
    started: dict[int, float] = {}
    statuses: dict[int, int] = {}
    took: list[float] = []
    cpu, began = time.process_time(), clock()
    until = began + seconds
    for _ in range(connections):
        made = socket.create_connection((at.hostname, at.port or 80))
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sockets[made.fileno()] = made
        poll.register(made.fileno(), select.EPOLLIN)
        started[made.fileno()] = clock()
        made.sendall(before + b"%016d" % (first + sent) + after)
        sent += 1
    while sockets:
        for number, _ in poll.poll(5):
            answer = sockets[number].recv(65536)
            now = clock()
            if not answer:
                raise ConnectionError("the web process closed a connection")
            took.append(now - started[number])
            status = int(answer[9:12])
            statuses[status] = statuses.get(status, 0) + 1
            if now >= until:
                poll.unregister(number)
                sockets.pop(number).close()
                continue
            started[number] = now
            sockets[number].sendall(before + b"%016d" % (first + sent) + after)
            sent += 1
    poll.close()
    return Loaded(statuses, took, clock() - began, time.process_time() - cpu)
