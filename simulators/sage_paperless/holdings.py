"""Everything the site holds, by kind, for the page, the state and the judges of tests."""

from dataclasses import asdict
from typing import Any

from simulators.sage_paperless import connection
from simulators.sage_paperless.store import Row, Store, public


def state(store: Store) -> dict[str, list[dict[str, Any]]]:
    """Rows of all vaults together; each says whose it is."""
    kinds: dict[str, list[Row]] = {
        "invoices": [_invoice(row) for row in store.rows("invoices")],
        "payments": [_payment(vault.id, row) for vault in store.vaults.values() for row in vault.payments.values()],
        "vaults": [],
        "configurations": [],
        "jobs": [],
        "queues": [],
        "references": [],
        "webhook_subscriptions": [],
        "webhook_deliveries": [],
        "importer": [{name: value for name, value in asdict(store.folder).items() if name != "first_seen"}],
    }
    for vault in store.vaults.values():
        own = {"vault_id": vault.id}
        kinds["vaults"].append(connection.shown(vault) | {"connection": vault.connection["state"]})
        kinds["configurations"].append(own | vault.configuration)
        kinds["jobs"] += [own | {"name": name} | job for name, job in vault.jobs.items()]
        kinds["queues"] += [own | row for row in vault.queues]
        kinds["references"] += [own | public(row) for rows in vault.references.values() for row in rows]
        kinds["webhook_subscriptions"] += [own | public(row) for row in vault.subscriptions.values()]
    for event in store.events.values():
        for entry in event["deliveries"].values():
            shown = {"type": entry["_type"], "resource_id": entry["_resource_id"]}
            kinds["webhook_deliveries"].append(public(entry) | shown)
    return kinds


def _invoice(row: Row) -> Row:
    meta = row["_meta"]
    names = ("invoice_number", "vendor", "commitment_number", "invoice_date", "net", "tax", "retainage", "lines")
    return public(row) | {name: meta.get(name) for name in names} | {"company_id": meta["procore_company_id"]}


def _payment(vault_id: str, row: Row) -> Row:
    return {"vault_id": vault_id} | public(row) | {"found": row["_found"], "receipt": row.get("_receipt")}
