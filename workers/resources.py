"""What a worker process holds open: database connections and the outside systems' clients. Opened on first use only."""

import logging
import time

from sqlalchemy.exc import DBAPIError

import models
from sync import clients, restored

log = logging.getLogger("sitebooks.worker")

#: Seconds between two tries to reach the database at the start.
AGAIN = 1.0


def look_at_database() -> None:
    """Before the first task: a worker that finds its database away waits; one that was put back or copied stops all writing."""
    while True:
        try:
            restored.check()
            break
        except DBAPIError as error:
            log.warning("no work begins before the database answers: %s", str(error.orig).strip())
            time.sleep(AGAIN)
    models.dispose()  # the pool's children open their own


def open() -> None:
    """In a fresh pool child: forget the parent's connections without touching its sockets."""
    models.dispose()


def close() -> None:
    """At the end of a pool child: hang up."""
    clients.close_all()
    models.dispose()
