"""F54: bodies that are too large, too slow, too deep, or grow when they are unpacked."""

import gzip
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.faults.hooks import Hook, of_contract
from tests.faults.stand import Stand

pytestmark = pytest.mark.fault("F54")
LARGEST = 256 * 1024
#: Megabytes the web process may grow by in all of this; one delivery holds at most a quarter of one.
MOST_GROWTH = 32


def resident(site: Stand) -> float:
    """Megabytes of the web process."""
    lines = Path(f"/proc/{site.pids['web']}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:"))


def raw(site: Stand, head: dict[str, str], parts: list[bytes], pause: float = 0) -> int:
    """A request sent by hand, in parts; gives the status, 0 when the connection was closed without an answer."""
    host, port = urlsplit(site.web).netloc.split(":")
    with closing(socket.create_connection((host, int(port)), timeout=15)) as link:
        try:
            lines = [f"POST {v} HTTP/1.1" if k == "POST" else f"{k}: {v}" for k, v in head.items()]
            link.sendall("\r\n".join([*lines, "", ""]).encode())
            for part in parts:
                link.sendall(part)
                time.sleep(pause)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has answered already and does not read on
        try:
            answer = link.recv(65536)
        except ConnectionResetError:
            return 0
    return int(answer.split()[1]) if answer else 0


def stored(site: Stand) -> int:
    return int(site.rows("SELECT count(*) AS n FROM event")[0]["n"])


def test_too_large_is_413_and_too_deep_is_400(site: Stand) -> None:
    hook, before, grown = Hook(site, "procore"), stored(site), resident(site)
    event = of_contract(1, 1)
    large = json.dumps({**event, "padding": "x" * LARGEST}).encode()
    deep = json.dumps(event)[:-1].encode() + b', "deep": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    a_little_deep = json.dumps(event)[:-1].encode() + b', "deep": ' + b"[" * 21 + b"]" * 21 + b"}"
    bomb = gzip.compress(b"0" * 200_000_000)
    for _ in range(5):
        assert hook.deliver(large)[0] == 413
        assert hook.deliver(deep)[0] == 400 and hook.deliver(a_little_deep)[0] == 400
        assert hook.deliver(bomb, {**hook.headers(bomb), "Content-Encoding": "gzip"})[0] == 400, "nothing is unpacked"
    head = {"POST": hook.path, "Host": "x", **hook.headers(b""), "Transfer-Encoding": "chunked"}
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    assert raw(site, head, [chunk] * 64) in (413, 0), "its length was not told beforehand"
    lied = {"POST": hook.path, "Host": "x", **hook.headers(b""), "Content-Length": str(10**9)}
    assert raw(site, lied, [b"{"]) == 413
    assert stored(site) == before and resident(site) - grown < MOST_GROWTH


def test_slow_senders_hold_up_nobody_and_are_let_go(site: Stand) -> None:
    """Fifty connections that send a byte at a time; meanwhile a real delivery is answered at once."""
    hook, before, grown = Hook(site, "procore"), stored(site), resident(site)
    head = {"POST": hook.path, "Host": "x", **hook.headers(b""), "Content-Length": "5000"}
    with ThreadPoolExecutor(50) as senders:
        slow = [senders.submit(raw, site, head, [b"x"] * 14, 0.5) for _ in range(50)]
        time.sleep(1)
        status, seconds = hook.deliver(of_contract(1, 1))
        assert status == 202 and seconds < 2
        assert {one.result() for one in slow} <= {408, 0}
    assert stored(site) == before + 1 and resident(site) - grown < MOST_GROWTH
