"""Whether this process can do its work: the database with its tables and roles; and what the broker says, for people."""

import threading
import time
from dataclasses import dataclass

from celery import current_app
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from models import unscoped
from models.migrate import head
from tasks.queues import answers

#: A probe asks every few seconds and gives up after one: a broker that hangs must not make the web process look unready.
BROKER_SECONDS = 0.5
REMEMBER_SECONDS = 10.0

_asked: tuple[float, str] = (-REMEMBER_SECONDS, "")
_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True)
class Readiness:
    """Each check by its name, in words."""

    ready: bool
    said: dict[str, str]


def readiness() -> Readiness:
    """Asks the database. A role that cannot act for one company could answer no page and store no row."""
    try:
        with unscoped() as db:
            at = db.scalar(text("SELECT version_num FROM alembic_version"))
            may = db.scalar(text("SELECT pg_has_role(current_user, 'sitebooks_app', 'MEMBER')"))
    except DBAPIError:
        return Readiness(False, {"database": "away, or without our tables: run sitebooks migrate"})
    said = {
        "database": "answers",
        "migrations": "at head" if at == head() else f"at {at}, this release needs {head()}: run sitebooks migrate",
        "role": "may act as sitebooks_app" if may else "may not act as sitebooks_app: run sitebooks migrate as the owner",
    }
    return Readiness(at == head() and bool(may), said)


def broker_said() -> str:
    """"answers" or "away ...", asked at most every ten seconds; who comes meanwhile reads the last answer."""
    global _asked
    with _one_at_a_time:
        if time.monotonic() - _asked[0] > REMEMBER_SECONDS:
            _asked = (time.monotonic(), _ask())
        return _asked[1]


def _ask() -> str:
    if answers(current_app, BROKER_SECONDS):
        return "answers"
    return "away: webhooks are stored, work goes on when it is back"
