"""The Celery app. Web, command line and beat import this module first: every task publishes through this app."""

import os
import pkgutil
import sys
from pathlib import Path

# The celery command takes the current folder off sys.path after loading the app; tasks are imported later than that.
ROOT = str(Path(__file__).resolve().parents[1])
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)

from celery import Celery, signals  # noqa: E402

import tasks  # noqa: E402
from settings import failpoints  # noqa: E402
from settings.environment import environment  # noqa: E402
from workers import logs, odd_messages, redis_broker, resources  # noqa: E402, F401 - odd_messages listens to signals
from workers.local.launch import die_with_parent  # noqa: E402


def _task_modules() -> list[str]:
    """Every module of tasks/, in name order, then those the environment names."""
    ours = [f"tasks.{found.name}" for found in pkgutil.iter_modules(tasks.__path__)]
    return ours + [name.strip() for name in environment().extra_tasks.split(",") if name.strip()]


redis_broker.install()
app = Celery("sitebooks", include=_task_modules(), task_cls="tasks.base:BlankingTask")
app.config_from_object("settings.celery")
app.set_default()
failpoints.arm(environment().failpoints)


@signals.setup_logging.connect
def _own_logging(**_: object) -> None:
    """Being connected is what keeps Celery's hands off the log configuration."""
    logs.configure()


@signals.worker_init.connect
def _worker_starts(**_: object) -> None:
    resources.look_at_database()


@signals.worker_process_init.connect
def _child_starts(**_: object) -> None:
    if environment().die_with_parent:
        die_with_parent(os.getppid())
    resources.open()


@signals.worker_process_shutdown.connect
def _child_ends(**_: object) -> None:
    resources.close()


@signals.task_prerun.connect
def _log_which_task(task_id: str, task: object, **_: object) -> None:
    logs.bind(task=getattr(task, "name", ""), task_id=task_id)


@signals.task_postrun.connect
def _log_no_task(**_: object) -> None:
    logs.clear()
