"""The sync actions: many rows at once, always 200, one verdict per row, found by id or external id."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from simulators.kit.http import Request, Response
from simulators.procore.errors import Refused, missing
from simulators.procore.store import Row

if TYPE_CHECKING:
    from simulators.procore.core import Procore

MOST = 1000


def sync(
    simulator: "Procore",
    request: Request,
    *,
    table: str,
    kind: str,
    create: Callable[[Row], Row],
    update: Callable[[Row, Row], Row],
    show: Callable[[Row], Any],
    belongs: Callable[[Row], bool] = lambda row: True,
) -> Response:
    """Applies each update on its own; `kind` is the type within which external ids are unique."""
    updates = simulator.body(request).get("updates")
    if not isinstance(updates, list):
        raise missing("updates")
    if len(updates) > MOST:
        raise Refused(413, f"At most {MOST} updates can be sent at once")
    entities, refused = [], []
    for sent in updates:
        try:
            if not isinstance(sent, dict):
                raise Refused(422, {"base": ["is not an object"]})
            fields = dict(sent)
            found = _find(simulator, table, kind, fields, belongs)
            entities.append(show(update(found, fields) if found is not None else create(fields)))
        except Refused as error:
            refused.append({**(sent if isinstance(sent, dict) else {}), "errors": error.fields()})
    return Response.of(200, {"entities": entities, "errors": refused})


def _find(simulator: "Procore", table: str, kind: str, fields: Row, belongs: Callable[[Row], bool]) -> Row | None:
    """By id if one was sent, which alone can change an external id; else by external id; None means create."""
    company = simulator.company
    if fields.get("id") is not None:
        row = company.find(table, fields.pop("id"))
        if row is None or not belongs(row):
            raise Refused(422, {"id": ["Entity with this ID not found"]})
        return row
    fields.pop("id", None)
    number = company.by_origin(kind, fields.get("origin_id"))
    if number is None:
        return None
    row = company.find(table, number)
    if row is None or not belongs(row):
        # The external id is another project's: it is unique in the whole company.
        raise Refused(422, {"origin_id": ["has already been taken"]})
    return row
