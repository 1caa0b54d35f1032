"""A task that takes as long as it is told, loaded into the workers by EXTRA_TASKS; it writes who runs it and when it is done."""

import os
import time
from pathlib import Path

from celery import shared_task


@shared_task(name="tests.slow")
def slow(seconds: int, file: str) -> None:
    Path(file).write_text(str(os.getpid()))
    time.sleep(seconds)
    Path(file).write_text(f"{os.getpid()} done")
