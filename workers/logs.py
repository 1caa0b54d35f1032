"""Log lines of every process: structlog and the standard library's loggers through one formatter, secrets taken out."""

import logging
import re
import sys
import threading
from collections.abc import MutableMapping
from contextlib import suppress
from types import TracebackType
from typing import Any
from urllib.parse import unquote, urlsplit

import structlog
from structlog.contextvars import bind_contextvars, clear_contextvars

from settings.environment import environment
from settings.secret_values import BLANK, blank, remember

_SECRET_NAMES = re.compile(r"password|secret|token|authorization|cookie|api_key", re.IGNORECASE)
# libraries that tell every request or connection at INFO
_TALKATIVE = ("httpx", "httpcore", "urllib3", "alembic.runtime.plugins", "uvicorn.access", "celery.redirected")

EventDict = MutableMapping[str, Any]


class Handler(logging.StreamHandler[Any]):
    """To stderr. The standard library's own words about a line that cannot be written would repeat its arguments."""

    def handleError(self, record: logging.LogRecord) -> None:
        with suppress(OSError, ValueError):  # stderr itself is gone: there is nobody left to tell
            sys.__stderr__.write(f"a line of {record.name} could not be written: {sys.exc_info()[0]}\n")  # type: ignore[union-attr]


class Blanking(structlog.stdlib.ProcessorFormatter):
    """The one sink: whatever came together to a line, traceback and all, leaves it without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        return blank(super().format(record))


def redact(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Values whose name says that they are secret, before names and values become one text."""
    for name in event:
        if _SECRET_NAMES.search(name):
            event[name] = BLANK
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
    _remember_environment()
    handler = Handler(sys.stderr)
    handler.setFormatter(
        Blanking(
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
    # what nobody catches would be printed by Python itself, past every handler
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread


def _remember_environment() -> None:
    env = environment()
    remember(env.secret_key.get_secret_value().split(","))
    for address in (env.database_url, env.broker_url):
        try:
            password = urlsplit(address.get_secret_value()).password or ""
        except ValueError:  # no address at all: whoever uses it says so
            continue
        remember([password, unquote(password)])


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        logging.getLogger("sitebooks").critical("the process ends: nobody expected this", exc_info=(kind, error, trace))


def _uncaught_in_thread(said: threading.ExceptHookArgs) -> None:
    if said.exc_value is not None and said.exc_type is not SystemExit:
        about = said.exc_type, said.exc_value, said.exc_traceback
        logging.getLogger("sitebooks").critical("a thread ends: nobody expected this", exc_info=about)


def bind(**what: str) -> None:
    """Every line from here on carries these, until clear()."""
    bind_contextvars(**what)


def clear() -> None:
    clear_contextvars()
