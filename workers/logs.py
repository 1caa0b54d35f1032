"""Log lines of every process: structlog and the standard library's loggers through one formatter, secrets taken out."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog
from structlog.contextvars import bind_contextvars, clear_contextvars

from settings.environment import environment

# user:password@ in any address, and what follows Bearer or Basic in a header
_IN_TEXT = re.compile(r"(?P<keep>://[^\s:/@]*:)[^\s@]+(?=@)|(?P<scheme>\b(?:Bearer|Basic)\s+)\S+", re.IGNORECASE)
_SECRET_NAMES = re.compile(r"password|secret|token|authorization|cookie|api_key", re.IGNORECASE)
# libraries that tell every request or connection at INFO
_TALKATIVE = ("httpx", "httpcore", "urllib3", "alembic.runtime.plugins", "uvicorn.access", "celery.redirected")

EventDict = MutableMapping[str, Any]


def redact(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Blank values whose name says that they are secret, and credentials inside texts."""
    for name, value in event.items():
        if _SECRET_NAMES.search(name):
            event[name] = "***"
        elif isinstance(value, str):
            event[name] = _IN_TEXT.sub(lambda hit: f"{hit['keep'] or hit['scheme']}***", value)
    return event


def _shared() -> list[Any]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]


def _renderer() -> Any:
    if environment().log_format == "json":
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    return structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0, sort_keys=False)


def configure() -> None:
    """Send everything to stderr, one line an event (LOG_FORMAT text or json), from LOG_LEVEL up."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_shared(),
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, redact, _renderer()],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(environment().log_level)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers[:] = []
        logging.getLogger(name).propagate = True
    structlog.configure(
        processors=[*_shared(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def bind(**what: str) -> None:
    """Every line from here on carries these, until clear()."""
    bind_contextvars(**what)


def clear() -> None:
    clear_contextvars()
