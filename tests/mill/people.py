"""What people do at both sides and in Sitebooks: acts by name, each drawn from one number and what there is to act on."""

from collections.abc import Callable
from random import Random
from typing import Any

from simulators.kit.actions import BadAction
from tests.mill.site import Site

#: Codes of the data set; the last ones are not on any budget at first (L-21).
CODES = [("01-100", "L"), ("03-300", "M"), ("05-100", "S"), ("03-300", "S"), ("05-100", "M")]
VENDORS = ["Pacific Concrete Ltd", "Southern Steel Ltd"]
STAGES = ["Course of Construction", "Course of Construction", "Pre-Construction"]
Act = Callable[["People"], Any]


class People:
    """One person's moment: `site` and a random number generator seeded by the step."""

    def __init__(self, site: Site, number: int) -> None:
        self.site, self.random = site, Random(number)

    # choosing

    def one(self, rows: list[Any]) -> Any:
        """Raises BadAction when there is nothing to choose from."""
        if not rows:
            raise BadAction("there is nothing to do that with")
        return self.random.choice(rows)

    def rows(self, system: str, kind: str) -> list[dict[str, Any]]:
        return [row for row in self.site.simulators[system].state().get(kind, []) if not row.get("deleted_at")]

    def contract(self) -> dict[str, Any]:
        rows = self.rows("procore", "purchase_order_contracts") + self.rows("procore", "work_order_contracts")
        return dict(self.one([row for row in rows if not row["origin_id"]]))

    def project(self) -> str:
        return str(self.one(self.rows("procore", "projects"))["project_number"])

    def money(self, most: int = 5000) -> str:
        return f"{self.random.randrange(1, most)}.{self.random.choice(['00', '10', '33', '07'])}"

    def number(self, prefix: str, system: str, *kinds: str, name: str = "number") -> str:
        """The next free number of its kind."""
        taken = {str(row.get(name)) for kind in kinds for row in self.site.simulators[system].state().get(kind, [])}
        count = len(taken) + 1
        while f"{prefix}{count}" in taken:
            count += 1
        return f"{prefix}{count}"

    def lines(self, project: str) -> list[dict[str, Any]]:
        """Mostly codes that stand on the project's budget."""
        budget = [row for row in self.rows("procore", "budget_line_items") if row["project"] == self._name(project)]
        types = {row["id"]: row["code"] for row in self.rows("procore", "line_item_types")}
        plain = [row for row in budget if row["biller_type"] == "Project"]
        known = [(row["cost_code"].split(" - ")[0], types[row["category_id"]]) for row in plain]
        pairs = self.random.sample(CODES, 1) if not known or self.random.random() < 0.1 else known
        chosen = self.random.sample(pairs, min(len(pairs), self.random.choice([1, 1, 2])))
        return [
            {"code": code, "type": kind, "amount": self.money(), "description": f"Work {self.random.randrange(50)}"}
            for code, kind in chosen
        ]

    def _name(self, project: str) -> str:
        return str(next(row["name"] for row in self.rows("procore", "projects") if row["project_number"] == project))

    def act(self, system: str, action: str, **args: Any) -> Any:
        return self.site.act(system, action, **args)


def create_commitment(p: People) -> Any:
    project = p.project()
    number = p.number("C-", "procore", "purchase_order_contracts", "work_order_contracts")
    status = p.random.choice(["Approved", "Approved", "Approved", "Draft"])
    return p.act(
        "procore", "create_commitment", project=project, type=p.random.choice(["po", "sc"]), number=number,
        title=f"Order {number}", vendor=p.random.choice(VENDORS), status=status, lines=p.lines(project),
    )  # fmt: skip


def retitle_commitment(p: People) -> Any:
    return p.act("procore", "edit_commitment", number=p.contract()["number"], title=f"Title {p.random.randrange(100)}")


def change_line(p: People) -> Any:
    row = p.contract()
    line = p.one(row["lines"])
    return p.act("procore", "change_line", number=row["number"], position=line["position"], amount=p.money())


def add_line(p: People) -> Any:
    row = p.contract()
    return p.act("procore", "add_line", number=row["number"], **p.one(p.lines(row["project_number"])))


def remove_line(p: People) -> Any:
    row = p.contract()
    return p.act("procore", "remove_line", number=row["number"], position=p.one(row["lines"])["position"])


def commitment_status(p: People) -> Any:
    status = p.random.choice(["Approved", "Approved", "Draft", "Closed", "Void", "Complete"])
    return p.act("procore", "set_commitment_status", number=p.contract()["number"], status=status)


def delete_commitment(p: People) -> Any:
    return p.act("procore", "delete_commitment", number=p.contract()["number"])


def create_variation(p: People) -> Any:
    row = p.contract()
    number = p.number("V", "procore", "commitment_change_orders")
    return p.act(
        "procore", "create_variation", commitment=row["number"], number=number, title=f"Variation {number}",
        lines=p.lines(row["project_number"]), status=p.random.choice(["approved", "approved", "draft"]),
    )  # fmt: skip


def variation_status(p: People) -> Any:
    row = p.one(p.rows("procore", "commitment_change_orders"))
    status = p.random.choice(["approved", "draft", "void"])
    return p.act("procore", "set_variation_status", commitment=row["commitment"], number=row["number"], status=status)


def add_budget_line(p: People) -> Any:
    code, kind = p.random.choice(CODES)
    return p.act("procore", "add_budget_line", project=p.project(), code=code, type=kind, amount=p.money(90000))


def _budgeted(p: People) -> dict[str, str]:
    row = p.one([row for row in p.rows("procore", "budget_line_items") if row["biller_type"] == "Project"])
    types = {one["id"]: one["code"] for one in p.rows("procore", "line_item_types")}
    projects = {one["id"]: one["project_number"] for one in p.rows("procore", "projects")}
    return {"project": projects[row["project_id"]], "code": row["cost_code"].split(" - ")[0], "type": types[row["category_id"]]}


def change_budget_line(p: People) -> Any:
    return p.act("procore", "change_budget_line", **_budgeted(p), amount=p.money(90000))


def remove_budget_line(p: People) -> Any:
    return p.act("procore", "remove_budget_line", **_budgeted(p))


def create_project(p: People) -> Any:
    number = p.number("100", "procore", "projects", name="project_number")
    return p.act(
        "procore", "create_project", number=number, name=f"Yard {number}", stage=p.random.choice(STAGES), region="Auckland"
    )


def set_stage(p: People) -> Any:
    return p.act("procore", "set_stage", project=p.project(), stage=p.random.choice(STAGES))


def rename_project(p: People) -> Any:
    return p.act("procore", "rename_project", project=p.project(), name=f"Name {p.random.randrange(1000)}")


def create_sub_job(p: People) -> Any:
    project = p.project()
    number = p.number("SJ", "procore", "sub_jobs", name="code")
    p.act("procore", "create_sub_job", project=project, code=number, name=f"Stage {number}")
    return p.act("procore", "add_budget_line", project=project, code="01-100", type="L", amount=p.money(), sub_job=number)


def add_billing_period(p: People) -> Any:
    project = p.project()
    held = [row for row in p.rows("procore", "billing_periods") if row["project_number"] == project]
    month, year = len(held) % 12 + 1, 2027 + len(held) // 12
    days = (f"{year}-{month:02}-01", f"{year}-{month:02}-28")
    return p.act("procore", "add_billing_period", project=project, start=days[0], end=days[1], due=days[1])


def create_invoice(p: People) -> Any:
    """Without an order, on codes of one project: a direct cost in several steps."""
    project = p.one([row for row in p.rows("lentune", "projects") if row.get("external")])
    types = {row["id"]: row["code"] for row in p.rows("lentune", "cost_types")}
    codes = [
        row
        for row in p.rows("lentune", "cost_codes")
        if row["project_id"] == project["id"] and row["cost_type_id"] and not row["sub_job"]
    ]
    chosen = [p.one(codes) for _ in range(p.random.choice([1, 1, 2]))]
    lines = [
        {"code": row["code"], "type": types[row["cost_type_id"]], "net": p.money(900), "description": "Sand"} for row in chosen
    ]
    supplier = p.one(p.rows("lentune", "suppliers"))["description"]
    number = p.number("I-", "lentune", "invoices")
    return p.act(
        "lentune", "create_invoice", number=number, supplier=supplier, date="2026-11-10", project=project["code"], lines=lines
    )


def bill_order(p: People) -> Any:
    """Against an order, in a period of its project: one create that Procore does not keep single."""
    orders = p.rows("lentune", "purchase_orders") + p.rows("lentune", "subcontracts")
    order = p.one([row for row in orders if row["supplier_id"] and row["lines"]])
    supplier = next(row["description"] for row in p.rows("lentune", "suppliers") if row["id"] == order["supplier_id"])
    project = next(row["code"] for row in p.rows("lentune", "projects") if row["id"] == order["project_id"])
    period = p.one([row for row in p.rows("procore", "billing_periods") if row["project_number"] == project])
    number = p.number("I-", "lentune", "invoices")
    line = {"order_line": p.random.randrange(len(order["lines"])) + 1, "net": p.money(300), "description": "Part"}
    return p.act(
        "lentune", "create_invoice", number=number, supplier=supplier, date=period["start_date"], order=order["number"],
        lines=[line],
    )  # fmt: skip


def _invoice(p: People) -> str:
    return str(p.one(p.rows("lentune", "invoices"))["number"])


def change_invoice(p: People) -> Any:
    return p.act("lentune", "change_invoice", number=_invoice(p), net=p.money(900))


def invoice_status(p: People) -> Any:
    return p.act(
        "lentune", p.random.choice(["approve_invoice", "approve_invoice", "hold_invoice", "reject_invoice"]), number=_invoice(p)
    )


def raise_order(p: People) -> Any:
    """In Lentune, where the boxes let it (P-07, P-12)."""
    project = p.one([row for row in p.rows("lentune", "projects") if row.get("external")])
    codes = [row for row in p.rows("lentune", "cost_codes") if row["project_id"] == project["id"] and row.get("external")]
    types = {row["id"]: row["code"] for row in p.rows("lentune", "cost_types")}
    code = p.one([row for row in codes if row["cost_type_id"]])
    line = {"code": code["code"], "type": types[code["cost_type_id"]], "description": "Pipes", "amount": p.money()}
    number = p.number("LPO-", "lentune", "purchase_orders")
    return p.act("lentune", "create_purchase_order", project=project["code"], description=f"Order {number}", number=number,
                 supplier=p.one(p.rows("lentune", "suppliers"))["description"], lines=[line])  # fmt: skip


def change_order(p: People) -> Any:
    order = p.one([row for row in p.rows("lentune", "purchase_orders") if row["origin"] == "lentune"])
    return p.act("lentune", "change_purchase_order", number=order["number"], amount=p.money())


def change_settings(p: People) -> Any:
    boxes = p.random.choice([(True, False), (True, False), (False, True), (False, False)])
    values: dict[str, Any] = {"procore_purchase_order": boxes[0], "lentune_purchase_order": boxes[1]}
    if p.random.random() < 0.3:
        values = {"project_stages": p.random.choice([["Course of Construction"], ["Course of Construction", "Pre-Construction"]])}
    return p.act("lentune", "set_settings", settings=values)


def create_supplier(p: People) -> Any:
    name = p.number("Supplier ", "lentune", "suppliers", name="description")
    return p.act("lentune", "create_supplier", name=name)


def expire_tokens(p: People) -> Any:
    return p.act(p.random.choice(["procore", "lentune"]), "expire_tokens")


#: How often each is drawn. Money moves most; what makes much else wait or vanish is rare.
WEIGHTS: dict[Act, int] = {
    create_invoice: 12, bill_order: 18, create_commitment: 10, change_line: 8, create_variation: 6, change_invoice: 6,
    add_budget_line: 5, change_budget_line: 4, add_billing_period: 5, retitle_commitment: 5, add_line: 4, invoice_status: 4,
    commitment_status: 3, raise_order: 3, variation_status: 3, set_stage: 2, rename_project: 2, create_project: 2,
    change_order: 2, create_sub_job: 1, remove_line: 1, remove_budget_line: 1, delete_commitment: 1, change_settings: 1,
    create_supplier: 1, expire_tokens: 2,
}  # fmt: skip
ACTS: dict[str, Act] = {act.__name__: act for act in WEIGHTS}
DRAWN: list[str] = [act.__name__ for act, weight in WEIGHTS.items() for _ in range(weight)]
