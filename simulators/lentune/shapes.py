"""Request bodies: what each may hold, checked as strictly as the contract's schemas, and money arithmetic."""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from simulators.lentune.problems import FieldError, Refusal

Json = dict[str, Any]
Check = Callable[[Any], str]
"""Answers the sentence about what is wrong, or an empty text."""

MONEY = re.compile(r"^-?\d{1,13}\.\d{2}\Z")
CURRENCY = re.compile(r"^[A-Z]{3}\Z")


def money(amount: Decimal) -> str:
    """Decimal as the contract writes it: text, two places."""
    return f"{amount:.2f}"


def total(amounts: Iterable[str]) -> str:
    """Sum of money texts, as money text."""
    return money(sum((Decimal(amount) for amount in amounts), Decimal(0)))


def text(minimum: int = 0, maximum: int = 0) -> Check:
    def check(value: Any) -> str:
        if not isinstance(value, str):
            return "must be text"
        if len(value) < minimum:
            return f"must have at least {minimum} character(s)"
        return f"must have at most {maximum} characters" if maximum and len(value) > maximum else ""

    return check


def maybe(check: Check) -> Check:
    return lambda value: "" if value is None else check(value)


def flag(value: Any) -> str:
    return "" if isinstance(value, bool) else "must be true or false"


def amount(value: Any) -> str:
    return "" if isinstance(value, str) and MONEY.match(value) else "must be decimal text with two places"


def currency(value: Any) -> str:
    return "" if isinstance(value, str) and CURRENCY.match(value) else "must be three capital letters"


def one_of(*choices: str) -> Check:
    return lambda value: "" if isinstance(value, str) and value in choices else f"must be one of {', '.join(choices)}"


def day(value: Any) -> str:
    try:
        date.fromisoformat(value)
    except (TypeError, ValueError):
        return "must be a date such as 2026-11-30"
    return ""


def instant(value: Any) -> str:
    try:
        parse_instant(value)
    except (TypeError, ValueError, AttributeError):
        return "must be an RFC 3339 time"
    return ""


def parse_instant(value: str) -> datetime:
    """RFC 3339 text to aware UTC. Raises ValueError when it has no zone."""
    parsed = datetime.fromisoformat(value)
    if parsed.tzinfo is None:
        raise ValueError("no time zone")
    return parsed.astimezone(UTC)


def list_of(check: Check, minimum: int = 0) -> Check:
    def inner(value: Any) -> str:
        if not isinstance(value, list) or len(value) < minimum:
            return f"must be a list of at least {minimum}"
        return next((problem for problem in map(check, value) if problem), "")

    return inner


class Shape:
    """An object's fields: which must be there, and what each may hold. Unknown fields are refused."""

    def __init__(self, required: dict[str, "Check | Shape"], optional: dict[str, "Check | Shape"] | None = None):
        self.required = required
        self.fields: dict[str, Check | Shape] = required | (optional or {})

    def errors(self, value: Any, path: str = "") -> list[FieldError]:
        if not isinstance(value, dict):
            return [FieldError(path, "type", "must be an object")]
        found = [FieldError(f"{path}/{name}", "required", "is missing") for name in self.required if name not in value]
        for name, part in value.items():
            check = self.fields.get(name)
            if check is None:
                found.append(FieldError(f"{path}/{name}", "unknown", "is not a field of this record"))
            elif isinstance(check, (Shape, Rows, Nullable)):
                found += check.errors(part, f"{path}/{name}")
            elif problem := check(part):
                found.append(FieldError(f"{path}/{name}", "invalid", problem))
        return found

    def require(self, value: Any) -> Json:
        """The body, or Refusal validation_failed naming every field that is wrong."""
        if errors := self.errors(value):
            names = ", ".join(f"{error.path or '/'} {error.message}" for error in errors[:5])
            raise Refusal("validation_failed", f"The body is not valid: {names}.", field_errors=errors)
        body: Json = value
        return body


class Rows(Shape):
    """A list of objects of one shape."""

    def __init__(self, shape: Shape, minimum: int = 0):
        super().__init__({})
        self.shape, self.minimum = shape, minimum

    def errors(self, value: Any, path: str = "") -> list[FieldError]:
        if not isinstance(value, list) or len(value) < self.minimum:
            return [FieldError(path, "type", f"must be a list of at least {self.minimum}")]
        return [error for index, row in enumerate(value) for error in self.shape.errors(row, f"{path}/{index}")]


class Nullable(Shape):
    """An object or null."""

    def __init__(self, shape: Shape):
        super().__init__({})
        self.shape = shape

    def errors(self, value: Any, path: str = "") -> list[FieldError]:
        return [] if value is None else self.shape.errors(value, path)


EXTERNAL = Shape(
    {"procore_company_id": text(1), "procore_id": text(1), "procore_type": text(1)},
    {"procore_project_id": maybe(text()), "procore_updated_at": instant, "content_hash": text()},
)
SUB_JOB = Shape({"procore_sub_job_id": text(1), "code": text(), "name": text()})
PROJECT_STATUS = one_of("open", "on_hold", "closed")
ORDER_STATUS = one_of("draft", "approved", "closed", "void")
SUBCONTRACT_STATUS = one_of("draft", "approved", "complete", "terminated", "void")
TARGET = one_of("commitment_invoice", "direct_cost", "accounting", "none")
POSTING_ERRORS = (
    "no_open_billing_period", "over_billing", "commitment_not_approved", "no_procore_company_or_project",
    "invoice_project_missing", "invoice_cost_code_missing", "cost_code_without_cost_type", "allocation_not_complete",
    "procore_rejected", "procore_unavailable",
)  # fmt: skip
PROJECT = Shape(
    {"code": text(1), "description": text(1), "stage": text(), "external": EXTERNAL},
    {"region": maybe(text()), "status": PROJECT_STATUS, "delivery_address": maybe(text())},
)
COST_TYPE = Shape({"code": text(), "description": text(), "external": EXTERNAL})
MASTER_COST_CODE = Shape(
    {"code": text(), "description": text(), "external": EXTERNAL}, {"cost_type_code": maybe(text()), "active": flag}
)
PROJECT_COST_CODE = Shape(
    {"code": text(), "description": text(), "on_budget": flag, "external": EXTERNAL},
    {"cost_type_code": maybe(text()), "sub_job": Nullable(SUB_JOB), "budget_amount": amount},
)
SUPPLIER = Shape(
    {"description": text(1), "external": EXTERNAL}, {"code": maybe(text()), "email": maybe(text()), "active": flag}
)
LINE = Shape(
    {"external_line_id": text(), "cost_code_id": text(), "description": text(1), "amount": amount},
    {"quantity": maybe(text()), "unit": maybe(text())},
)
PURCHASE_ORDER = Shape(
    {
        "number": text(1, 60), "description": text(1), "project_id": text(), "status": ORDER_STATUS,
        "lines": Rows(LINE, 1), "external": EXTERNAL,
    },
    {"supplier_name": maybe(text()), "currency": currency, "delivery_date": maybe(day)},
)  # fmt: skip
PURCHASE_ORDER_CREATE = Shape(
    {"description": text(1), "project_id": text(), "lines": Rows(LINE, 1)},
    {"supplier_name": maybe(text()), "currency": currency, "status": ORDER_STATUS, "delivery_date": maybe(day)},
)
SUBCONTRACT = Shape(
    {
        "number": text(1), "description": text(1), "project_id": text(), "status": SUBCONTRACT_STATUS,
        "lines": Rows(LINE, 1), "external": EXTERNAL,
    },
    {"supplier_name": maybe(text()), "retention_percent": maybe(text())},
)  # fmt: skip
VARIATION = Shape(
    {
        "number": text(), "title": text(), "status": text(), "lines": Rows(LINE, 1), "external": EXTERNAL,
        "parent": Shape({"kind": one_of("purchase_order", "subcontract", "project_budget"), "id": text()}),
    }
)  # fmt: skip
SETTINGS = Shape(
    {
        "lentune_purchase_order": flag, "procore_purchase_order": flag, "project_stages": list_of(text()),
        "accounting_route": one_of("all_via_procore", "project_via_procore_overhead_direct"),
        "auto_push_invoices": flag,
    },
    {
        "po_master": one_of("lentune", "procore", "neither"), "auto_push_cron": maybe(text()),
        "region_to_branch": one_of("equal_name"), "rounding_tolerance": amount,
        "tax_mappings": Rows(Shape({"lentune_tax": text(), "procore_tax": text()})),
        "pull_variations": flag, "pull_subcontracts": flag,
    },
)  # fmt: skip
POSTING_RESULT = Shape(
    {"result": one_of("posted", "failed", "skipped"), "target": TARGET, "run_id": text()},
    {
        "procore_id": maybe(text()),
        "error": Nullable(
            Shape(
                {"code": one_of(*POSTING_ERRORS), "message": text(), "fix_hint": text(), "retryable": flag},
                {"blocked_on": maybe(text())},
            )
        ),
    },
)
