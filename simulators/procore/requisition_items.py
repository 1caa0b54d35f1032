"""Items of a subcontractor invoice: what was billed before, what is billed now, retainage, and over-billing."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from simulators.kit.http import Request, Response
from simulators.procore import money, packages, paging, wbs
from simulators.procore.errors import Refused, invalid
from simulators.procore.routes import route
from simulators.procore.store import Company, Row, one_of

if TYPE_CHECKING:
    from simulators.procore.core import Procore

HUNDRED = Decimal(100)
# The text is not published; the status and shape are inferred (contract 11.11).
OVER_BILLED = "Total completed and stored to date {total} exceeds the scheduled value {scheduled}: over-billing is prevented"


def from_schedule(company: Company, contract: Row) -> list[Row]:
    """An empty item for every line of the contract."""
    lines = company.tables.get("line_items", {})
    return [_item(company, "contract_item", lines[number]) for number in contract["_lines"]]


def _item(company: Company, kind: str, line: Row, package_id: int | None = None) -> Row:
    return {
        "id": company.new_id("requisition_items"),
        "item_type": kind,
        "line_item_id": line["id"],
        "package_id": package_id,
        "this": money.ZERO,
        "stored": money.ZERO,
        "quantity": None,
        "retained": None,
        "percent": None,
        "released": money.ZERO,
        "claimed": None,
        "status": "no_action",
        "comment": None,
    }


def apply_new(company: Company, project: Row, contract: Row, row: Row, sent: list[Row]) -> None:
    """Items of a creation name the line they bill. Raises 422."""
    for fields in sent:
        item = next((i for i in row["_items"] if str(i["line_item_id"]) == str(fields.get("line_item_id"))), None)
        if item is None or fields.get("item_type") != item["item_type"]:
            raise invalid(items=f"line item {fields.get('line_item_id')} is not on the schedule of values")
        _set(contract, item, fields)
    _not_over(company, project, contract, row)


def apply(company: Company, project: Row, contract: Row, row: Row, sent: list[Row]) -> None:
    """Items of a change name themselves by id and type. Raises 422 and changes nothing then."""
    before = [dict(item) for item in row["_items"]]
    try:
        for fields in sent:
            item = next((i for i in row["_items"] if str(i["id"]) == str(fields.get("id"))), None)
            if item is None or fields.get("item_type") not in (None, item["item_type"]):
                raise invalid(items=f"item {fields.get('id')} does not exist")
            _set(contract, item, fields)
        _not_over(company, project, contract, row)
    except Refused:
        row["_items"] = before
        raise


def _set(contract: Row, item: Row, fields: Row) -> None:
    one_of(fields, "status", ("approved", "rejected", "no_action"))
    quantity = money.amount(fields.get("work_completed_this_period_quantity"), "work_completed_this_period_quantity")
    if contract["accounting_method"] == "unit":
        if quantity is not None:
            item["quantity"] = quantity
    elif fields.get("work_completed_this_period") is not None:
        item["this"] = money.amount(fields["work_completed_this_period"], "work_completed_this_period") or money.ZERO
    stored = fields.get("stored_materials", fields.get("new_materials", fields.get("materials_presently_stored")))
    if stored is not None and contract["accounting_method"] != "unit":
        item["stored"] = money.amount(stored, "materials_presently_stored") or money.ZERO
    for name, key in (
        ("work_completed_retainage_retained_this_period", "retained"),
        ("work_completed_retainage_percent_this_period", "percent"),
        ("work_completed_retainage_released_this_period", "released"),
        ("subcontractor_claimed_amount", "claimed"),
    ):
        if fields.get(name) is not None:
            item[key] = money.amount(fields[name], name)
    item.update({name: fields[name] for name in ("status", "comment") if fields.get(name) is not None})


def _line(company: Company, item: Row) -> Row:
    table = "line_items" if item["item_type"] == "contract_item" else "change_order_line_items"
    return company.tables[table][item["line_item_id"]]


def _not_over(company: Company, project: Row, contract: Row, row: Row) -> None:
    """Over-billing needs both: prevention off on the project, and subcontractors allowed to over-bill (L-25)."""
    allowed = not project["_prevent_overbilling"] and project["_allow_overbilling"]
    for item in row["_items"]:
        line = _line(company, item)
        if item["quantity"] is not None:
            item["this"] = (item["quantity"] * money.of(line["unit_cost"])).quantize(money.CENT)
        scheduled = money.of(line["amount"])
        total = previous(company, contract, row, item) + item["this"] + item["stored"]
        over = total > scheduled if scheduled >= 0 else total < scheduled
        if over and not allowed:
            text = OVER_BILLED.format(total=money.text(total), scheduled=money.text(scheduled))
            raise invalid(items=f"{line['description'] or 'Line'}: {text}")


def previous(company: Company, contract: Row, row: Row, item: Row) -> Decimal:
    """What earlier invoices of the commitment billed on the same line."""
    billed = money.ZERO
    for number in contract["_requisitions"]:
        earlier = company.tables["requisitions"][number]
        if earlier["number"] >= row["number"]:
            continue
        for other in earlier["_items"]:
            if other["item_type"] == item["item_type"] and other["line_item_id"] == item["line_item_id"]:
                billed += other["this"]
    return billed


def _retained(contract: Row, item: Row) -> tuple[Decimal, Decimal]:
    """Percent and amount held back of this period's work."""
    percent = item["percent"] if item["percent"] is not None else money.of(contract["retainage_percent"])
    if item["retained"] is not None:
        return percent, item["retained"]
    return percent, (item["this"] * percent / HUNDRED).quantize(money.CENT)


def shown(company: Company, contract: Row, row: Row) -> list[Row]:
    """The items with everything that is computed."""
    return [_shown(company, contract, row, item, position) for position, item in enumerate(row["_items"], 1)]


def _shown(company: Company, contract: Row, row: Row, item: Row, position: int) -> Row:
    line = _line(company, item)
    code = company.tables["wbs_codes"][line["_wbs_id"]]
    before, scheduled = previous(company, contract, row, item), money.of(line["amount"])
    total = before + item["this"] + item["stored"]
    percent, retained = _retained(contract, item)
    gross = item["this"] + item["stored"]
    answer: dict[str, Any] = {
        "id": item["id"],
        "item_type": item["item_type"],
        "line_item_id": item["line_item_id"],
        "accounting_method": contract["accounting_method"],
        "cost_code_id": code["_cost_code_id"],
        "wbs_code": wbs.reference(company, code),
        "description_of_work": line["description"],
        "position": position,
        "comment": item["comment"],
        "status": item["status"],
        "ssr_manual_override": False,
    }
    amounts = {
        "scheduled_value": scheduled,
        "gross_amount": gross,
        "net_amount": gross - retained + item["released"],
        "work_completed_from_previous_application": before,
        "work_completed_this_period": item["this"],
        "materials_presently_stored": item["stored"],
        "total_completed_and_stored_to_date": total,
        "total_completed_and_stored_to_date_percent": total * HUNDRED / scheduled if scheduled else money.ZERO,
        "work_completed_retainage_from_previous_application": money.ZERO,
        "work_completed_retainage_retained_this_period": retained,
        "work_completed_retainage_percent_this_period": percent,
        "work_completed_retainage_released_this_period": item["released"],
        "materials_stored_retainage_currently_retained": money.ZERO,
        "materials_stored_retainage_percent_this_period": money.ZERO,
        "materials_stored_retainage_released_this_period": money.ZERO,
        "subcontractor_claimed_amount": item["claimed"],
    }
    answer |= {name: money.text(value) for name, value in amounts.items()}
    answer |= {
        "scheduled_quantity": line["quantity"],
        "scheduled_unit_price": line["unit_cost"],
        "work_completed_this_period_quantity": money.plain(item["quantity"]),
    }
    return answer


def summary(contract: Row, row: Row, items: list[Row]) -> Row:
    """The application for payment in one row."""
    work = sum((Decimal(item["total_completed_and_stored_to_date"]) for item in items), money.ZERO)
    before = sum((Decimal(item["work_completed_from_previous_application"]) for item in items), money.ZERO)
    retained = sum((Decimal(item["work_completed_retainage_retained_this_period"]) for item in items), money.ZERO)
    released = sum((item["released"] for item in row["_items"]), money.ZERO)
    contract_sum = Decimal(contract["revised_contract"])
    due = work - before - retained + released
    return {
        "original_contract_sum": contract["grand_total"],
        "net_change_by_change_orders": contract["approved_change_orders"],
        "contract_sum_to_date": contract["revised_contract"],
        "total_completed_and_stored_to_date": money.text(work),
        "completed_work_retainage_amount": money.text(retained),
        "completed_work_retainage_percent": contract["retainage_percent"],
        "total_retainage": money.text(retained),
        "total_earned_less_retainage": money.text(work - retained),
        "less_previous_certificates_for_payment": money.text(before),
        "current_payment_due": money.text(due),
        "balance_to_finish_including_retainage": money.text(contract_sum - work + retained),
        "tax_applicable_to_this_payment": "0.00",
    }


def percent_complete(totals: Row) -> str:
    """Text with a percent sign."""
    whole = Decimal(totals["contract_sum_to_date"])
    share = Decimal(totals["total_completed_and_stored_to_date"]) * HUNDRED / whole if whole else money.ZERO
    return f"{money.text(share)}%"


BASE = "/rest/v1.0/requisitions/{requisition_id}"


def _invoice(simulator: "Procore", number: str, request: Request) -> tuple[Row, Row]:
    """The invoice and its contract. Raises 400 without a project, 404."""
    row = simulator.company.get("requisitions", number, simulator.project(request.q("project_id"))["id"])
    return row, simulator.company.tables["contracts"][row["commitment_id"]]


def _list(simulator: "Procore", request: Request, number: str, kind: str) -> Response:
    row, contract = _invoice(simulator, number, request)
    items = [item for item in shown(simulator.company, contract, row) if item["item_type"] == kind]
    packages_of = {item["id"]: item["package_id"] for item in row["_items"]}
    if kind == "change_order_item":
        items = [{**item, "change_order_package_id": packages_of[item["id"]]} for item in items]
    return paging.answer(request, items, dict)


@route("GET", BASE + "/contract_items")
def list_contract_items(simulator: "Procore", request: Request, requisition_id: str) -> Response:
    return _list(simulator, request, requisition_id, "contract_item")


@route("GET", BASE + "/contract_detail_items")
def list_contract_detail_items(simulator: "Procore", request: Request, requisition_id: str) -> Response:
    return _list(simulator, request, requisition_id, "contract_detail_item")


@route("GET", BASE + "/change_order_items")
def list_change_order_items(simulator: "Procore", request: Request, requisition_id: str) -> Response:
    return _list(simulator, request, requisition_id, "change_order_item")


@route("PATCH", BASE + "/bulk_item_update")
def bulk_update_items(simulator: "Procore", request: Request, requisition_id: str) -> Response:
    """200 without a body."""
    from simulators.procore import requisitions

    row, contract = _invoice(simulator, requisition_id, request)
    project = simulator.company.tables["projects"][row["project_id"]]
    sent = simulator.body(request).get("requisition_items")
    if not isinstance(sent, list):
        raise Refused(400, {"requisition_items": ["is missing"]})
    apply(simulator.company, project, contract, row, sent)
    simulator.touch(row)
    requisitions.announce(simulator, simulator.company, row, "updated")
    return Response(200)


@route("POST", BASE + "/add_change_order_package")
def add_change_order_package(simulator: "Procore", request: Request, requisition_id: str) -> Response:
    """Adds an item per line of an approved package. Raises 422."""
    row, contract = _invoice(simulator, requisition_id, request)
    company = simulator.company
    order = packages.by_id(company, request.q("change_order_package_id"))
    if order["contract_id"] != contract["id"] or order["status"] != "approved":
        raise invalid(change_order_package_id="must be an approved package of the commitment")
    if any(item["package_id"] == order["legacy_package_id"] for item in row["_items"]):
        raise invalid(change_order_package_id="is on the invoice already")
    lines = company.tables.get("change_order_line_items", {})
    added = [_item(company, "change_order_item", lines[n], order["legacy_package_id"]) for n in order["_lines"]]
    row["_items"] += added
    simulator.touch(row)
    simulator.changed("requisitions", row, "updated", row["origin_id"] or f"{contract['number']}/{row['number']}")
    new = {item["id"] for item in added}
    items = [item for item in shown(company, contract, row) if item["id"] in new]
    return Response.of(201, [{**item, "change_order_package_id": order["legacy_package_id"]} for item in items])
