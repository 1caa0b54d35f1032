"""What a connection needs in the other system besides its sign-in, asked while a person waits for the page."""

from dataclasses import dataclass

from connectors.calls import CallFailed, NotUnderstood
from connectors.flow import Looked
from connectors.registry import connector
from models import session
from sync import clients
from sync.company import load

#: A page waits no longer for one answer.
PATIENCE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Probe:
    """`failed`: why it could not be asked, in words; then nothing is known, which is not the same as good."""

    looked: tuple[Looked, ...] = ()
    failed: str = ""

    @property
    def stop(self) -> Looked | None:
        """What must be put right before anything of this connection can be set (S-01, S-02, S-08)."""
        return next((one for one in self.looked if one.stops and not one.good), None)


def probe(company_id: int, system: str) -> Probe:
    """Reads only. Never raises for what the system says."""
    with session(company_id) as db:
        company = load(db, company_id)
    connected, declared = company.connections.get(system), connector(system)
    if declared.probe is None or connected is None or connected.settings is None or company.off(system):
        return Probe()
    client = clients.fresh(company, system, PATIENCE_SECONDS)
    try:
        return Probe(tuple(declared.probe(client)))
    except (CallFailed, NotUnderstood) as error:
        return Probe(failed=str(error))
    finally:
        client.close()
