"""What Procore must hold of what stands in Lentune: invoices and orders raised there (L-06 to L-13, L-18, L-19, P-07 to P-16)."""

from collections import Counter
from decimal import Decimal
from typing import Any

from tests.oracles.model import Expected, Row, State, folded, live, money, settings_of, written

DIRECTION = "to_procore"
ZERO = Decimal(0)
#: Anything Procore may say against it: what it refuses depends on the order of things, which states do not tell.
ANY = "*"


class Posting:
    """Everything Lentune holds that goes back, with what should and does stand in Procore."""

    def __init__(self, procore: State, lentune: State) -> None:
        self.procore, self.lentune, self.settings = procore, lentune, settings_of(lentune)
        self.suppliers = {row["id"]: row for row in lentune.get("suppliers", [])}
        self.projects = {row["id"]: row for row in live(lentune.get("projects", []))}
        self.codes = {row["id"]: row for row in live(lentune.get("cost_codes", []))}
        self.orders = {row["id"]: row for row in [*lentune.get("purchase_orders", []), *lentune.get("subcontracts", [])]}
        self.wbs = {str(row["id"]): row["flat_code"] for row in procore.get("wbs_codes", [])}
        self.numbers = {str(row["id"]): row["project_number"] for row in procore.get("projects", [])}
        self.contracts = {
            str(row["id"]): row for form in ("purchase_order_contracts", "work_order_contracts") for row in procore.get(form, [])
        }
        self.entered = Counter((row["number"], row["supplier_id"]) for row in live(lentune.get("invoices", [])))
        self.claimed: set[int] = set()
        written = ("direct_costs", "requisitions", "purchase_order_contracts")
        self.standing = {str(row["id"]) for kind in written for row in live(procore.get(kind, []))}

    def expected(self) -> list[Expected]:
        """Invoices, then orders."""
        found = [self._invoice(row) for row in live(self.lentune.get("invoices", []))]
        raised = [row for row in live(self.lentune.get("purchase_orders", [])) if row["origin"] == "lentune"]
        return found + [self._raised(row) for row in raised]

    # invoices

    def _invoice(self, row: Row) -> Expected:
        project = self._project_number(row)
        made = Expected("invoice", DIRECTION, row["id"], row["number"], project)
        nets, taxes = (sum((money(line[part]) for line in row["lines"]), ZERO) for part in ("net", "tax"))
        made.amount = nets + (money(row["gross"]) - nets - taxes)
        order = self.orders.get(row["purchase_order_id"] or row["subcontract_id"] or "")
        posted = row["posting"]["target"] if row["posting"]["state"] == "posted" else ""
        billed = bool(order and order.get("external") and self.settings.get("po_master") != "neither")
        target = posted if posted in ("direct_cost", "commitment_invoice") else "commitment_invoice" if billed else "direct_cost"
        made.there = self._posted_as(row, order)
        made.there_amount = sum((self._amount(there) for there in made.there), ZERO)
        made.out = self._out_of_scope(row)
        made.fields = {"as": target, "number": row["number"], "date": row["invoice_date"], "total": made.amount}
        made.fields |= {"status": "approved", "project": project}
        if target == "direct_cost":
            made.fields["lines"] = self._coded(row)
        made.held = [self._shown(there, target) for there in made.there]
        self._told(made, row["posting"] if posted else {})
        made.blocks = self._against(row, target, order)
        return made

    def _told(self, made: Expected, said: Row) -> None:
        """What was posted is known in Lentune by the id it has in Procore (contract B.2). It takes no second word: one that
        was deleted in Procore and written again is known by its first id."""
        if made.there:
            told, stands = str(said.get("procore_id") or ""), str(made.there[0]["id"])
            made.fields["known there as"] = stands
            made.held[0]["known there as"] = told if not told or told in self.standing else stands

    def _project_number(self, row: Row) -> str:
        for line in row["lines"]:
            held = self.projects.get(line["project_id"] or "")
            if held is not None and held.get("external"):
                return str(self.numbers.get(str(held["external"]["procore_id"]), ""))
        return ""

    def _out_of_scope(self, row: Row) -> str:
        """L-06, L-12, and approval in Lentune."""
        if row["kind"] == "overhead" and self.settings.get("accounting_route") == "project_via_procore_overhead_direct":
            return "overhead goes straight to accounting (L-12)"
        if row["status"] != "approved":
            return f"it is {row['status']}"
        if not self.settings.get("auto_push_invoices"):
            return "nothing is pushed by itself (L-06)"
        return ""

    def _posted_as(self, row: Row, order: Row | None) -> list[Row]:
        """Direct costs and commitment invoices of ours that carry its number: of its supplier, or on its commitment."""
        supplier = folded(self.suppliers.get(row["supplier_id"], {}).get("description"))
        told = str(row["posting"].get("procore_id") or "")
        anchor = str(((order or {}).get("external") or {}).get("procore_id") or "")
        found = []
        for kind in ("direct_costs", "requisitions"):
            for there in live(self.procore.get(kind, [])):
                if not there["origin_id"] or there["invoice_number"] != written(row["number"]):
                    continue
                whose = folded(there["vendor"]) == supplier if kind == "direct_costs" else str(there["commitment_id"]) == anchor
                if whose or str(there["id"]) == told or self.entered[row["number"], row["supplier_id"]] == 1 == self._called(row):
                    found.append(there)
                    self.claimed.add(there["id"])
        return found

    def _called(self, row: Row) -> int:
        """How many invoices carry its number, whoever sent them."""
        return sum(count for (number, _), count in self.entered.items() if number == row["number"])

    def _against(self, row: Row, target: str, order: Row | None) -> set[str]:
        if target == "commitment_invoice" or order is not None or self.entered[row["number"], row["supplier_id"]] > 1:
            return {ANY}
        projects = {line["project_id"] for line in row["lines"]}
        codes = [self.codes.get(line["cost_code_id"] or "") for line in row["lines"]]
        linked = all((self.projects.get(project or "") or {}).get("external") for project in projects)
        coded = all(code is not None and code.get("external") and code["cost_type_id"] for code in codes)
        apart = money(row["gross"]) - sum((money(line["net"]) + money(line["tax"]) for line in row["lines"]), ZERO)
        fine = linked and coded and len(projects) == 1 and abs(apart) <= money(self.settings.get("rounding_tolerance"))
        return set() if fine and self._codes_live(codes) else {ANY}

    def _codes_live(self, codes: list[Any]) -> bool:
        """Procore takes costs on codes that it still has."""
        return all(str(code["external"]["procore_id"]) in self.wbs for code in codes)

    def _coded(self, row: Row) -> list[tuple[str, Decimal]]:
        """(Procore's code, amount) of each line, the rounding difference on the largest (L-05, F10)."""
        amounts = [money(line["net"]) for line in row["lines"]]
        if amounts:
            taxes = sum((money(line["tax"]) for line in row["lines"]), ZERO)
            largest = max(range(len(amounts)), key=lambda n: (abs(amounts[n]), -n))
            amounts[largest] += money(row["gross"]) - sum(amounts, ZERO) - taxes
        codes = [self.codes.get(line["cost_code_id"] or "", {}) for line in row["lines"]]
        flat = [self.wbs.get(str((code.get("external") or {}).get("procore_id")), "") for code in codes]
        return sorted(zip(flat, amounts, strict=True))

    def _amount(self, there: Row) -> Decimal:
        return money(there["total_claimed_amount"] if "total_claimed_amount" in there else there["grand_total"])

    def _shown(self, there: Row, target: str) -> Row:
        billed = "commitment_id" in there
        shown: Row = {
            "as": "commitment_invoice" if billed else "direct_cost", "number": there["invoice_number"],
            "date": there["billing_date"] if billed else there["direct_cost_date"], "total": self._amount(there),
            "status": there["status"], "project": there["project_number"],
        }  # fmt: skip
        if target == "direct_cost":
            shown["lines"] = sorted((line["code"], money(line["amount"])) for line in there.get("lines", []))
        return shown

    # orders raised in Lentune

    def _raised(self, row: Row) -> Expected:
        project = self.projects.get(row["project_id"], {})
        number = str(self.numbers.get(str((project.get("external") or {}).get("procore_id")), ""))
        made = Expected("commitment", DIRECTION, f"purchase_order:{row['id']}", row["number"], number)
        made.amount = sum((money(line["amount"]) for line in row["lines"]), ZERO)
        told = str((row.get("external") or {}).get("procore_id") or "")
        orders = [one for one in live(self.procore.get("purchase_order_contracts", [])) if one["origin_id"]]
        made.there = [one for one in orders if str(one["id"]) == told or one["number"] == written(row["number"])]
        self.claimed |= {one["id"] for one in made.there}
        made.there_amount = sum((money(one["grand_total"]) for one in made.there), ZERO)
        if self.settings.get("po_master") != "lentune":
            made.out = "Lentune does not raise purchase orders (P-09, P-15)"
        elif row["status"] != "approved" and not made.there:
            made.out = f"it is {row['status']}"
        status = {"approved": "Approved", "draft": "Draft"}.get(row["status"], "Closed")
        codes = [self.codes.get(line["cost_code_id"], {}) for line in row["lines"]]
        flat = [self.wbs.get(str((code.get("external") or {}).get("procore_id")), "") for code in codes]
        lines = sorted((code, line["description"], money(line["amount"])) for code, line in zip(flat, row["lines"], strict=True))
        made.fields = {"number": row["number"], "title": row["description"], "status": status}
        made.fields |= {"total": made.amount, "lines": lines}
        made.held = [
            {
                **{name: one[name] for name in ("number", "title", "status")}, "total": money(one["grand_total"]),
                "lines": sorted((line["code"], line["description"], money(line["amount"])) for line in one["lines"]),
            }
            for one in made.there
        ]  # fmt: skip
        self._told(made, row.get("external") or {})
        made.blocks = {ANY} if not number or "" in flat else set()
        return made
