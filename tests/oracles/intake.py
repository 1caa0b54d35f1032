"""What Lentune must hold of what stands in Procore: projects, codes, commitments and variations (L-01 to L-05, L-14 to L-37)."""

from collections import Counter
from decimal import Decimal

from tests.oracles.model import Expected, Row, State, anchored, folded, live, money, settings_of

DIRECTION = "from_procore"
PO, SC = "purchase_order_contracts", "work_order_contracts"
#: Contract B.1 and B.2: thirteen digits before the point, sixty characters of a number.
LARGEST, LONGEST_NUMBER = Decimal(10) ** 13, 60
#: Procore's status -> Lentune's, for purchase orders and subcontracts (contract B.2, 11.9).
ORDER_STATUS = {
    "Draft": "draft", "Processing": "draft", "Submitted": "draft", "Approved": "approved",
    "Partially Received": "approved", "Received": "approved", "Closed": "closed",
}  # fmt: skip
SUBCONTRACT_STATUS = {
    "Draft": "draft", "Out For Bid": "draft", "Out For Signature": "draft", "Approved": "approved",
    "Complete": "complete", "Terminated": "terminated", "Void": "void",
}  # fmt: skip


class Intake:
    """Everything Procore holds, with what should and does stand in Lentune."""

    def __init__(self, procore: State, lentune: State) -> None:
        self.procore, self.lentune, self.settings = procore, lentune, settings_of(lentune)
        self.tables = {
            name: anchored(lentune.get(name, []))
            for name in ("projects", "cost_types", "master_cost_codes", "cost_codes", "variations")
        }
        self.orders = anchored([*lentune.get("purchase_orders", []), *lentune.get("subcontracts", [])])
        self.wbs = {(row["project_number"], row["flat_code"]): str(row["id"]) for row in procore.get("wbs_codes", [])}
        self.projects: dict[str, Expected] = {}
        self.codes: dict[str, Expected] = {}
        self.commitments: dict[str, Expected] = {}

    def expected(self) -> list[Expected]:
        """In the order in which things depend on each other."""
        found = [self._project(row) for row in live(self.procore.get("projects", []))]
        found += [self._cost_type(row) for row in live(self.procore.get("line_item_types", []))]
        found += [self._master(row) for row in live(self.procore.get("standard_cost_codes", []))]
        found += [self._code(row) for row in live(self.procore.get("budget_line_items", []))]
        found += [self._commitment(form, row) for form in (PO, SC) for row in live(self.procore.get(form, []))]
        self._same_numbers()
        found += [self._variation(row) for row in live(self.procore.get("commitment_change_orders", []))]
        return found

    def _project(self, row: Row) -> Expected:
        made = Expected("project", DIRECTION, str(row["id"]), row["project_number"] or "", row["project_number"] or "")
        made.there = self.tables["projects"].get(made.source_id, [])
        stages = {folded(stage) for stage in self.settings.get("project_stages", [])}
        if not made.there and folded(row["stage"]) not in stages:
            made.out = "its stage lets it not in (L-01)"
        elif not made.there and not row["active"]:
            made.out = "it is inactive"
        region = folded(row["region"])
        branches = [b["id"] for b in self.lentune.get("branches", []) if b["active"] and folded(b["description"]) == region]
        made.fields = {
            "code": row["project_number"], "description": row["name"], "stage": row["stage"], "region": row["region"] or None,
            "status": "open" if row["active"] else "closed", "branch_id": branches[0] if row["region"] and branches else None,
        }  # fmt: skip
        made.held = [{name: there[name] for name in made.fields} for there in made.there]
        holders = [p for p in live(self.lentune.get("projects", [])) if p["code"] == row["project_number"]]
        if any(str((p.get("external") or {}).get("procore_id")) != made.source_id for p in holders):
            made.blocks |= {"project_number_taken", "lentune_key_taken"}
        self.projects[made.project] = made
        return made

    def _cost_type(self, row: Row) -> Expected:
        made = Expected("cost_type", DIRECTION, str(row["id"]), row["code"], "")
        return self._plain(made, "cost_types", {"code": row["code"], "description": row["name"]})

    def _master(self, row: Row) -> Expected:
        made = Expected("cost_code", DIRECTION, str(row["id"]), row["full_code"], "")
        return self._plain(made, "master_cost_codes", {"code": row["full_code"], "description": row["name"]})

    def _plain(self, made: Expected, table: str, fields: Row) -> Expected:
        made.fields, made.there = fields, self.tables[table].get(made.source_id, [])
        made.held = [{name: there[name] for name in fields} for there in made.there]
        return made

    def _code(self, row: Row) -> Expected:
        """L-03, L-04, L-14: a sub job's code is a plain code of the main project, its name in the description."""
        project = next(p for p in self.procore["projects"] if p["id"] == row["project_id"])
        number, _, name = row["cost_code"].partition(" - ")
        if row["biller_type"] == "SubJob":
            job = next(j for j in self.procore["sub_jobs"] if j["id"] == row["biller_id"])
            number, name = f"{job['code']}.{number}", f"{job['name']} - {name}"
        made = Expected("budget_code", DIRECTION, str(row["wbs_code_id"]), number, project["project_number"])
        made.amount = money(row["original_budget_amount"])
        self._plain(made, "cost_codes", {"code": number, "description": name, "on_budget": True, "budget_amount": made.amount})
        made.held = [{**held, "budget_amount": money(held["budget_amount"])} for held in made.held]
        made.there_amount = sum((money(there["budget_amount"]) for there in made.there), Decimal(0))
        self._under(made)
        self.codes[made.source_id] = made
        return made

    def _under(self, made: Expected) -> None:
        """What belongs to a project that is left out is left out with it; one that is late is waited for."""
        project = self.projects.get(made.project)
        if project is None or project.out:
            made.out = made.out or "its project is no part of the sync"
        elif project.blocks and not project.there:
            made.blocks.add("project_not_synced")

    def _commitment(self, form: str, row: Row) -> Expected:
        contract = form.removesuffix("s")
        made = Expected("commitment", DIRECTION, f"{contract}:{row['id']}", row["number"] or "", row["project_number"])
        made.amount = sum((money(line["amount"]) for line in row["lines"]), Decimal(0))
        copies = self.orders.get(str(row["id"]), [])
        made.there = [there for there in copies if there.get("origin", "procore") == "procore"]
        made.there_amount = sum((money(there["total"]) for there in made.there), Decimal(0))
        statuses = ORDER_STATUS if form == PO else SUBCONTRACT_STATUS
        made.fields = {"number": made.number, "description": row["title"], "status": statuses[row["status"]]}
        made.fields |= {"total": made.amount, "lines": self._lines(made.project, row["lines"])}
        made.held = [self._document(there, ("number", "description", "status")) for there in made.there]
        master = self.settings.get("po_master")
        if form == PO and (row.get("origin_id") or len(copies) > len(made.there)):
            made.out = "it was raised in Lentune (F57)"
        elif form == PO and master != "procore":
            made.out = "Procore does not raise purchase orders (P-08, P-14)"
        elif form == SC and not self.settings.get("pull_subcontracts", True):
            made.out = "subcontracts are not pulled"
        elif row["status"] in ("Void", "Terminated") and not made.there:
            made.out = "it is not live"
        self._under(made)
        self._gate(made, row, described=True)
        if not made.number:
            made.blocks.add("commitment_number_missing")
        if not row["title"]:
            made.blocks.add("description_missing")
        if len(made.number) > LONGEST_NUMBER:
            made.blocks.add("commitment_number_too_long")
        self.commitments[str(row["id"])] = made
        return made

    def _same_numbers(self) -> None:
        """L-28: the number is unique in the tenant; one that is there keeps it, also when it is gone in Procore."""
        counts = Counter(made.number for made in self.commitments.values())
        taken = Counter(there.get("number") for copies in self.orders.values() for there in copies)
        for made in self.commitments.values():
            own = sum(there.get("number") == made.number for there in made.there)
            if counts[made.number] > 1 or taken[made.number] > own:
                made.blocks.add("po_number_not_unique")

    def _variation(self, row: Row) -> Expected:
        made = Expected("variation", DIRECTION, f"commitment_change_order:{row['id']}", row["number"], row["project_number"])
        made.amount = sum((money(line["amount"]) for line in row["lines"]), Decimal(0))
        made.there = self.tables["variations"].get(str(row["id"]), [])
        made.there_amount = sum((money(there["total"]) for there in made.there), Decimal(0))
        lines = self._lines(made.project, row["lines"], row["title"] or made.number)
        made.fields = {"number": made.number, "title": row["title"], "status": row["status"]}
        made.fields |= {"total": made.amount, "lines": lines}
        made.held = [self._document(there, ("number", "title", "status")) for there in made.there]
        parent = self.commitments.get(str(row["contract_id"]))
        if not self.settings.get("pull_variations", True) or parent is None or parent.out:
            made.out = "variations, or those of its commitment, are no part of the sync (L-23)"
        elif not parent.there:  # late, or deleted there by somebody: nothing can hang on it
            made.blocks.add("commitment_not_synced")
        self._gate(made, row, described=False)
        return made

    def _gate(self, made: Expected, row: Row, described: bool) -> None:
        """L-30 to L-33, and L-21: every code on the budget and in Lentune."""
        if not row["lines"]:
            made.blocks.add("schedule_of_values_empty")
        for line in row["lines"]:
            code = self.codes.get(self.wbs.get((made.project, line["code"]), ""))
            if code is None:
                made.blocks.add("cost_code_not_on_budget")
            elif not code.there:
                made.blocks.add("cost_code_not_synced")
            if described and not (line["description"] or "").strip():
                made.blocks.add("line_description_missing")
            if line["amount"] is None:
                made.blocks.add("line_value_missing")
            elif abs(money(line["amount"])) >= LARGEST:
                made.blocks.add("line_value_too_large")

    def _lines(self, project: str, lines: list[Row], otherwise: str = "") -> list[tuple[str, str, str, Decimal]]:
        """(Procore's line, its budget code, text, amount) of each."""
        return sorted(
            (str(line["id"]), self.wbs.get((project, line["code"]), ""), line["description"] or otherwise, money(line["amount"]))
            for line in lines
        )

    def _document(self, there: Row, names: tuple[str, ...]) -> Row:
        """An order or variation of Lentune's in the terms of what it came from."""
        origin = {row["id"]: str((row.get("external") or {}).get("procore_id")) for row in self.lentune.get("cost_codes", [])}
        lines = sorted(
            (str(line["external_line_id"]), origin.get(line["cost_code_id"], ""), line["description"], money(line["amount"]))
            for line in there["lines"]
        )
        return {**{name: there[name] for name in names}, "total": money(there["total"]), "lines": lines}
