"""Runs last in the process that the local stack forks the others from, once it has imported what all of them need."""

import gc
import os
import signal

from workers.local.launch import die_with_parent

# Its children hold the pipe by which it would notice that the supervisor is gone: the kernel has to tell it.
die_with_parent(os.getppid())
# A session of its own: Ctrl-C and a closing terminal reach the supervisor, which stops everything in order.
if os.getsid(0) != os.getpid():
    os.setsid()
signal.signal(signal.SIGTERM, signal.SIG_IGN)
gc.collect()
gc.freeze()  # what is imported is never collected, so its pages stay shared
