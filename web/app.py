"""The web process: uvicorn web.app:app."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

import workers.app  # noqa: F401  makes the Celery app and sets it as default, before any task is imported
from settings.environment import environment
from web.addresses import Addresses
from web.inbox import Inbox
from web.publisher import Publisher
from web.webhooks import Webhooks
from workers import logs


class Sitebooks(FastAPI):
    """FastAPI for people and scripts; deliveries go straight to their endpoint."""

    webhooks: Webhooks | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # before the middlewares and the router: they cost more than everything that a delivery needs
        if self.webhooks and scope["type"] == "http" and scope["path"].startswith("/webhooks/"):
            await self.webhooks(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


@asynccontextmanager
async def _running(app: Sitebooks) -> AsyncIterator[None]:
    logs.configure()
    url = environment().database()
    publisher = Publisher()
    publisher.start()
    addresses, inbox = Addresses(url), Inbox(url, publisher.add)
    app.webhooks = Webhooks(addresses, inbox)
    try:
        yield
    finally:
        await inbox.close()
        await addresses.close()
        publisher.stop()


def make_app() -> Sitebooks:
    """All that the web process answers."""
    return Sitebooks(
        title="Sitebooks", lifespan=_running, docs_url=None, redoc_url=None, openapi_url="/api/openapi.json"
    )


app = make_app()
