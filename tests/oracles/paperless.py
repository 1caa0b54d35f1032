"""What Sage Paperless must hold of Procore's approved invoices, and Procore of payments made there (S-04 to S-34, Y-09 on)."""

from collections import defaultdict
from decimal import Decimal

from tests.oracles.model import Expected, Row, State, live, money, written
from tests.oracles.sights import Sight

#: What may be wrong with a file is seen in the file only; the states of the two systems name it and no more.
FILES = {
    "attachment_empty", "attachment_unreadable", "attachment_password_protected", "attachment_gone",
    "attachment_not_what_it_says", "type_not_convertible", "converter_missing",
    "attachment_holds_files", "picture_too_large",
}  # fmt: skip
#: Decisions of people in the vault that somebody here is told of.
DECIDED = {"rejected": "paperless_rejected_there", "void": "paperless_void_there"}
ZERO = Decimal(0)


class Books:
    """Both systems and who writes payments: what should stand where, and what does."""

    def __init__(self, procore: State, vault: State, settings: Row) -> None:
        self.procore, self.vault, self.settings = procore, vault, settings
        self.contracts = {
            row["id"]: row for form in ("purchase_order_contracts", "work_order_contracts") for row in procore.get(form, [])
        }
        self.invoices = {str(row["id"]): row for row in live(procore.get("requisitions", []))}
        self.imported: dict[str, list[Row]] = defaultdict(list)
        for row in live(vault.get("invoices", [])):
            self.imported[str(row["procore_invoice_id"])].append(row)
        self.issued = live(procore.get("contract_payments", []))
        self.paid = [row for row in live(vault.get("payments", [])) if row["found"]]
        self.claimed: set[int] = set()

    def expected(self) -> list[Expected]:
        """Invoices, then payments."""
        return [self._invoice(row) for row in self.invoices.values()] + [self._payment(row) for row in self.paid]

    # invoices

    def _invoice(self, row: Row) -> Expected:
        made = Expected("invoice", "from_procore", str(row["id"]), row["invoice_number"] or "", row["project_number"])
        made.amount = money(row["total_claimed_amount"])
        made.there = self.imported.get(made.source_id, [])
        made.there_amount = sum((money(there["gross"]) for there in made.there), ZERO)
        contract, automated = self.contracts[row["commitment_id"]], self.settings.get("import_behavior") != "manual_import"
        made.fields = {"number": made.number, "vendor": contract["vendor"], "commitment": contract["number"],
                       "total": made.amount, "document": automated}  # fmt: skip
        made.held = [
            {"number": there["invoice_number"], "vendor": there["vendor"], "commitment": there["commitment_number"],
             "total": money(there["gross"]), "document": bool(there["document"] and there["document"]["pages"])}
            for there in made.there
        ]  # fmt: skip
        if not made.there and row["status"] != "approved":
            made.out = "it is not approved (S-04)"
        elif not made.there and not automated:
            made.out = "a person has not picked it (S-26)"
        elif row["status"] != "approved":
            made.blocks.add("approval_taken_back")
        elif automated:
            made.blocks |= FILES if row["attachments"] else {"attachment_required"}
        self._decided(made)
        return made

    def _decided(self, made: Expected) -> None:
        """What people and rules over there say of it."""
        for there in made.there:
            made.blocks |= {DECIDED[there["status"]]} if there["status"] in DECIDED else set()
            made.blocks |= set() if there["validation"]["passed"] else {"paperless_validation_failed"}
            made.blocks |= {"paperless_reviewer_missing"} if there["failover_reason"] == "reviewer_missing" else set()
            made.blocks |= set() if there["status"] == "unprocessed" else {"paperless_in_work"}

    # payments

    def _payment(self, row: Row) -> Expected:
        invoice = self.invoices.get(str(row["procore_invoice_id"]))
        project = invoice["project_number"] if invoice else ""
        made = Expected("payment", "to_procore", row["id"], row["check_number"] or "", project)
        made.there = [one for one in self.issued if self._is(one, row)]
        self.claimed |= {one["id"] for one in made.there}
        made.amount = ZERO if row["voided"] else money(row["amount"])
        made.there_amount = sum((money(one["amount"]) for one in made.there), ZERO)
        made.fields = {"invoice": str(row["procore_invoice_id"]), "amount": made.amount, "date": row["payment_date"]}
        made.held = [
            {"invoice": str(one["requisition_id"]), "amount": money(one["amount"]), "date": one["date"]} for one in made.there
        ]  # fmt: skip
        ours = self.settings.get("create_payments_in_procore") and self.settings.get("payment_writer", "sitebooks") == "sitebooks"
        if made.there:
            made.blocks |= {"payment_voided"} if row["voided"] else set()
            made.blocks |= {"payment_changed_after_sync"} if made.held[0] != made.fields else set()
        elif not ours:
            made.out = "Sitebooks does not write payments (S-34)"
        elif row["procore_invoice_id"] is None:
            made.out = "its invoice did not come from Procore (Y-09)"
        elif row["voided"]:
            made.out = "it was voided before it was sent"
        else:
            made.blocks |= self._unpayable(row, invoice)
        return made

    def _is(self, one: Row, row: Row) -> bool:
        """The Procore payment that the vault was told of, and every one of the same check on the same invoice."""
        same_check = written(one["check_number"]) == written(row["check_number"])
        same = same_check and str(one["requisition_id"]) == row["procore_invoice_id"]
        return same or str(one["id"]) == row["procore_payment_id"]

    def _unpayable(self, row: Row, invoice: Row | None) -> set[str]:
        if invoice is None:
            return {"payment_invoice_unknown"}
        found = set() if self.imported.get(str(invoice["id"])) else {"payment_invoice_not_synced"}
        found |= {"payment_amount_not_positive"} if money(row["amount"]) <= 0 else set()
        same = [one for one in self.paid if one["procore_invoice_id"] == row["procore_invoice_id"] and not one["voided"]]
        over = sum((money(one["amount"]) for one in same), ZERO) > money(invoice["total_claimed_amount"])
        return found | ({"payment_over_invoice"} if over else set())

    def strangers(self) -> list[str]:
        """After `expected`: what is ours on one side and has nothing on the other that explains it."""
        gone = {str(row["id"]) for row in self.procore.get("requisitions", [])}
        found = [
            f"I4: payment {row['id']} of {row['amount']} has a key of ours in Procore and no payment in accounting explains it"
            for row in self.issued
            if row["origin_id"] and row["id"] not in self.claimed
        ]
        return found + [
            f"I4: invoice {there[0]['id']} in Sage Paperless names Procore invoice {source}, which never was there"
            for source, there in self.imported.items()
            if source not in gone
        ]


_AGAIN = """
    SELECT r.number, r.source_id, w.sends FROM write w JOIN sync_record r ON r.id = w.record_id
    WHERE r.company_id = %s AND r.kind = 'payment' AND w.side = 'target' AND w.sends > 1
        AND EXISTS (SELECT FROM history h WHERE h.record_id = r.id AND h.after ->> 'state' = 'checking')
        AND NOT EXISTS (SELECT FROM history h WHERE h.record_id = r.id AND h.actor NOT LIKE 'sitebooks%%')
"""


def sent_again(sight: Sight) -> list[str]:
    """I6: a payment in doubt is sent once more on a person's word only."""
    return [
        f"I6: payment {row['number']} ({row['source_id']}) was in doubt and sent {row['sends']} times; nobody had said so"
        for row in sight.rows(_AGAIN, [sight.company])
    ]
