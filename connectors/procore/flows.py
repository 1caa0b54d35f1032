"""What Procore declares. It is one side of every connection; the flows stand with the accounting systems."""

from connectors.flow import Connector
from connectors.procore.client import connect
from connectors.procore.consent import CONSENT
from connectors.procore.counting import COUNTS
from connectors.procore.invoices import Requisitions
from connectors.procore.payments import awaited_payment, contract_payment, payment_sightings, payments
from connectors.procore.reading import READERS
from connectors.procore.standing import SIGHTINGS
from connectors.procore.subscribing import subscribe
from connectors.procore.webhooks import doorbell, event_id, verify
from connectors.procore.writing import PLANS
from settings.procore import ProcoreSettings

CONNECTOR = Connector(
    system="procore",
    connect=connect,
    readers={**READERS, "invoice": Requisitions()},
    plans={**PLANS, "contract_payment": contract_payment, "awaited_payment": awaited_payment},
    doorbell=doorbell,
    verify=verify,
    event_id=event_id,
    subscribe=subscribe,
    settings=ProcoreSettings,
    scans=(
        "project", "cost_type", "cost_code", "vendor", "sub_job", "budget_code", "billing_period", "commitment",
        "variation", "invoice",
    ),
    scanned_if_taken=frozenset({"invoice"}),
    counts={**COUNTS, "payment": payments},
    anchored={**COUNTS, "payment": payments},
    sightings={**SIGHTINGS, "contract_payment": payment_sightings},
    consent=CONSENT,
    labels={name: str(field.title) for name, field in ProcoreSettings.model_fields.items()},
)
