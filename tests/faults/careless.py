"""Tasks that do with secrets what no code should, loaded into the workers by EXTRA_TASKS."""

import logging
import threading
from typing import Any

import structlog
from celery import shared_task
from sqlalchemy import text

from models import session
from settings.environment import environment
from sync.secrets import decrypt

WAYS = ("log", "raise", "chain", "retry", "thread", "environment")


def _all_of(company_id: int) -> str:
    """Everything that is stored encrypted, in plain."""
    with session(company_id) as db:
        kept = db.scalars(
            text("""
            SELECT secrets FROM credential UNION ALL SELECT token FROM credential UNION ALL SELECT hook_secrets FROM connection
        """)
        )
        return repr([decrypt(value) for value in kept if value is not None])


@shared_task(name="tests.careless", bind=True, max_retries=1)
def careless(self: Any, company_id: int, way: str) -> None:
    said = _all_of(company_id)
    match way:
        case "log":
            logging.getLogger("celery.task").error("careless log: %s", said)
            logging.getLogger("httpx").warning("careless log: %r", {"headers": said})
            structlog.get_logger("careless").error("careless log", seen={"deep": [said]})
        case "raise":
            raise RuntimeError(f"careless raise: {said}")
        case "chain":
            try:
                raise KeyError(said)
            except KeyError as error:
                raise LookupError("careless chain") from error
        case "retry":
            raise self.retry(exc=RuntimeError(f"careless retry: {said}"), countdown=0)
        case "thread":
            thread = threading.Thread(target=_fail, args=(f"careless thread: {said}",))
            thread.start()
            thread.join()
        case "environment":
            env = environment()
            addresses = env.database_url.get_secret_value(), env.broker_url.get_secret_value()
            raise RuntimeError(f"careless environment: {addresses} {env.secret_key.get_secret_value()} {said}")


def _fail(said: str) -> None:
    raise ValueError(said)
