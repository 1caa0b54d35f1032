"""Starts one program so that it ends with its supervisor: run by path, replaces itself by the program.

    python -I -S launch.py SUPERVISOR SIGNAL USER LOCKFILE PROGRAM ARGUMENT...

SUPERVISOR: its process id. SIGNAL: the number the kernel sends when it dies, however it dies (Linux; elsewhere
nothing is asked).
USER: a name to become first, or "-". LOCKFILE: held until the program and all its children are gone, or "-".
A program of its own, and not a function run between fork and exec: those may deadlock in a process with threads.
"""

import ctypes
import fcntl
import os
import pwd
import signal
import sys
import time

PR_SET_PDEATHSIG = 1
PR_SET_NAME = 15
LOCK_WAIT_SECONDS = 20.0


def die_with_parent(parent: int, number: int = signal.SIGKILL) -> None:
    """Ask the kernel for this signal when the thread that started us ends. A parent already gone counts as well."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        os.kill(os.getpid(), number)


def show_name(name: str) -> None:
    """What top and ps -o comm show; the kernel keeps 15 characters."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_NAME, name.encode()[:15])


def _hold(path: str) -> None:
    """Take the lock on a descriptor that the program inherits; a predecessor may need a moment to shut down."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    end = time.monotonic() + LOCK_WAIT_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.monotonic() > end:
                sys.exit(f"{path} is still held by an earlier server after {LOCK_WAIT_SECONDS:.0f} s")
            time.sleep(0.05)
    os.set_inheritable(descriptor, True)


def _become(user: str) -> None:
    account = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)


def main(supervisor: str, number: str, user: str, lock: str, *command: str) -> None:
    if lock != "-":
        _hold(lock)
    if user != "-":
        _become(user)
    die_with_parent(int(supervisor), int(number))  # last: a change of user clears it
    os.execv(command[0], command)


if __name__ == "__main__":
    main(*sys.argv[1:])
