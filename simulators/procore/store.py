"""What Procore remembers: per company, tables of plain rows with ids that are the same for the same seed."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from simulators.procore.errors import TAKEN, Refused, invalid, not_found

Row = dict[str, Any]

# First id of each table. Far apart, so that an id used for the wrong thing is never found by luck;
# line ids exceed 32 bits.
FIRST_IDS = {
    "stages": 1101,
    "regions": 1201,
    "departments": 1301,
    "line_item_types": 1401,
    "standard_cost_code_lists": 1501,
    "standard_cost_codes": 150_001,
    "vendors": 2_000_001,
    "projects": 610_001,
    "sub_jobs": 630_001,
    "cost_codes": 70_000_001,
    "wbs_codes": 80_000_001,
    "budget_line_items": 90_000_001,
    # One id space for both kinds of contract: requisitions and payments name a contract by id alone.
    "contracts": 400_001,
    "line_items": 5_000_000_001,
    "commitment_change_orders": 440_001,
    "change_order_packages": 450_001,
    "change_order_line_items": 6_000_000_001,
    "billing_periods": 460_001,
    "requisitions": 470_001,
    "requisition_items": 7_000_000_001,
    "contract_payments": 480_001,
    "attachments": 3_300_000_001,
    "direct_costs": 490_001,
    "direct_cost_line_items": 8_000_000_001,
    "hooks": 5_001,
    "triggers": 6_001,
    "events": 900_001,
}


@dataclass
class Company:
    """One customer's data. Rows keep private values under names that start with an underscore."""

    id: int
    name: str
    currency: str
    tables: dict[str, dict[int, Row]] = field(default_factory=dict)
    by_project: dict[str, dict[Any, list[int]]] = field(default_factory=dict)
    origins: dict[tuple[str, str], int] = field(default_factory=dict)
    # Natural references to ids, such as ("contract", project id, number).
    keys: dict[tuple[Any, ...], int] = field(default_factory=dict)
    next_ids: dict[str, int] = field(default_factory=lambda: dict(FIRST_IDS))
    deliveries: list[Row] = field(default_factory=list)
    # Where files are fetched, until when (unix seconds) and signed with what: as of the last request.
    files_at: str = "http://localhost"
    files_until: int = 0
    files_key: str = ""
    tokens_at_storage: int = 0

    def new_id(self, table: str) -> int:
        number = self.next_ids.get(table, FIRST_IDS[table])  # a state kept before the table was added has no number
        self.next_ids[table] = number + 1
        return number

    def add(self, table: str, row: Row, project_id: int | None = None) -> Row:
        """Stores a row that has its id; `project_id` makes it part of that project's list."""
        self.tables.setdefault(table, {})[row["id"]] = row
        if project_id is not None:
            row["_project_id"] = project_id
            self.by_project.setdefault(table, {}).setdefault(project_id, []).append(row["id"])
        return row

    def find(self, table: str, number: Any) -> Row | None:
        """By id given as number or text."""
        try:
            return self.tables.get(table, {}).get(int(number))
        except (TypeError, ValueError):
            return None

    def get(self, table: str, number: Any, project_id: int | None = None) -> Row:
        """Raises a 404 when there is none, or it belongs to another project."""
        row = self.find(table, number)
        if row is None or (project_id is not None and row.get("_project_id") != project_id):
            raise not_found(table.replace("_", " ").removesuffix("s").capitalize())
        return row

    def rows(self, table: str, project_id: int | None = None) -> Iterator[Row]:
        """Every row, or a project's, in the order of creation."""
        rows = self.tables.get(table, {})
        if project_id is None:
            return iter(rows.values())
        return (rows[number] for number in self.by_project.get(table, {}).get(project_id, ()))

    def remove(self, table: str, row: Row) -> None:
        del self.tables[table][row["id"]]
        listed = self.by_project.get(table, {}).get(row.get("_project_id"), [])
        if row["id"] in listed:
            listed.remove(row["id"])
        if row.get("origin_id"):
            self.origins.pop((row.get("_type", table), row["origin_id"]), None)

    def by_origin(self, kind: str, origin_id: Any) -> int | None:
        """The id that an external id stands for; external ids are unique per type in a company."""
        return self.origins.get((kind, str(origin_id))) if origin_id else None

    def set_origin(self, kind: str, row: Row, fields: Row, clash_status: int) -> None:
        """Takes over origin_id and origin_data. Raises 409 or 422 (option) when the id is another row's."""
        if "origin_data" in fields:
            row["origin_data"] = fields["origin_data"]
        if "origin_id" not in fields or fields["origin_id"] == row.get("origin_id"):
            return
        wanted = None if fields["origin_id"] is None else str(fields["origin_id"])
        if wanted:
            self.check_origin(kind, wanted, row["id"], clash_status)
            self.origins[(kind, wanted)] = row["id"]
        if row.get("origin_id"):
            self.origins.pop((kind, row["origin_id"]), None)
        row["origin_id"] = wanted

    def check_origin(self, kind: str, origin_id: Any, own_id: int | None, clash_status: int) -> None:
        """Raises when another row of the type has this external id."""
        owner = self.by_origin(kind, origin_id)
        if owner is not None and owner != own_id:
            raise Refused(clash_status, {"origin_id": [TAKEN]})


def public(row: Row) -> Row:
    """A row without its private values."""
    return {name: value for name, value in row.items() if name[0] != "_"}


def required(fields: Row, *names: str) -> None:
    """Raises 422 for a blank field."""
    for name in names:
        if fields.get(name) in (None, ""):
            raise invalid(**{name: "can't be blank"})


def one_of(fields: Row, name: str, allowed: tuple[str, ...]) -> None:
    """Raises 422 when a field that was sent is none of the allowed values."""
    if fields.get(name) is not None and fields[name] not in allowed:
        raise invalid(**{name: "is not included in the list"})
