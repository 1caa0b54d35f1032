"""Budget codes: combinations of sub job, cost code and cost type, with their pattern and segments."""

from typing import TYPE_CHECKING

from simulators.kit.http import Request, Response
from simulators.procore import cost_codes, paging
from simulators.procore.errors import Refused, invalid
from simulators.procore.routes import route
from simulators.procore.store import Company, Row, one_of, public

if TYPE_CHECKING:
    from simulators.procore.core import Procore

# One pattern for everybody; the segments in their order.
PATTERN_ID = 501
SEGMENTS = {511: ("sub_job", "Sub Job"), 512: ("cost_code", "Cost Code"), 513: ("line_item_type", "Cost Type")}
# The id of a segment item differs from the id of the cost code, type or sub job that it stands for.
ITEM_OFFSET = 300_000_000
SINCE = "2020-01-01T00:00:00Z"
FILTERS: dict[str, paging.Filter] = {"status": paging.equal("status"), "updated_at": paging.within("updated_at")}


def ensure(simulator: "Procore", company: Company, cost_code: Row, cost_type: Row, description: str | None = None) -> Row:
    """The budget code of a cost code and a cost type, made if it is new."""
    key = ("wbs", cost_code["id"], cost_type["id"])
    known = company.find("wbs_codes", company.keys.get(key))
    if known is not None:
        return known
    now = simulator.now_text()
    sub_job_id = cost_code["_sub_job_id"]
    parts = [cost_code["full_code"], cost_type["code"] or cost_type["name"]]
    names = [cost_code["name"], cost_type["name"]]
    if sub_job_id:
        sub_job = company.get("sub_jobs", sub_job_id)
        parts.insert(0, sub_job["code"])
        names.insert(0, sub_job["name"])
    row: Row = {
        "id": company.new_id("wbs_codes"),
        "flat_code": ".".join(parts),
        "flat_name": ".".join(names),
        "description": description or ".".join(names),
        "status": "active",
        "created_at": now,
        "updated_at": now,
        "wbs_pattern_id": PATTERN_ID,
        "_cost_code_id": cost_code["id"],
        "_type_id": cost_type["id"],
        "_sub_job_id": sub_job_id,
    }
    company.add("wbs_codes", row, cost_code["_project_id"])
    company.keys[key] = row["id"]
    simulator.record("wbs_codes", row["flat_code"], row["id"], "created", company.id)
    return row


def named(simulator: "Procore", company: Company, project_id: int, fields: Row) -> Row | None:
    """The budget code that a line names by wbs_code_id, or by cost code and type; the first wins. Raises 422."""
    if fields.get("wbs_code_id") is not None:
        row = company.find("wbs_codes", fields["wbs_code_id"])
        if row is None or row["_project_id"] != project_id:
            raise invalid(wbs_code_id="does not exist")
        return row
    if fields.get("cost_code_id") is None:
        return None
    cost_code = company.find("cost_codes", fields["cost_code_id"])
    if cost_code is None or cost_code["_project_id"] != project_id:
        raise invalid(cost_code_id="does not exist")
    cost_type = company.find("line_item_types", fields.get("line_item_type_id"))
    if cost_type is None:
        raise invalid(line_item_type_id="does not exist")
    return ensure(simulator, company, cost_code, cost_type)


def reference(company: Company, row: Row) -> Row:
    """A budget code inside a line."""
    items = [
        {
            "id": number + ITEM_OFFSET,
            "code": code,
            "name": name,
            "path_ids": [number + ITEM_OFFSET],
            "path_codes": [code],
            "segment_type": SEGMENTS[segment][0],
            "segment_id": segment,
        }
        for segment, number, code, name in _items(company, row)
    ]
    return {
        "id": row["id"],
        "flat_code": row["flat_code"],
        "description": row["description"],
        "segment_items": items,
    }


def shown(company: Company, row: Row) -> Row:
    """A budget code as its list answers it."""
    items = [_item(segment, number, code, name) for segment, number, code, name in _items(company, row)]
    return {**public(row), "segment_items": items}


def _items(company: Company, row: Row) -> list[tuple[int, int, str, str]]:
    cost_code = company.tables["cost_codes"][row["_cost_code_id"]]
    cost_type = company.tables["line_item_types"][row["_type_id"]]
    items = [
        (512, cost_code["id"], cost_code["full_code"], cost_code["name"]),
        (513, cost_type["id"], cost_type["code"] or cost_type["name"], cost_type["name"]),
    ]
    if row["_sub_job_id"]:
        sub_job = company.get("sub_jobs", row["_sub_job_id"])
        items.insert(0, (511, sub_job["id"], sub_job["code"], sub_job["name"]))
    return items


def _item(segment: int, number: int, code: str, name: str) -> Row:
    return {
        "id": number + ITEM_OFFSET,
        "code": code,
        "name": name,
        "parent_id": None,
        "path_ids": [number + ITEM_OFFSET],
        "path_code": code,
        "is_parent": False,
        "path_codes": [code],
        "path_names": [name],
        "in_use": True,
        "segment": _segment(segment),
        "status": "active",
    }


def _segment(number: int) -> Row:
    kind, name = SEGMENTS[number]
    return {
        "id": number,
        "type": kind,
        "name": name,
        "position": list(SEGMENTS).index(number) + 1,
        "required": kind != "sub_job",
        "delimiter": ".",
        "structure": "tiered" if kind == "cost_code" else "flat",
        "project_can_modify_origin_project": True,
        "project_can_delete_origin_company": False,
        "wbs_pattern_id": PATTERN_ID,
        "created_at": SINCE,
        "updated_at": SINCE,
    }


@route("GET", "/rest/v1.0/companies/{company_id}/work_breakdown_structure/patterns")
@route("GET", "/rest/v1.0/projects/{project_id}/work_breakdown_structure/patterns")
def list_patterns(simulator: "Procore", request: Request, **_: str) -> Response:
    pattern = {"id": PATTERN_ID, "description": "Default", "segments": [_segment(number) for number in SEGMENTS]}
    return Response.of(200, [pattern])


@route("GET", "/rest/v1.0/companies/{company_id}/work_breakdown_structure/segments")
@route("GET", "/rest/v1.0/projects/{project_id}/work_breakdown_structure/segments")
def list_segments(simulator: "Procore", request: Request, **_: str) -> Response:
    return Response.of(200, [_segment(number) for number in SEGMENTS])


@route("GET", "/rest/v1.0/projects/{project_id}/work_breakdown_structure/segments/{segment_id}/segment_items")
def list_segment_items(simulator: "Procore", request: Request, project_id: str, segment_id: str) -> Response:
    company, segment = simulator.company, int(segment_id) if segment_id.isdigit() else 0
    rows: list[tuple[int, int, str, str]] = []
    if segment == 511:
        rows = [(511, r["id"], r["code"], r["name"]) for r in company.rows("sub_jobs", int(project_id))]
    elif segment == 512:
        wanted = request.q("legacy_cost_code_id")
        codes = [r for r in company.rows("cost_codes", int(project_id)) if not wanted or str(r["id"]) == wanted]
        rows = [(512, r["id"], r["full_code"], r["name"]) for r in codes]
    elif segment == 513:
        rows = [(513, r["id"], r["code"] or r["name"], r["name"]) for r in company.rows("line_item_types")]
    else:
        raise Refused(404, "Segment not found")
    return paging.answer(request, [_item(*row) for row in rows], lambda row: row)


@route("GET", "/rest/v1.0/projects/{project_id}/work_breakdown_structure/wbs_codes")
def list_wbs_codes(simulator: "Procore", request: Request, project_id: str) -> Response:
    company = simulator.company
    rows = paging.select(request, company.rows("wbs_codes", int(project_id)), FILTERS)
    query = (request.q("query") or "").lower()
    if query:
        rows = [row for row in rows if query in row["flat_code"].lower() or query in row["flat_name"].lower()]
    return paging.answer(request, rows, lambda row: shown(company, row))


@route("POST", "/rest/v1.0/projects/{project_id}/work_breakdown_structure/wbs_codes")
def create_wbs_code(simulator: "Procore", request: Request, project_id: str) -> Response:
    row = _from_items(simulator, int(project_id), simulator.body(request))
    return Response.of(201, shown(simulator.company, row))


@route("PATCH", "/rest/v1.0/projects/{project_id}/work_breakdown_structure/wbs_codes/bulk_create")
def bulk_create_wbs_codes(simulator: "Procore", request: Request, project_id: str) -> Response:
    entities, refused = [], []
    for sent in simulator.body(request).get("bulk", []):
        try:
            entities.append(shown(simulator.company, _from_items(simulator, int(project_id), sent)))
        except Refused as error:
            refused.append({**sent, "errors": error.fields()})
    return Response.of(201, {"entities": entities, "errors": refused})


@route("PATCH", "/rest/v1.0/projects/{project_id}/work_breakdown_structure/wbs_codes/{id}")
def update_wbs_code(simulator: "Procore", request: Request, project_id: str, id: str) -> Response:
    row = simulator.company.get("wbs_codes", id, int(project_id))
    fields = simulator.body(request)
    one_of(fields, "status", ("active", "inactive"))
    row.update({name: fields[name] for name in ("description", "status") if fields.get(name)})
    simulator.touch(row)
    simulator.changed("wbs_codes", row, "updated", row["flat_code"])
    return Response.of(200, shown(simulator.company, row))


def _from_items(simulator: "Procore", project_id: int, fields: Row) -> Row:
    """The combination of segment items sent; one that exists gets the description. Raises 422."""
    company = simulator.company
    sent = {int(item["segment_id"]): int(item["segment_item_id"]) for item in fields.get("segment_items", [])}
    cost_code = company.find("cost_codes", sent.get(512, 0) - ITEM_OFFSET)
    cost_type = company.find("line_item_types", sent.get(513, 0) - ITEM_OFFSET)
    if cost_code is None or cost_code["_project_id"] != project_id or cost_type is None:
        raise invalid(segment_items="must have a cost code and a cost type of this project")
    sub_job_id = sent[511] - ITEM_OFFSET if 511 in sent else cost_code["_sub_job_id"]
    if sub_job_id != cost_code["_sub_job_id"]:
        cost_code = cost_codes.leaf(company, project_id, cost_code["full_code"], sub_job_id)
    row = ensure(simulator, company, cost_code, cost_type, fields.get("description"))
    if fields.get("description") and row["description"] != fields["description"]:
        row["description"] = fields["description"]
        simulator.touch(row)
    return row
