"""Procore's records as our objects. What money or identity depends on is read strictly, the rest as it comes."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from connectors.calls import NotUnderstood
from objects import (
    BillingPeriod,
    Commitment,
    CommitmentLine,
    CostCode,
    CostType,
    Project,
    SubJob,
    Variation,
    Vendor,
)
from objects.money import NotMoney, amount_or_none, round_half_up
from objects.text import clean

Record = Mapping[str, Any]

#: form -> the path segment, the first part of our source ids, and its statuses with our word for each (11.9).
PURCHASE_ORDER, SUBCONTRACT = "purchase_order_contract", "work_order_contract"
FORMS = {PURCHASE_ORDER: "purchase_order", SUBCONTRACT: "subcontract"}
STATUSES: dict[str, dict[str, str]] = {
    PURCHASE_ORDER: {
        "Draft": "draft", "Processing": "draft", "Submitted": "draft", "Approved": "approved",
        "Partially Received": "approved", "Received": "approved", "Closed": "closed",
    },
    SUBCONTRACT: {
        "Draft": "draft", "Out For Bid": "draft", "Out For Signature": "draft", "Approved": "approved",
        "Complete": "closed", "Terminated": "terminated", "Void": "void",
    },
}
#: 11.10; `pending_billable` is only on the new endpoints.
VARIATION_STATUSES = frozenset({
    "draft", "pricing", "not_pricing", "pending", "revised", "proceeding", "not_proceeding", "pending_billable",
    "no_charge", "approved", "rejected", "void",
})


def ident(record: Record | None, path: str) -> str:
    """The id as text. Raises NotUnderstood when there is none; ids may exceed 32 bits, and v2 sends text."""
    value = (record or {}).get("id")
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal) or not str(value).isdigit():
        raise NotUnderstood(f"{path}.id", f"{value!r} is not an id")
    return str(value)


def ident_or_empty(record: Record | None, path: str) -> str:
    """As ident; no record, or one without an id, is no reference."""
    return "" if not record or record.get("id") is None else ident(record, path)


def moment(value: object, path: str) -> datetime | None:
    """An aware UTC time, or None. Raises NotUnderstood for text that is no time."""
    if value in (None, ""):
        return None
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise NotUnderstood(path, f"{value!r} is not a time") from error
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def day(value: object, path: str) -> date | None:
    """A date, or None. Raises NotUnderstood for text that is no date."""
    if value in (None, ""):
        return None
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError as error:
        raise NotUnderstood(path, f"{value!r} is not a date") from error


def money(value: object, path: str) -> Decimal | None:
    """An amount to the cent, or None where there is none. Raises NotUnderstood."""
    try:
        return amount_or_none(value)
    except NotMoney as error:
        raise NotUnderstood(path, str(error)) from error


def currency(record: Record, default: str, path: str) -> str:
    """The ISO code; a company with one currency sends none, then it is the connection's."""
    code = (record.get("currency_configuration") or {}).get("currency_iso_code")
    if code is None:
        return default
    if not isinstance(code, str) or len(code) != 3 or not code.isalpha():
        raise NotUnderstood(f"{path}.currency_configuration", f"{code!r} is not a currency code")
    return code.upper()


def known_status(value: object, known: Mapping[str, str] | frozenset[str], path: str) -> str:
    """The status as sent. Raises NotUnderstood for one that the contract does not list."""
    if not isinstance(value, str) or value not in known:
        raise NotUnderstood(f"{path}.status", f"{value!r} is not a status we know")
    return value


def project(record: Record) -> Project:
    """A project as list or show gives it (11.1)."""
    path = f"projects/{record.get('id')}"
    return Project(
        source_id=ident(record, path),
        number=clean(record.get("project_number")),
        name=clean(record.get("name")),
        stage=clean((record.get("project_stage") or {}).get("name")),
        region=clean((record.get("project_region") or {}).get("name")),
        active=record.get("active") is not False,
        address=", ".join(filter(None, (clean(record.get(part)) for part in ("address", "city", "zip")))),
        updated_at=moment(record.get("updated_at"), f"{path}.updated_at"),
    )


def vendor(record: Record) -> Vendor:
    """A vendor of the company directory (11.8)."""
    path = f"vendors/{record.get('id')}"
    return Vendor(
        source_id=ident(record, path),
        name=clean(record.get("name")),
        number=clean(record.get("origin_code")),
        active=record.get("is_active") is not False,
        updated_at=moment(record.get("updated_at"), f"{path}.updated_at"),
    )


def cost_type(record: Record) -> CostType:
    """A line item type (11.4)."""
    return CostType(ident(record, "line_item_types"), clean(record.get("code")), clean(record.get("name")))


def cost_code(record: Record) -> CostCode:
    """A standard cost code; `full_code` joins its division and itself with a dash (11.3)."""
    path = f"standard_cost_codes/{record.get('id')}"
    parent = record.get("parent_id")
    return CostCode(
        source_id=ident(record, path),
        number=clean(record.get("full_code") or record.get("code")),
        name=clean(record.get("name")),
        parent_id="" if parent is None else str(parent),
    )


def sub_job(record: Record, project_id: str) -> SubJob:
    """A sub job (11.2)."""
    path = f"sub_jobs/{record.get('id')}"
    return SubJob(
        ident(record, path), project_id, clean(record.get("code")), clean(record.get("name")),
        moment(record.get("updated_at"), f"{path}.updated_at"),
    )


def billing_period(record: Record, project_id: str) -> BillingPeriod:
    """A billing period (11.12)."""
    path = f"billing_periods/{record.get('id')}"
    theirs = record.get("project_id")
    if theirs is not None and str(theirs) != project_id:
        raise NotUnderstood(f"{path}.project_id", f"{theirs} is not the project asked for, {project_id}")
    return BillingPeriod(
        ident(record, path), project_id,
        day(record.get("start_date"), f"{path}.start_date"), day(record.get("end_date"), f"{path}.end_date"),
        known_status(record.get("status"), frozenset({"open", "closed"}), path),
        moment(record.get("updated_at"), f"{path}.updated_at"),
    )


def commitment(form: str, record: Record, project_id: str, base: str, lines: tuple[CommitmentLine, ...]) -> Commitment:
    """A purchase order or subcontract from its list or show form (11.9); `base` is the company's currency."""
    path = f"{form}s/{record.get('id')}"
    source_id = f"{form}:{ident(record, path)}"
    theirs = ident_or_empty(record.get("project"), f"{path}.project")
    if theirs and theirs != project_id:
        raise NotUnderstood(f"{path}.project", f"{theirs} is not the project asked for, {project_id}")
    status = known_status(record.get("status"), STATUSES[form], path)
    vendor_record = record.get("vendor") or {}
    return Commitment(
        source_id=source_id,
        project_id=project_id,
        form=FORMS[form],
        number=clean(record.get("number")),
        name=clean(record.get("title")),
        status=STATUSES[form][status],
        source_status=status,
        currency=currency(record, base, path),
        lines=lines,
        vendor_id=ident_or_empty(vendor_record, f"{path}.vendor"),
        vendor_name=clean(vendor_record.get("company") or vendor_record.get("name")),
        retainage_percent=clean(record.get("retainage_percent")) or None,
        revised=money(record.get("revised_contract"), f"{path}.revised_contract"),
        invoiced=money(record.get("total_requisitions_amount"), f"{path}.total_requisitions_amount"),
        origin_id=clean(record.get("origin_id")),
        updated_at=moment(record.get("updated_at"), f"{path}.updated_at"),
    )


def line(record: Record, path: str) -> CommitmentLine:
    """One line of a schedule of values, of v1 (numbers as text, ids as integers) or v2 (ids as text)."""
    path = f"{path}/{record.get('id')}"
    code = record.get("wbs_code") or {}
    code_id = record.get("wbs_code_id") or code.get("id")
    return CommitmentLine(
        source_id=ident(record, path),
        budget_code_id="" if code_id is None else str(code_id),
        code=clean(code.get("flat_code") or (record.get("cost_code") or {}).get("full_code")),
        description=clean(record.get("description")),
        amount=_line_amount(record, path),
        quantity=clean(record.get("quantity")) or None,
        unit=clean(record.get("uom")) or None,
        external_id=clean(record.get("origin_id")),
    )


def _line_amount(record: Record, path: str) -> Decimal | None:
    """The amount; a calculated line may carry only its quantity and unit cost. None stays None (L-33)."""
    amount = money(record.get("amount"), f"{path}.amount")
    factors = [record.get("quantity"), record.get("unit_cost")]
    if amount is not None or record.get("extended_type") != "calculated" or None in factors:
        return amount
    try:
        return round_half_up(Decimal(str(factors[0])) * Decimal(str(factors[1])))
    except ArithmeticError as error:
        raise NotUnderstood(path, f"{factors[0]!r} x {factors[1]!r} is not an amount") from error


def variation(record: Record, project_id: str, contract: str, contract_number: str, base: str) -> Variation:
    """A commitment change order without its lines (11.10); `contract` is our source id of the commitment it changes."""
    path = f"commitment_change_orders/{record.get('id')}"
    return Variation(
        source_id=f"commitment_change_order:{ident(record, path)}",
        project_id=project_id,
        commitment_id=contract,
        number=clean(record.get("number")),
        name=clean(record.get("title")),
        status=known_status(record.get("status"), VARIATION_STATUSES, path),
        currency=currency(record, base, path),
        lines=(),
        commitment_number=contract_number,
        updated_at=moment(record.get("updated_at"), f"{path}.updated_at"),
    )
