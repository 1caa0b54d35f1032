"""What moves between Procore and Sage Paperless: approved invoices in, payments out (and nothing else)."""

from collections.abc import Iterator, Mapping

from connectors.flow import Connector, Flow, Need
from connectors.sage_paperless import checks, holding
from connectors.sage_paperless.connecting import connect
from connectors.sage_paperless.mirror import read_settings, save_settings
from connectors.sage_paperless.preparing import prepare
from connectors.sage_paperless.probing import probe
from connectors.sage_paperless.reading import READERS
from connectors.sage_paperless.webhooks import doorbell, event_id, subscribe, verify
from connectors.sage_paperless.writing import PLANS, SIGHTINGS, counted
from objects import Invoice
from settings.sage_paperless import SagePaperlessSettings


def needs_invoice(obj: Invoice) -> Iterator[Need]:
    yield Need("link", "invoice", obj.source_id)
    yield Need("snapshot", "commitment", obj.order_id or "", "procore")
    yield Need("snapshot", "project", obj.project_id, "procore")
    for line in obj.lines:
        yield Need("snapshot", "budget_code", line.cost_code_id or "", "procore")


INVOICE = Flow(
    "invoice", "from_procore", "procore", "sage_paperless", checks=checks.INVOICE, hold=holding.invoice,
    protected_by="look_first", scope=checks.scope, needs=needs_invoice, prepare=prepare,
    pushed=lambda settings: settings.automated,
)  # fmt: skip

LABELS: Mapping[str, str] = {name: str(field.title) for name, field in SagePaperlessSettings.model_fields.items()}

CONNECTOR = Connector(
    system="sage_paperless",
    connect=connect,
    readers=READERS,
    plans=PLANS,
    doorbell=doorbell,
    verify=verify,
    event_id=event_id,
    subscribe=subscribe,
    settings=SagePaperlessSettings,
    flows=(INVOICE,),
    scans=("invoice", "payment"),
    read_settings=read_settings,
    save_settings=save_settings,
    counts={"invoice": counted},
    anchored={"invoice": counted},
    sightings=SIGHTINGS,
    labels=LABELS,
    probe=probe,
)
