"""Request bodies: what each may hold, checked as strictly as the contract's schemas."""

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from simulators.sage_paperless.problems import FieldError, Refusal

Json = dict[str, Any]
Check = Callable[[Any], str]
"""Answers the sentence about what is wrong, or an empty text."""

MONEY = re.compile(r"^-?\d{1,13}\.\d{2}\Z")
SHA = re.compile(r"^[0-9a-f]{64}\Z")


def text(minimum: int = 0) -> Check:
    wrong = f"must be text of {minimum} or more characters"
    return lambda value: "" if isinstance(value, str) and len(value) >= minimum else wrong


def maybe(check: Check) -> Check:
    return lambda value: "" if value is None else check(value)


def flag(value: Any) -> str:
    return "" if isinstance(value, bool) else "must be true or false"


def amount(value: Any) -> str:
    return "" if isinstance(value, str) and MONEY.match(value) else "must be decimal text with two places"


def digest(value: Any) -> str:
    return "" if isinstance(value, str) and SHA.match(value) else "must be 64 hexadecimal digits"


def count(minimum: int = 0) -> Check:
    def check(value: Any) -> str:
        good = isinstance(value, int) and not isinstance(value, bool) and value >= minimum
        return "" if good else f"must be a whole number from {minimum}"

    return check


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
        aware = datetime.fromisoformat(value).tzinfo is not None
    except (TypeError, ValueError):
        aware = False
    return "" if aware else "must be an RFC 3339 time"


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
            elif isinstance(check, Shape):
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


EXCLUDED = ("docusign_not_accessible", "unreadable", "password_protected", "type_not_convertible")
LINE = Shape(
    {"procore_line_id": text(), "job": text(), "cost_code": text(), "description": text(), "amount": amount},
    {"commitment_line": maybe(text()), "category": maybe(text()), "retainage": amount},
)
PART = Shape(
    {
        "name": text(), "sha256": digest, "bytes": count(), "pages": count(1), "source": one_of("attachment"),
        "first_page": count(1),
    }
)  # fmt: skip
DOCUMENT = Shape(
    {
        "file_name": text(), "sha256": digest, "pages": count(1), "parts": Rows(PART, 1),
        "excluded": Rows(Shape({"name": text(), "reason": one_of(*EXCLUDED)})),
    },
    {"bytes": count()},
)  # fmt: skip
INVOICE = Shape(
    {
        "procore_company_id": text(1), "procore_project_id": text(), "procore_invoice_id": text(1), "procore_revision": text(1),
        "procore_status": one_of("approved"), "mode": one_of("automated", "manual"), "vendor": text(),
        "commitment_number": text(), "commitment_type": one_of("subcontract", "purchase_order"), "invoice_number": text(1),
        "invoice_date": day, "lines": Rows(LINE, 1), "net": amount, "document": Nullable(DOCUMENT),
    },
    {
        "due_date": maybe(day), "period_start": maybe(day), "period_end": maybe(day), "description": maybe(text()),
        "tax": amount, "retainage": amount,
    },
)  # fmt: skip
PATCH = Shape(
    {},
    {
        "vendor": text(), "commitment_number": text(), "invoice_number": text(), "due_date": day, "description": text(),
        "lines": Rows(LINE),
    },
)  # fmt: skip
CONFIGURATION = Shape(
    {"procore_company_id": maybe(text()), "queue_id": maybe(text())},
    {
        "import_behaviour": one_of(
            "automated_import_into_queue", "automated_import_and_auto_route_with_queue_failover", "manual_import"
        ),
        "allow_edit_of_imported_invoices": flag, "create_payments_in_procore": flag,
    },
)  # fmt: skip
RECEIPT = Shape({"procore_payment_id": text(1), "procore_commitment_id": text(1), "written_at": instant})
