"""PUT .../by-procore/...: one way for every kind; the Procore id is the anchor, an equal hash writes nothing."""

from collections.abc import Callable
from typing import Any

from simulators.lentune.problems import FieldError, Refusal
from simulators.lentune.shapes import Json, Shape
from simulators.lentune.store import Row
from simulators.lentune.tenant import Answer, Call, Tenant, check_absent, check_version, record

Build = Callable[[Tenant, Call, Json, "Row | None"], Row]
"""Checks the rules (raising Refusal) and answers the row's fields; changes nothing itself."""
Adopt = Callable[[Tenant, Json], "Row | None"]
"""A row that is not linked yet and is the same thing by name."""


def upsert(tenant: Tenant, call: Call, table: str, shape: Shape, build: Build, adopt: Adopt | None = None) -> Answer:
    """Create or update from Procore (contract B.1). 201 created, 200 updated, 200 Content-Unchanged."""
    tenant.company(call.params["procore_company_id"])
    body = call.body(shape)
    check_anchor(call, body["external"])
    store = tenant.store
    row = store.by_external(table, body["external"])
    if row is not None and not row.get("deleted_at"):
        if unchanged(store.inputs.get(row["id"]), body):
            return record(row, Content_Unchanged="true")
        check_version(call, row["version"])
    else:
        check_absent(call)
        row = adopt(tenant, body) if row is None and adopt else row
    fields = build(tenant, call, body, row) | {"external": body["external"]}
    if row is None:
        row = store.insert(table, tenant.now, fields)
        status = 201
    else:
        store.update(table, row, tenant.now, fields | {"deleted_at": None})
        status = 200
    store.inputs[row["id"]] = body
    return record(row, status)


def check_anchor(call: Call, external: Json) -> None:
    """The address and `external` must name the same Procore record."""
    wrong = [
        FieldError(f"/external/{name}", "invalid", f"must equal {call.params[name]} of the address")
        for name in ("procore_company_id", "procore_id")
        if external[name] != call.params[name]
    ]
    if wrong:
        raise Refusal("validation_failed", "The address and external name different records.", field_errors=wrong)


def unchanged(stored: Json | None, body: Json) -> bool:
    """Equal content hash; without hashes, equal content (the time of change at the source does not count)."""
    if stored is None:
        return False
    before, after = stored["external"].get("content_hash"), body["external"].get("content_hash")
    if before or after:
        return bool(before == after)
    return bool(without_time(stored) == without_time(body))


def without_time(body: Json) -> Json:
    external = {name: value for name, value in body["external"].items() if name != "procore_updated_at"}
    return body | {"external": external}


def refuse_clash(kind: str, holder: Row | None, row: Row | None, code: str) -> None:
    """A code that another record holds. No look-alike with a prefix or suffix is made (contract A.3)."""
    if holder is None or (row is not None and holder["id"] == row["id"]):
        return
    error = FieldError("/code", "not_unique", f"{code} belongs to {holder['id']}")
    raise Refusal(
        "external_key_taken", f"The {kind} code {code} belongs to {holder['id']} in Lentune.", field_errors=[error]
    )


def unlinked(row: Row | None) -> Row | None:
    """The row, if it is the copy of no Procore record yet."""
    return row if row and not row.get("external") else None


def linked_elsewhere(row: Row, external: Json) -> bool:
    """True when the row is the copy of another Procore record."""
    held: dict[str, Any] | None = row.get("external")
    return held is not None and held["procore_id"] != external["procore_id"]
