"""What people do at both sides in a test of faults: fresh objects with numbers of their own, so that rows do not meet."""

from itertools import count
from typing import Any

_numbers = count(7001)
#: Objects of the small data set that rows may build on and must not change.
PROJECT, VENDOR, SUPPLIER = "1001", "Southern Steel Ltd", "Southern Steel Ltd"


class People:
    """Mixed into the stand. Each gives the number of what it made, a new one unless `number` is given; `act` is the stand's."""

    def act(self, system: str, action: str, **args: Any) -> Any:
        raise NotImplementedError

    def number(self, prefix: str = "") -> str:
        """A number that nothing has yet."""
        return f"{prefix}{next(_numbers)}"

    def new_project(self, *codes: str, stage: str = "Course of Construction", number: str = "", **fields: Any) -> str:
        """In Procore, in the sync by its stage; `codes` (05-100) go on its budget as subcontract."""
        number = number or self.number()
        about = {"name": f"Project {number}", "region": "Auckland", **fields}
        self.act("procore", "create_project", number=number, stage=stage, **about)
        for code in codes:
            self.act("procore", "add_budget_line", project=number, code=code, type="S", amount="500000.00")
        return number

    def new_commitment(
        self, project: str = PROJECT, amount: str = "1000.00", type: str = "sc", number: str = "", **fields: Any
    ) -> str:
        """An approved commitment in Procore with one line on 05-100 S, or those given as `lines`."""
        number = number or self.number(f"{type.upper()}-")
        about = {"title": f"Work {number}", "vendor": VENDOR, "status": "Approved", "lines": [line(amount)], **fields}
        self.act("procore", "create_commitment", project=project, type=type, number=number, **about)
        return number

    def new_variation(self, commitment: str, amount: str = "100.00", number: str = "", **fields: Any) -> str:
        """An approved variation of a commitment in Procore."""
        number = number or self.number("V-")
        about = {"title": f"More {number}", "lines": [line(amount)], **fields}
        self.act("procore", "create_variation", commitment=commitment, number=number, **about)
        return number

    def new_invoice(self, order: str = "", net: str = "100.00", supplier: str = SUPPLIER, number: str = "", **fields: Any) -> str:
        """An approved invoice in Lentune: on an order's first line, or without one on the project's 05-100 S (direct cost)."""
        number = number or self.number("INV-")
        entry = {"net": net, "description": "Steel"} | ({"order_line": 1} if order else {"code": "05-100", "type": "S"})
        about = {"date": "2026-11-10", "lines": [entry]} | ({"order": order} if order else {"project": PROJECT}) | fields
        self.act("lentune", "create_invoice", number=number, supplier=supplier, **about)
        return number


def line(amount: str, code: str = "05-100", type: str = "S", description: str = "Steel") -> dict[str, Any]:
    """One line as a person in Procore enters it."""
    return {"code": code, "type": type, "amount": amount, "description": description}
