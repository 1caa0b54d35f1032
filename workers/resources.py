"""What a worker process holds open: database connections and the outside systems' clients. Opened on first use only."""

import models
from sync import clients


def open() -> None:
    """In a fresh pool child: forget the parent's connections without touching its sockets."""
    models.dispose()


def close() -> None:
    """At the end of a pool child: hang up."""
    clients.close_all()
    models.dispose()
