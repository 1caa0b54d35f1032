"""The Sage Paperless simulator under our client, one client per vault."""

from typing import Any

import simulators
from connectors.sage_paperless.connecting import connect
from settings.sage_paperless import SagePaperlessSettings
from simulators.kit.clock import Clock
from tests.fakes import MemoryBudget, MemoryStore
from tests.transport import SimulatorTransport

COMPANY = "4100"


def site(dataset: Any = "paperless", **options: Any) -> Any:
    """The simulator's core."""
    return simulators.load("sage_paperless", dataset=dataset, clock=Clock(), rate_per_minute=0, **options)


def settings(vault: str = "sage300", **given: Any) -> SagePaperlessSettings:
    base = {"base_url": "http://127.0.0.1:8703", "vault_id": vault, "bridge": "sage_300_cre", "queue": "q-ap"}
    return SagePaperlessSettings.model_validate(base | given)


def client(core: Any, vault: str = "sage300", company: str = COMPANY, **given: Any) -> Any:
    """Our client of a vault; `given` are settings, `folder` and the like go by name."""
    options = {name: given.pop(name) for name in ("folder_path",) if name in given}
    return connect(
        settings(vault, **given), MemoryStore(core.credentials_of(vault)), MemoryBudget(), company=company,
        transport=SimulatorTransport(core), folder=options.get("folder_path"),
    )  # fmt: skip
