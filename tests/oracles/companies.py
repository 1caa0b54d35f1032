"""I8, I9: nothing of one company at another, and no secret anywhere in our tables."""

from collections.abc import Sequence

from tests.oracles.sights import Sight

_TABLES = "SELECT tablename AS table_name FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"


def mixed(sight: Sight) -> list[str]:
    """I8: what we wrote went to the company it is of; rows belong to the company of the row they hang on."""
    own = sight.rows("SELECT site_id FROM company WHERE id = %s", [sight.company])[0]["site_id"]
    found = [
        f"I8: {system} was written to in company {entry['company']}, and ours is {own}: {entry['kind']} {entry['remote_id']}"
        for system in sight.systems
        for entry in sight.ledger(system)
        if entry["actor"] == "client" and entry["company"] not in ("", own)
    ]
    found += _others_keys(sight)
    for table in ("attempt", "write", "approval", "history"):
        rows = sight.rows(
            f"SELECT t.id FROM {table} t JOIN sync_record r ON r.id = t.record_id WHERE t.company_id <> r.company_id LIMIT 3"
        )
        found += [f"I8: {table} {row['id']} is of another company than its record" for row in rows]
    return found


def _others_keys(sight: Sight) -> list[str]:
    """What carries a key in Procore carries one of this company's records: keys come from a salt of its own."""
    keys = {row["key"] for row in sight.rows("SELECT key FROM sync_record WHERE company_id = %s", [sight.company])}
    state = sight.state("procore")
    return [
        f"I8: {kind} {row['id']} in Procore carries {row['origin_id']}, which is no key of this company's records"
        for kind in ("direct_costs", "requisitions", "purchase_order_contracts", "contract_payments")
        for row in state.get(kind, [])
        if row["origin_id"] and not row.get("deleted_at") and row["origin_id"] not in keys
    ]


def leaked(sight: Sight, canaries: Sequence[str]) -> list[str]:
    """I9: each canary is looked for in every row of every table."""
    if not canaries:
        return []
    found = []
    for table in (row["table_name"] for row in sight.rows(_TABLES)):
        for canary in canaries:
            rows = sight.rows(f'SELECT 1 FROM "{table}" t WHERE position(%s IN t::text) > 0 LIMIT 1', [canary])
            found += [f"I9: a secret stands in table {table}" for _ in rows]
    return found
