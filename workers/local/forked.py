"""Python processes forked from one that has imported the product already: importing it costs each a second or more.

The standard library's fork server does the work. Ours is only what makes a child look as if it had been started by
`python -m MODULE ARGUMENTS`: own session, own output, own environment, and an end when the supervisor ends.
"""

import atexit
import os
import runpy
import signal
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import forkserver, get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess

from workers.local.launch import die_with_parent, show_name

_context = get_context("forkserver")
# What most of them need, imported once and by name. Nothing here may open a connection or start a thread.
PRELOADED = [
    "celery.bin.beat",
    "celery.bin.worker",
    "celery.concurrency.prefork",
    "kombu.transport.redis",
    "models.migrate",
    "uvicorn",
    "workers.beat",
    "web.app",
    "workers.local.preload",
]


def begin() -> None:
    """Start importing in the background. The environment as it is now is what every child will see."""
    _context.set_forkserver_preload(PRELOADED)
    forkserver.ensure_running()


def start(module: str, arguments: list[str], env: dict[str, str]) -> tuple[ForkServerProcess, Connection]:
    """Run `python -m module arguments`; returns the process and the reading end of its output."""
    reading, writing = _context.Pipe(duplex=False)
    process = _context.Process(target=_run, args=(module, arguments, env, writing), daemon=False)
    process.start()
    writing.close()
    return process, reading


def pool() -> ProcessPoolExecutor:
    """For single calls: migrations, pings, seeding. Functions go over by name, so they import inside themselves."""
    return ProcessPoolExecutor(3, mp_context=_context, initializer=_die_with_server)


def _die_with_server() -> None:
    die_with_parent(os.getppid())


def _run(module: str, arguments: list[str], env: dict[str, str], out: Connection) -> None:
    _die_with_server()
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for descriptor in (1, 2):
        os.dup2(out.fileno(), descriptor)
    out.close()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    os.environ.update(env)
    show_name(env.get("SITEBOOKS_ROLE", module))
    sys.argv = [module, *arguments]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        atexit._run_exitfuncs()  # the fork server's children skip them, and Flower saves its state there
