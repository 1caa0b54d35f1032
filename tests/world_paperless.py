"""A company on Sage Paperless in one process: its simulator and Procore's, the real engine, and a bell that rings at once."""

from copy import deepcopy
from typing import Any

from sqlalchemy import text

import simulators
from models import session, unscoped
from simulators.kit.clock import Clock
from sync import clients, connections, settings
from tests.transport import SimulatorTransport
from tests.world import World, _checked, _text

VAULT = "sage300"


class PaperlessWorld(World):
    """As World. `procore` and `sage_paperless` are the simulators' cores; `ours` are settings of our connection."""

    def __init__(self, company: int, dataset: str | dict[str, Any] = "paperless", ours: dict[str, Any] | None = None,
                 folder: str = "") -> None:  # fmt: skip
        self.company = company
        with unscoped() as db:  # the companies of earlier tests hold the same vault, which one company only may (S-15)
            db.execute(text("DELETE FROM vault_tie"))
        self.clock = Clock()
        self.procore = simulators.load("procore", dataset=dataset, clock=self.clock, hourly=0, spike=0)
        self.sage_paperless = simulators.load(
            "sage_paperless", dataset=dataset, clock=self.clock, rate_per_minute=0, folder=folder
        )
        self.simulators = {"procore": self.procore, "sage_paperless": self.sage_paperless}
        self.transports = {name: SimulatorTransport(core, _known(name)) for name, core in self.simulators.items()}
        clients.transports.update(self.transports)
        way = {"transport": "drop_folder", "folder": folder} if folder else {"base_url": "http://127.0.0.1"}
        own = {**way, "vault_id": VAULT, "vault": "Kauri & Sons (Sage 300)", "bridge": "sage_300_cre", "queue": "q-ap"}
        connections.connect(company, "procore", {"base_url": "http://127.0.0.1"}, _text(self.procore.credentials))
        connections.connect(company, "sage_paperless", {**own, **(ours or {})}, _text(self.sage_paperless.credentials))
        with session(company) as db:
            db.execute(text("UPDATE company SET site_id = :s"), {"s": str(self.procore.credentials["company_id"])})
        settings.fetch(company, "sage_paperless", "test")
        for name in self.simulators:
            connections.subscribe(company, name)

    def scan(self, *systems: str, full: bool = False) -> None:
        super().scan(*(systems or ("procore", "sage_paperless")), full=full)

    def save(self, **values: Any) -> None:
        self.run(settings.save(self.company, "sage_paperless", values, "test"))
        self.settle()


def only(dataset: dict[str, Any], *numbers: str) -> dict[str, Any]:
    """The data set with these invoices only."""
    made = deepcopy(dataset)
    made["procore"]["requisitions"] = [one for one in made["procore"]["requisitions"] if one["number"] in numbers]
    made["people"] = []
    return made


def _known(system: str) -> Any:
    """Addresses of files are given out by Procore's answers, and stand in no document."""
    checked = _checked(system)

    def check(request: Any) -> None:
        if not request.url.path.startswith(("/attachments/", "/storage/")):
            checked(request)

    return check
