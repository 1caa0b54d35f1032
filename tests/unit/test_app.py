"""The Celery app: who it is, what it knows, and that importing it opens nothing."""

import subprocess
import sys

import pytest

from workers.local.places import ROOT

pytestmark = pytest.mark.unit


def run(program: str, **env: str) -> str:
    """The program's output, in an interpreter of its own."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", program], env={"PYTHONPATH": str(ROOT), **env}, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_every_task_publishes_through_our_app() -> None:
    program = "import workers.app; from tasks.commitment import *; from celery import current_app; print(current_app.main)"
    assert run(program) == "sitebooks"


def test_every_task_module_is_loaded_and_every_name_is_ours() -> None:
    program = "from workers.app import app; app.loader.import_default_modules(); print(*sorted(app.tasks))"
    names = [name for name in run(program).split() if not name.startswith("celery.")]
    assert {f"sitebooks.{kind}.sync" for kind in ("project", "budget_code", "commitment", "invoice", "payment")} <= {*names}
    assert all(name.startswith("sitebooks.") for name in names)


def test_importing_opens_no_connection_so_that_a_fork_shares_none() -> None:
    program = """
import os, socket, stat
seen = []
opened = socket.socket.connect
socket.socket.connect = lambda self, address: seen.append(address) or opened(self, address)
import workers.app, web.app
print(seen, [n for n in range(3, 256) if os.path.lexists(f"/proc/self/fd/{n}") and stat.S_ISSOCK(os.fstat(n).st_mode)])
"""
    assert run(program) == "[] []"


def test_commands_are_loaded_without_the_product() -> None:
    """The servers' addresses are known only later, and the settings are read on import."""
    program = "import sys, cli.main; cli.main.load_commands(); print('settings.celery' in sys.modules, 'celery' in sys.modules)"
    assert run(program) == "False False"


def test_without_an_address_nothing_goes_to_a_broker_on_localhost() -> None:
    assert "is-not-set" in run("from workers.app import app; print(app.conf.broker_url)")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("redis://:hunter2@host:6379/0", "redis://:***@host:6379/0"),
        ("postgresql://me:hunter2@host/db", "postgresql://me:***@host/db"),
        ("Authorization: Bearer hunter2", "Authorization: Bearer ***"),
    ],
)
def test_secrets_do_not_reach_a_log_line(text: str, shown: str) -> None:
    from settings.secret_values import blank
    from workers.logs import redact

    assert blank(text) == shown
    line = redact(None, "info", {"event": "e", "client_secret": "hunter2", "password": "hunter2"})
    assert line == {"event": "e", "client_secret": "***", "password": "***"}
