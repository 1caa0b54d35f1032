"""Mounts a simulator's core under an HTTP client in process, and breaks the connection where its shell would."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx

from simulators.kit.http import Cut, Request

#: Called with method, path, query and JSON-ready body of every request that a client sends.
Check = Callable[[httpx.Request], None]


class Broken(httpx.SyncByteStream):
    """A body that breaks off: its status had come."""

    def __init__(self, begun: bytes) -> None:
        self.begun = begun

    def __iter__(self) -> Iterator[bytes]:
        yield self.begun
        raise httpx.ReadError("the connection died in the answer")


class SimulatorTransport(httpx.BaseTransport):
    """`requests` keeps what was sent.

    A cut is httpx.ReadError, in the body or before it; an answer later than the client waits is ReadTimeout.
    """

    def __init__(self, simulator: Any, check: Check | None = None) -> None:
        self.simulator, self.check = simulator, check
        self.requests: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = request.read()
        if self.check is not None:
            self.check(request)
        self.requests.append(request)
        headers = {name.lower(): value for name, value in request.headers.items()}
        query = list(request.url.params.multi_items())
        answer = self.simulator.handle(Request(request.method, request.url.path, query, headers, body))
        if isinstance(answer, Cut) and answer.kind == "truncate" and answer.response is not None:
            body = answer.response.body[: answer.kept]
            return httpx.Response(answer.response.status, headers=answer.response.headers, stream=Broken(body))
        if isinstance(answer, Cut):
            raise httpx.ReadError(f"the connection died ({answer.kind})", request=request)
        if answer.delay_seconds > (request.extensions.get("timeout", {}).get("read") or 0):
            raise httpx.ReadTimeout("no answer in time", request=request)
        return httpx.Response(answer.status, headers=answer.headers, content=answer.body)

    def sent(self, method: str = "", part: str = "") -> list[httpx.Request]:
        """The requests of a method whose address contains `part`."""
        return [r for r in self.requests if method in ("", r.method) and part in str(r.url)]
