"""What people do on all three sides while processes die: seeded, and mostly things that are allowed."""

from collections.abc import Callable
from random import Random
from typing import Any

from tests.mill.processes_stack import Stack

#: Name and arguments of one thing that somebody did; the name starts with where.
Act = tuple[str, dict[str, Any]]
VENDORS = ("Pacific Concrete Ltd", "Southern Steel Ltd")
CODES = (("01-100", "L"), ("03-300", "M"), ("05-100", "S"))
STAGES = ("Course of Construction", "Course of Construction", "Pre-Construction")


class People:
    """Draws the next act from what both systems hold now. The same draws give the same acts on the same states."""

    def __init__(self, stack: Stack, random: Random) -> None:
        self.stack, self.random, self.count = stack, random, 0
        self.site: dict[str, list[dict[str, Any]]] = {}
        self.books: dict[str, list[dict[str, Any]]] = {}

    def next(self, only: str = "") -> Act:
        """The next act; `only` names one of the draws below, for a break that needs it."""
        self.site, self.books = self.stack.state("procore"), self.stack.state("lentune")
        if only:
            return self._draws()[only](self)
        while True:
            name = self.random.choices([n for n, _ in WEIGHTS], [w for _, w in WEIGHTS])[0]
            act = self._draws()[name](self)
            if act[0]:
                return act

    def _draws(self) -> dict[str, Callable[["People"], Act]]:
        return {name: getattr(People, f"_{name}") for name, _ in WEIGHTS}

    def _number(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{self.count:03d}"

    def _cents(self, most: int = 200_000) -> str:
        return f"{self.random.randrange(1, most) / 100:.2f}"

    def _some(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        return self.random.choice(rows) if rows else {}

    def _project_number(self) -> str:
        return str(self._some(self.site["projects"])["project_number"])

    def _order(self) -> dict[str, Any]:
        return self._some(self.site["purchase_order_contracts"] + self.site["work_order_contracts"])

    def _line(self, code: str = "", kind: str = "") -> dict[str, Any]:
        code, kind = (code, kind) if code else self.random.choice(CODES)
        return {"code": code, "type": kind, "amount": self._cents(), "description": f"Part {self.random.randrange(100)}"}

    # Procore

    def _project(self) -> Act:
        number = self._number("2")
        return "procore.create_project", {"number": number, "name": f"Yard {number}", "stage": self.random.choice(STAGES),
                                          "region": "Auckland"}  # fmt: skip

    def _stage(self) -> Act:
        return "procore.set_stage", {"project": self._project_number(), "stage": self.random.choice(STAGES)}

    def _rename(self) -> Act:
        return "procore.rename_project", {"project": self._project_number(), "name": self._number("Name ")}

    def _budget(self) -> Act:
        code, kind = self.random.choice(CODES)
        return "procore.add_budget_line", {"project": self._project_number(), "code": code, "type": kind, "amount": self._cents()}

    def _rebudget(self) -> Act:
        code, kind = self.random.choice(CODES)
        return "procore.change_budget_line", {"project": "1001", "code": code, "type": kind, "amount": self._cents()}

    def _commitment(self) -> Act:
        lines = [self._line(*pair) for pair in self.random.sample(CODES, self.random.randrange(1, 3))]
        return "procore.create_commitment", {
            "project": "1001", "type": self.random.choice(("po", "sc")), "number": self._number("C-"), "title": "Order",
            "vendor": self.random.choice(VENDORS), "lines": lines,
        }  # fmt: skip

    def _retitle(self) -> Act:
        return "procore.edit_commitment", {"number": self._order()["number"], "title": self._number("Title ")}

    def _reprice(self) -> Act:
        return "procore.change_line", {"number": self._order()["number"], "position": 1, "amount": self._cents()}

    def _add_line(self) -> Act:
        return "procore.add_line", {"number": self._order()["number"], **self._line()}

    def _variation(self) -> Act:
        return "procore.create_variation", {"commitment": self._order()["number"], "number": self._number("V"),
                                            "title": "Variation", "lines": [self._line()]}  # fmt: skip

    # Lentune

    def _invoice(self) -> Act:
        """Without an order: a direct cost, of several steps."""
        lines = [{"code": code, "type": kind, "net": self._cents(50_000), "description": "Sand"}
                 for code, kind in self.random.sample(CODES, self.random.randrange(1, 4))]  # fmt: skip
        return "lentune.create_invoice", {"number": self._number("INV-"), "supplier": self.random.choice(VENDORS),
                                          "date": "2026-11-10", "project": "1001", "lines": lines}  # fmt: skip

    def _bill(self) -> Act:
        """Against an order: one create that Procore does not keep single."""
        order = self._some(self.books["purchase_orders"] + self.books["subcontracts"])
        supplier = next((s["description"] for s in self.books["suppliers"] if s["id"] == order.get("supplier_id")), "")
        if not order or not supplier or not order["lines"]:
            return "", {}
        return "lentune.create_invoice", {
            "number": self._number("BILL-"), "supplier": supplier, "date": "2026-11-12", "order": order["number"],
            "lines": [{"order_line": 1, "net": self._cents(2_000), "description": "Part delivery"}],
        }  # fmt: skip

    def _hold(self) -> Act:
        found = self._some([i for i in self.books["invoices"] if i["posting"]["state"] != "posted"])
        return ("lentune.hold_invoice", {"number": found["number"]}) if found else ("", {})

    def _unhold(self) -> Act:
        found = self._some([i for i in self.books["invoices"] if i["status"] == "on_hold"])
        return ("lentune.approve_invoice", {"number": found["number"]}) if found else ("", {})

    def _supplier(self) -> Act:
        return "lentune.create_supplier", {"name": self._number("Supplier ")}

    # Sitebooks

    def _approve(self) -> Act:
        waiting = self.stack.rows(
            "SELECT id, version, amount::text FROM sync_record WHERE state = 'awaiting_approval' ORDER BY id")
        return ("sitebooks.approve", self._some(waiting)) if waiting else ("", {})

    def _retry(self) -> Act:
        stuck = self.stack.rows("SELECT id FROM sync_record WHERE state IN ('needs_attention', 'held') ORDER BY id")
        return ("sitebooks.retry", self._some(stuck)) if stuck else ("", {})

    def _scan(self) -> Act:
        return "sitebooks.scan", {}


#: How often each is drawn; money moves most.
WEIGHTS = (
    ("invoice", 14), ("bill", 14), ("commitment", 10), ("reprice", 8), ("variation", 6), ("project", 6), ("retitle", 4),
    ("rebudget", 4), ("add_line", 3), ("budget", 3), ("stage", 2), ("rename", 3), ("hold", 2), ("unhold", 4), ("supplier", 1),
    ("approve", 12), ("retry", 2), ("scan", 1),
)  # fmt: skip


def do(stack: Stack, act: Act) -> Any:
    """Carries it out. Raises tests.mill.processes_stack.Refused."""
    name, args = act
    place, _, action = name.partition(".")
    if place != "sitebooks":
        return stack.act(place, action, args)
    if action == "approve":
        body = {"version": args["version"], "amount": args["amount"]}
        return stack.api("POST", f"/records/{args['id']}/approve", body)
    if action == "retry":
        return stack.api("POST", f"/records/{args['id']}/retry", {})
    return stack.api("POST", "/scans", {})
