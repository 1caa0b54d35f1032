"""The HTTP shell: owns the sockets, so that it can wait, cut and reset; the core behind it is one locked function."""

import contextlib
import http.client
import json
import select
import signal
import socket
import socketserver
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from simulators.kit.delivery import Delivery
from simulators.kit.http import Cut, Request, Response
from simulators.kit.keeper import Keeper
from simulators.kit.simulator import Simulator

TICK_SECONDS = 0.05
# A slow answer goes out in pieces of so long.
SLOW_SECONDS = 0.05
DELIVERY_TIMEOUT_SECONDS = 5.0
# A killed simulator forgets at most this much.
KEEP_SECONDS = 1.0


class Shell:
    """Serves one simulator on loopback; `start()` returns once it listens."""

    def __init__(self, simulator: Simulator, port: int = 0) -> None:
        self.simulator = simulator
        self.lock = threading.Lock()
        self.wake = threading.Event()
        self.stopping = threading.Event()
        self._server = _Server(("127.0.0.1", port), _Connection)
        self._server.shell = self
        self._pool = ThreadPoolExecutor(8, thread_name_prefix="delivery")
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> "Shell":
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
        threading.Thread(target=self._deliver_for_ever, daemon=True).start()
        return self

    def stop(self) -> None:
        self.stopping.set()
        self.wake.set()
        self._server.shutdown()
        self._server.server_close()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def handle(self, request: Request) -> Response | Cut:
        with self.lock:
            answer = self.simulator.handle(request)
            waiting = self.simulator.outbox.waiting()
            now = self.simulator.clock.now()
        if isinstance(answer, Response):  # as any server does; clients judge times of ours against it
            answer.headers.setdefault("Date", format_datetime(now, usegmt=True))
        if waiting:
            self.wake.set()
        return answer

    def _deliver_for_ever(self) -> None:
        while not self.stopping.is_set():
            self.wake.wait(TICK_SECONDS)
            self.wake.clear()
            with self.lock:
                due = self.simulator.tick()
            for delivery in due:
                if not self.stopping.is_set():
                    self._pool.submit(self._deliver, delivery)

    def _deliver(self, delivery: Delivery) -> None:
        status = post(delivery)
        with self.lock:
            self.simulator.delivered(delivery, status)
        self.wake.set()


def post(delivery: Delivery) -> int | None:
    """Sends one webhook; None if nobody answered in time."""
    url = urlsplit(delivery.url)
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    connection = kind(url.hostname or "", url.port, timeout=DELIVERY_TIMEOUT_SECONDS)
    try:
        connection.request("POST", url.path + (f"?{url.query}" if url.query else ""), delivery.body, delivery.headers)
        response = connection.getresponse()
        response.read()
        return response.status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 128
    shell: Shell

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no error of ours; anything else is printed by the base class."""
        import sys

        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class _Connection(socketserver.StreamRequestHandler):
    server: _Server
    disable_nagle_algorithm = True
    rbufsize = 65536

    def handle(self) -> None:
        while not self.server.shell.stopping.is_set():
            request = self._read()
            if request is None:
                return
            answer = self.server.shell.handle(request)
            if isinstance(answer, Cut):
                self._cut(answer)
                return
            if answer.delay_seconds and not self._wait(answer.delay_seconds):
                return
            if not self._send(answer):
                return
            if request.headers.get("connection", "").lower() == "close":
                return

    def _read(self) -> Request | None:
        line = self.rfile.readline(65537)
        if not line.strip():
            return None
        try:
            method, target, _version = line.decode("latin-1").split()
        except ValueError:
            self.connection.sendall(_bytes(Response.of(400, {"error": "not an HTTP request line"})))
            return None
        headers: dict[str, str] = {}
        while (line := self.rfile.readline(65537)) not in (b"\r\n", b"\n", b""):
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        length = headers.get("content-length", "0")
        most = self.server.shell.simulator.largest_body
        if "transfer-encoding" in headers or not length.isdigit() or int(length) > most:
            self.connection.sendall(_bytes(Response.of(411, {"error": f"a Content-Length up to {most >> 20} MB is needed"})))
            return None
        if headers.get("expect", "").lower() == "100-continue":
            self.connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = self.rfile.read(int(length)) if int(length) else b""
        path, _, query = target.partition("?")
        return Request(method, unquote(path), parse_qsl(query, keep_blank_values=True), headers, body)

    def _send(self, answer: Response) -> bool:
        """False when the client hung up or the shell stops on the way."""
        whole = _bytes(answer)
        if not answer.rate:
            self.connection.sendall(whole)
            return True
        at, size = len(whole) - len(answer.body), max(1, int(answer.rate * SLOW_SECONDS))
        self.connection.sendall(whole[:at])
        for start in range(at, len(whole), size):
            self.connection.sendall(whole[start : start + size])
            if start + size < len(whole) and not self._wait(SLOW_SECONDS):
                return False
        return True

    def _wait(self, seconds: float) -> bool:
        """False when the client hung up or the shell stops before the time is over."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            readable, _, _ = select.select([self.connection], [], [], min(left, 0.2))
            if self.server.shell.stopping.is_set() or (readable and not self.connection.recv(1, socket.MSG_PEEK)):
                return False
            if readable:
                time.sleep(min(left, 0.05))
        return True

    def _cut(self, cut: Cut) -> None:
        if cut.kind == "truncate" and cut.response is not None:
            whole = _bytes(cut.response)
            left_out = max(1, len(cut.response.body) - cut.kept)
            self.connection.sendall(whole[: len(whole) - left_out])
        if cut.kind == "reset":
            # Linger of zero makes close() send a reset instead of an orderly end.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()


def _bytes(response: Response) -> bytes:
    reason = http.client.responses.get(response.status, "Unknown")
    lines = [f"HTTP/1.1 {response.status} {reason}"]
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    if response.status != 204:
        lines.append(f"Content-Length: {len(response.body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + (b"" if response.status == 204 else response.body)


def serve(simulator: Simulator, port: int, keeper: Keeper | None = None) -> None:
    """Runs in the foreground until SIGTERM or SIGINT; prints one JSON line when it listens."""
    done = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: done.set())
    if keeper is not None:
        keeper.load()
    shell = Shell(simulator, port).start()
    line = {"system": simulator.system, "url": shell.url, "credentials": simulator.credentials}
    with contextlib.suppress(BrokenPipeError):
        print(json.dumps(line), flush=True)
    while not done.wait(KEEP_SECONDS):
        if keeper is not None:
            keeper.save(shell.lock)
    shell.stop()
    if keeper is not None:
        keeper.save(shell.lock, last=True)
