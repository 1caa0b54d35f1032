"""The network of a run: every request is a place where its sender may be stopped or killed, before and after it arrives."""

from collections.abc import Callable
from typing import Any

import httpx

from simulators.kit.http import Cut, Request
from tests.mill.workers import Workers

#: Ends of what is asked under the row lock of a sign-in: whoever stood still there would let everybody else wait for ever.
SIGN_IN = ("/oauth/token", "/procore-configuration", "/procore-companies")


class Network(httpx.BaseTransport):
    """In front of one system's simulators, one for each company, told apart by the port of the address."""

    def __init__(self, system: str, workers: Workers, heard: Callable[[str, Request, Any], Callable[[Any], None]]) -> None:
        self.system, self.workers, self.heard = system, workers, heard
        self.at: dict[int, Any] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """A cut is httpx.ReadError; an answer later than the client waits, ReadTimeout."""
        path = request.url.path
        place = "sign-in" if path.endswith(SIGN_IN) else "asking"
        about = f"{self.system} {request.method} {path}"
        self.workers.point(place, about)
        headers = {name.lower(): value for name, value in request.headers.items()}
        asked = Request(request.method, path, list(request.url.params.multi_items()), headers, request.read())
        answer = self.at[request.url.port or 80].handle(asked)
        lost = isinstance(answer, Cut) or answer.delay_seconds > (request.extensions.get("timeout", {}).get("read") or 0)
        told = self.heard(self.system, asked, "lost" if lost else answer.status)
        self.workers.point("answered" if place == "asking" else place, about)
        if not lost:
            told(answer)
        if isinstance(answer, Cut):
            raise httpx.ReadError(f"the connection died ({answer.kind})", request=request)
        if lost:
            self.workers.time.pass_(request.extensions["timeout"]["read"])
            raise httpx.ReadTimeout("no answer in time", request=request)
        return httpx.Response(answer.status, headers=answer.headers, content=answer.body)
