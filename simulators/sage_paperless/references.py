"""What accounting accepts: vendors, commitments, jobs and cost codes, in its own spelling."""

from simulators.sage_paperless.paging import choice, listed
from simulators.sage_paperless.problems import malformed
from simulators.sage_paperless.site import Answer, Call, Site
from simulators.sage_paperless.store import Row, Vault, public, stamp

KINDS = ("vendor", "commitment", "job", "cost_code")


def list_references(site: Site, call: Call) -> Answer:
    kind = choice(call, "kind", *KINDS)
    if not kind:
        raise malformed("/query/kind", "is missing")
    wanted = call.query.get("value")
    rows = [row for row in call.vault.references.get(kind, []) if wanted in (None, row["value"])]
    return listed(site, call, [public(row) | {"as_of": stamp(site.now)} for row in rows])


def find(vault: Vault, kind: str, value: str, parent: str | None = None) -> Row | None:
    """Exact after trimming (contract B.5)."""
    for row in vault.references.get(kind, []):
        if row["value"] == value.strip() and parent in (None, row["parent"]):
            return row
    return None
