"""The web process: uvicorn web.app:app."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

import workers.app  # noqa: F401  makes the Celery app and sets it as default, before any task is imported
from models import dispose
from settings.environment import environment
from web import api, errors, health, pages
from web.addresses import Addresses
from web.api.access import Reader
from web.headers import SafeHeaders
from web.inbox import Inbox
from web.publisher import Publisher
from web.webhooks import Webhooks
from workers import logs

STATIC = Path(__file__).parent / "static"
#: Forms and API bodies are small; deliveries have their own limit.
LARGEST_BODY = 1_000_000


class Sitebooks(FastAPI):
    """FastAPI for people and scripts; deliveries go straight to their endpoint."""

    deliveries: Webhooks | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # before the middlewares and the router: they cost more than everything that a delivery needs
        if self.deliveries and scope["type"] == "http" and scope["path"].startswith("/webhooks/"):
            await self.deliveries(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


@asynccontextmanager
async def running(app: Sitebooks) -> AsyncIterator[None]:
    """Opens what deliveries need, and at the end stores and publishes what still waits."""
    logs.configure()
    url = environment().database()
    publisher = Publisher()
    publisher.start()
    addresses, inbox = Addresses(url), Inbox(url, publisher.add)
    app.deliveries = Webhooks(addresses, inbox)
    try:
        yield
    finally:
        await inbox.close()
        await addresses.close()
        publisher.stop()
        dispose()


def make_app() -> Sitebooks:
    """All that the web process answers."""
    made = Sitebooks(
        title="Sitebooks", version="1", lifespan=running, docs_url=None, redoc_url=None,
        openapi_url=None, middleware=[Middleware(SafeHeaders)], max_body_size=LARGEST_BODY,
    )
    made.include_router(health.router)
    made.include_router(api.router)
    made.include_router(pages.router)
    made.mount("/static", StaticFiles(directory=STATIC), name="static")
    errors.install(made)

    @made.get("/api/openapi.json", include_in_schema=False)
    def description(who: Reader) -> dict[str, Any]:
        """The API's description, for whoever may read."""
        return made.openapi()

    return made


app = make_app()
