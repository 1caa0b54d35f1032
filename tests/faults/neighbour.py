"""One more company on the running stack, with simulators of its own in this process: their limits and clocks are ours."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import simulators
from simulators.kit.shell import Shell
from simulators.kit.simulator import Simulator
from tests.faults.judging import judge
from tests.faults.stand import TIMES, Stand
from tests.oracles import OverHttp
from workers.local.places import ROOT, Secrets

_names = count(2)
#: No limits, unless a row asks for some.
UNLIMITED: dict[str, dict[str, Any]] = {
    "procore": {"hourly": 0, "spike": 0}, "lentune": {"rate_per_minute": 0}, "sage_paperless": {"rate_per_minute": 0},
}  # fmt: skip


class Neighbour(Stand):
    """The same stack, seen as another company: `act`, `state`, `ledger` and faults are those of its own systems."""

    def __init__(self, stand: Stand, cores: dict[str, Simulator], urls: dict[str, str], joined: dict[str, Any]) -> None:
        self.run, self.failpoints, self.web, self.database_url = stand.run, stand.failpoints, stand.web, stand.database_url
        self.app, self.broker, self.company = stand.app, stand.broker, int(joined["company_id"])
        self.cores, self.url, self.joined = cores, urls, joined
        self.sight = OverHttp(self.company, urls, stand.database_url)
        self._seen, self._stopped = dict.fromkeys(urls, 0), set()

    @property
    def ready(self) -> dict[str, Any]:
        """The stack's, with this company's own people."""
        return {**super().ready, **self.joined}

    def budget(self, system: str = "procore") -> dict[str, Any]:
        """What Postgres knows of a connection's limit."""
        return self.rows(
            "SELECT b.* FROM budget b JOIN connection c ON c.id = b.connection_id WHERE c.company_id = %s AND c.system = %s",
            self.company, system,
        )[0]  # fmt: skip

    def leave(self) -> None:
        """Its systems are about to go: nothing of it shall be tried any more."""
        self.change("UPDATE connection SET enabled = false WHERE company_id = %s", self.company)
        self.change(
            """UPDATE sync_record SET due_at = NULL, lease_until = NULL,
            state = CASE WHEN state IN ('pending', 'sending', 'checking') THEN 'needs_attention' ELSE state END
            WHERE company_id = %s""",
            self.company,
        )


@contextmanager
def neighbour(
    stand: Stand, options: dict[str, dict[str, Any]] | None = None, settings: dict[str, dict[str, Any]] | None = None,
    dataset: str | dict[str, Any] = "small", loaded: bool = True,
    credentials: Callable[[str, dict[str, Any]], dict[str, str]] | None = None, accounting: str = "lentune",
) -> Iterator[Neighbour]:
    """Connected and (with `loaded`) quiet after its first load; at the end it must be quiet again, and in agreement.

    `credentials` gives Procore's from its address and what it knows; else they are the app's own.
    """
    given = {system: {**UNLIMITED[system], **(options or {}).get(system, {})} for system in ("procore", accounting)}
    cores = {system: simulators.load(system, dataset=dataset, **given[system]) for system in given}
    shells = {system: Shell(core).start() for system, core in cores.items()}
    urls = {system: shell.url for system, shell in shells.items()}
    try:
        made = Neighbour(stand, cores, urls, _join(stand, cores, urls, settings or {}, credentials))
        try:
            if loaded:
                if accounting == "lentune":
                    made.wait_state("commitment", "SC-1001-01", seconds=60)
                made.wait_quiet(60)
            yield made
            made.mend()
            made.wait_quiet(30)
            broken = judge(made)
            assert not broken, "\n".join(broken)
        finally:
            made.mend()
            made.leave()
            made.sight.close()
    finally:
        for shell in shells.values():
            shell.stop()


def environ(stand: Stand) -> dict[str, str]:
    """What a command needs to act on the running stack."""
    return TIMES | {
        "DATABASE_URL": stand.database_url, "BROKER_URL": stand.ready["broker_url"], "PUBLIC_URL": stand.web,
        "SECRET_KEY": Secrets.of(stand.run.folder).secret_key, "PYTHONPATH": str(ROOT), "LOG_LEVEL": "WARNING",
        "DATA_DIR": str(stand.run.folder),
    }  # fmt: skip


def _join(
    stand: Stand, cores: dict[str, Simulator], urls: dict[str, str], settings: dict[str, dict[str, Any]],
    credentials: Callable[[str, dict[str, Any]], dict[str, str]] | None,
) -> dict[str, Any]:
    known = {system: {k: str(v) for k, v in core.credentials.items()} for system, core in cores.items()}
    site_id = known["procore"]["company_id"]
    if credentials is not None:
        known["procore"] = credentials(urls["procore"], cores["procore"].credentials)
    told = {
        "name": f"Neighbour {next(_names)}", "site_id": site_id, "settings": settings,
        "stands": {system: {"url": urls[system], "credentials": known[system]} for system in cores},
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-P", "-m", "tests.faults.joining", json.dumps(told)],
        env=os.environ | environ(stand), cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))
