"""Builds the vaults from a data set: what accounting holds is what Procore holds, but for what the set says otherwise (S-07)."""

from typing import Any

from simulators.sage_paperless import configuration
from simulators.sage_paperless.access import token_of
from simulators.sage_paperless.site import Site
from simulators.sage_paperless.store import JOBS, QUEUE, Row, Vault, stamp

FIRST = "sage300"
# For data sets without a part of their own.
PLAIN: Row = {"vaults": [{"id": FIRST, "name": "Sage 300", "bridge": "sage_300_cre", "company": True}]}
QUEUES = [{"id": "q-ap", "name": "AP Intake"}]


def build(site: Site, whole: dict[str, Any], seed: int) -> None:
    """Raises Refusal for a configuration that the rules refuse."""
    about, part = whole.get("company") or {}, whole.get("sage_paperless") or PLAIN
    own = str(about.get("procore_id", 4100))
    companies = [{"procore_company_id": own, "name": about.get("name", "Empty company")}]
    for offset in range(1, int(whole.get("companies", 1))):
        companies.append({"procore_company_id": str(int(own) + offset), "name": f"{about.get('name')} {offset + 1}"})
    more = [{"procore_company_id": str(row["id"]), "name": row["name"]} for row in part.get("procore_companies") or []]
    site.store.procore_companies = companies + more
    for spec in part["vaults"]:
        add_vault(site, spec, whole.get("procore") or {}, own, seed)


def add_vault(site: Site, spec: Row, procore: Row, own_company: str, seed: int) -> Vault:
    """One vault: its bridge, licences and cloud sync, and what its accounting accepts."""
    licences = {"procore": True, "cloud_sync": True} | (spec.get("licences") or {})
    running = bool(spec.get("cloud_sync", licences["cloud_sync"]))
    ever, last = bool(spec.get("ever_run", running)), stamp(site.now) if running else None
    cloud_sync = {"running": running, "last_run_at": last, "ever_run": ever}
    token = token_of(seed, str(spec["id"]))
    vault = Vault(str(spec["id"]), spec["name"], spec["bridge"], licences, cloud_sync, token)
    site.store.vaults[vault.id] = vault
    vault.queues = [{"active": True} | row for row in spec.get("queues") or QUEUES]
    vault.rules = [dict(rule) for rule in spec.get("rules") or []]
    vault.allow_zero, vault.closed_before = bool(spec.get("allow_zero")), str(spec.get("closed_before") or "")
    job = bool(spec.get("backfill", True))
    for name in JOBS:
        on = job if name == "payment_backfill" else True
        vault.jobs[name] = {"configured": on, "running": on, "last_run_at": None, "next_run_at": None, "last_error": None}
    vault.references = references(procore, spec.get("differs") or {})
    if spec.get("company"):
        _connect(site, vault, spec, own_company)
    return vault


def _connect(site: Site, vault: Vault, spec: Row, own_company: str) -> None:
    vault.connection.update(state="successful", connected_as="office@kauri.example", consented=True)
    company = own_company if spec["company"] is True else str(spec["company"])
    wanted = {"procore_company_id": company, "import_behaviour": spec.get("import_behaviour", QUEUE),
              "queue_id": spec.get("queue", vault.queues[0]["id"])}  # fmt: skip
    configuration.save(site.store, vault, wanted | (spec.get("flags") or {}))


def references(procore: Row, differs: Row) -> dict[str, list[Row]]:
    """Vendors, commitments, jobs and codes as Procore has them; `differs`: renamed, inactive and missing ones."""
    renamed = differs.get("vendors") or {}
    inactive, missing = set(differs.get("inactive") or ()), {str(value) for value in differs.get("missing") or ()}
    names = [vendor if isinstance(vendor, str) else vendor["name"] for vendor in procore.get("vendors") or []]
    vendors = [_row("vendor", renamed.get(name, name), name not in inactive) for name in names]
    owners = differs.get("commitments") or {}
    commitments = []
    for spec in procore.get("commitments") or []:
        owner = owners.get(spec["number"], renamed.get(spec["vendor"], spec["vendor"]))
        lines = {"_lines": len(spec.get("lines") or [])}
        commitments.append(_row("commitment", spec["number"], True, spec["title"], owner) | lines)
    jobs = [_row("job", spec["number"], True, spec["name"]) for spec in procore.get("projects") or []]
    codes = [row for spec in procore.get("projects") or [] for row in _codes(procore, spec)]
    found = {"vendor": vendors, "commitment": commitments, "job": jobs, "cost_code": codes}
    return {kind: [row for row in rows if row["value"] not in missing] for kind, rows in found.items()}


def _codes(procore: Row, project: Row) -> list[Row]:
    """Every standard code of a job, and again under each of its sub jobs as B.03-300."""
    rows = []
    for division in procore.get("standard_cost_codes") or []:
        for code, name in division["codes"].items():
            value = f"{division['code']}-{code}"
            rows.append(_row("cost_code", value, True, name, project["number"]))
            for sub_job in project.get("sub_jobs") or []:
                rows.append(_row("cost_code", f"{sub_job['code']}.{value}", True, name, project["number"]))
    return rows


def _row(kind: str, value: str, active: bool, name: str | None = None, parent: str | None = None) -> Row:
    return {"kind": kind, "value": str(value), "name": name, "parent": parent, "active": active}
