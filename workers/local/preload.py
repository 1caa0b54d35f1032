"""Imported once by the process that the local stack forks the others from: what all need, and nothing opened."""

# ruff: noqa: F401
import gc
import os
import signal

import celery.bin.beat
import celery.bin.worker
import celery.concurrency.prefork
import kombu.transport.redis
import uvicorn

import models.migrate
import web.app
import workers.beat
from workers.local.launch import die_with_parent

# Its children hold the pipe by which it would notice that the supervisor is gone: the kernel has to tell it.
die_with_parent(os.getppid())
# A session of its own: Ctrl-C and a closing terminal reach the supervisor, which stops everything in order.
if os.getsid(0) != os.getpid():
    os.setsid()
signal.signal(signal.SIGTERM, signal.SIG_IGN)
gc.collect()
gc.freeze()  # what is imported is never collected, so its pages stay shared
