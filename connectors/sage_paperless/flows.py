"""What moves between Procore and Sage Paperless: approved invoices in, payments out (and nothing else)."""

from collections.abc import Iterator, Mapping

from connectors import payments
from connectors.flow import Connector, Flow, Need
from connectors.sage_paperless import checks, holding
from connectors.sage_paperless.connecting import connect
from connectors.sage_paperless.mirror import read_settings, save_settings
from connectors.sage_paperless.preparing import prepare
from connectors.sage_paperless.probing import probe
from connectors.sage_paperless.reading import READERS
from connectors.sage_paperless.receipts import receipt
from connectors.sage_paperless.webhooks import doorbell, subscribe
from connectors.sage_paperless.writing import PLANS, SIGHTINGS, counted
from connectors.signed import event_id, verify
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

PAYMENT = payments.flow("sage_paperless", lambda settings: settings.payments_by, receipt)

#: Y-20: declared, not assumed.
CAPABILITIES: Mapping[str, Mapping[str, str]] = {
    "invoice": {
        "import": "automated into a queue, automated with auto-route, or picked by a person",
        "documents": "PDF, JPEG, PNG, TIFF, plain text; office documents where LibreOffice is installed; DocuSign not",
        "changes": "taken while the invoice is unprocessed there",
    },
    "payment": {
        "full": "yes", "partial": "yes, several per invoice", "voids": "shown as a task, never deleted in Procore",
        "webhook": "yes over REST; a drop folder has none", "backfill": "by the AP Check to Invoice Backfiller, which must run",
    },
}  # fmt: skip

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
    flows=(INVOICE, PAYMENT),
    scans=("invoice", "payment"),
    read_settings=read_settings,
    save_settings=save_settings,
    counts={"invoice": counted},
    anchored={"invoice": counted},
    sightings=SIGHTINGS,
    capabilities=CAPABILITIES,
    labels=LABELS,
    probe=probe,
    secrets=lambda settings: ("token",) if settings.transport == "rest" else (),
)
