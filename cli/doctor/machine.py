"""This machine and what the environment says: Python, disk, times, keys."""

import shutil
import sys
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cli.doctor import Finding, Findings, defaults, found
from settings.environment import environment

GROUP = "machine"
#: Shares of the disk: below these people are told, and woken.
LITTLE, TOO_LITTLE = 0.15, 0.08


def check() -> Findings:
    """Reads the environment and the file system only."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    yield found(GROUP, "python", sys.version_info >= (3, 11), version, "Install Python 3.11 or newer.")
    yield _zones()
    env = environment()  # its own validation has checked the order of the times
    yield Finding(
        GROUP, "times", "ok", f"lease {env.lease_seconds} s, quarantine {env.quarantine_seconds} s, sweep {env.sweep_seconds} s"
    )
    yield _keys()
    yield from defaults.check()
    yield from _disk(Path(env.data_dir))
    yield found(
        GROUP,
        "public address",
        not env.public_url.startswith("http://0.0.0.0"),
        env.public_url,
        "Set PUBLIC_URL to where the outside systems reach the web process.",
    )


def _zones() -> Finding:
    try:
        ZoneInfo("Pacific/Auckland")
    except ZoneInfoNotFoundError:
        return Finding(GROUP, "time zones", "fail", "no time zone data", "Install the package tzdata.")
    return Finding(GROUP, "time zones", "ok", "known")


def _keys() -> Finding:
    from cryptography.fernet import Fernet

    try:
        keys = [Fernet(key) for key in environment().secret_keys()]
    except ValueError:
        return Finding(
            GROUP, "secret key", "fail", "SECRET_KEY is no Fernet key", "Make one: sitebooks up keeps its own in the data folder."
        )
    return Finding(GROUP, "secret key", "ok", f"{len(keys)} key{'s' if len(keys) != 1 else ''}, the first encrypts")


def _disk(folder: Path) -> Findings:
    there = folder if folder.exists() else Path.cwd()
    usage = shutil.disk_usage(there)
    share = usage.free / usage.total
    said = f"{usage.free / 1e9:.1f} GB free ({share:.0%})"
    yield found(GROUP, "disk", share >= LITTLE, said, f"Free space where {there} lies.", "fail" if share < TOO_LITTLE else "warn")
