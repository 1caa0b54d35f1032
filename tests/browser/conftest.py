"""A real browser in front of the real web process, with the demo company behind it."""

import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import uvicorn

from sync import reconcile
from sync.connections import new_company
from sync.tokens import ensure_user, new_token
from tests.world import World

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
#: Nothing but our pages is to be loaded, and the machine may have no sandbox for root.
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-default-apps", "--no-first-run", "--disable-dev-shm-usage",
]
DEADLINE = 20.0


@dataclass
class Console:
    """Where the console answers, and whose data it shows."""

    url: str
    world: World

    def link(self, role: Any = "approver") -> str:
        """A sign-in link of somebody with this role."""
        ensure_user(self.world.company, role, role)
        token = new_token(self.world.company, role, "sign_in", [], timedelta(minutes=5))
        return f"{self.url}/sign-in/{token}"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """Debian's own browser, by its path."""
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        if os.environ.get("BROWSER_REQUIRED") == "1":
            pytest.fail("BROWSER_REQUIRED is set and no browser is installed: apt-get install chromium")
        pytest.skip("no browser is installed (apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS, headless=True)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def console(database: str) -> Iterator[Console]:
    """The demo company after its first sync; variations wait for an approval."""
    world = World(new_company("Harbour Build Ltd", "4100"), "demo", {"approval": {"variation": "manual"}})
    world.sync()
    reconcile.run(world.company, "lentune")
    with serving() as url:
        yield Console(url, world)
    world.close()


@contextmanager
def serving() -> Iterator[str]:
    """The real web process's application on a free port; gives its address."""
    from web.app import app

    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    end = time.monotonic() + DEADLINE
    while not server.started:
        assert thread.is_alive() and time.monotonic() < end, "the web process did not start"
        thread.join(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(DEADLINE)
