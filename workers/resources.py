"""What a worker process holds open: database connections. Opened on first use, never before a fork."""

import models


def open() -> None:
    """In a fresh pool child: forget the parent's connections without touching its sockets."""
    models.dispose()


def close() -> None:
    """At the end of a pool child: hang up."""
    models.dispose()
