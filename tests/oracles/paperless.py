"""What Sage Paperless must hold of Procore's approved invoices, and Procore of payments made there (S-04 to S-34, Y-09 on)."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal

from tests.oracles.model import Expected, Row, State, live, money, written
from tests.oracles.sights import Sight

#: What keeps a file out of the one document, by what it was made as; an office document needs LibreOffice.
BAD = {
    "damaged": "attachment_unreadable", "encrypted": "attachment_password_protected", "zero-byte": "attachment_empty",
    "drawing": "type_not_convertible", "docx": "converter_missing",
}  # fmt: skip
#: Types as files of their kind have them; under another one the content is not what it says.
TYPES = {
    "pdf": "application/pdf", "jpeg": "image/jpeg", "png": "image/png", "tiff": "image/tiff", "text": "text/plain",
}  # fmt: skip
#: Kinds of one page, however many were asked for.
SINGLE = ("jpeg", "png", "text")
#: Decisions of people in the vault that somebody here is told of.
DECIDED = {"rejected": "paperless_rejected_there", "void": "paperless_void_there"}
ZERO = Decimal(0)


class Books:
    """Both systems and who writes payments: what should stand where, and what does."""

    def __init__(
        self, procore: State, vault: State, settings: Row, waiting: Callable[[str], bool], keys: Mapping[str, str],
        known: Collection[str],
    ) -> None:  # fmt: skip
        """`waiting`: whether an invoice is not synced, so that what stands there may be of an earlier day. `keys`: of
        payments, by their ids in accounting. `known`: ids of every invoice that ever was in Procore."""
        self.procore, self.vault, self.settings = procore, vault, settings
        self.waiting, self.keys, self.known = waiting, keys, known
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
        picked = any(there["import_mode"] == "manual" for there in made.there)
        made.fields = {"number": made.number, "vendor": contract["vendor"], "commitment": contract["number"],
                       "total": made.amount, "document": not picked}  # fmt: skip
        made.held = [
            {"number": there["invoice_number"], "vendor": there["vendor"], "commitment": there["commitment_number"],
             "total": money(there["gross"]), "document": bool(there["document"] and there["document"]["pages"])}
            for there in made.there
        ]  # fmt: skip
        if not made.there and row["status"] != "approved":
            made.out = "it is not approved (S-04)"
        elif not automated and self.waiting(made.source_id):
            made.out = "a person has not picked it, or not in this version (S-26)"
        elif row["status"] != "approved":
            made.blocks.add("approval_taken_back")
        elif automated:
            made.blocks |= self._missing() | (unusable(row["files"]) if row["attachments"] else {"attachment_required"})
        self._decided(made)
        return made

    def _missing(self) -> set[str]:
        """What an automated import needs and the vault has not (S-09). A folder cannot tell the vault what to do (S-17)."""
        vaults = [one for one in self.vault.get("vaults", []) if one["id"] == self.settings.get("vault_id")]
        stopped = any(not one["cloud_sync"]["running"] for one in vaults)
        unlicensed = any(not one["licences"]["cloud_sync"] for one in vaults)
        picks = self.settings.get("transport") == "drop_folder" and any(
            one["vault_id"] == self.settings.get("vault_id") and one.get("import_behaviour") == "manual_import"
            for one in self.vault.get("configurations", [])
        )
        found = {"import_behavior_differs"} if picks else set()
        found |= {"cloud_sync_not_running"} if stopped else set()
        return found | ({"cloud_sync_licence_required"} if unlicensed else set())

    def _decided(self, made: Expected) -> None:
        """What people and rules over there say of it. A folder tells of people's work by paid notices only."""
        told = self.settings.get("transport") == "drop_folder"
        if told and any(one["procore_invoice_id"] == made.source_id for one in self.paid):
            made.blocks.add("paperless_paid")
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
        made.fields = {"invoice": str(row["procore_invoice_id"]), "amount": made.amount, "date": row["payment_date"],
                       "check": written(row["check_number"])}  # fmt: skip
        made.held = [
            {"invoice": str(one["requisition_id"]), "amount": money(one["amount"]), "date": one["date"],
             "check": written(one["check_number"])} for one in made.there
        ]  # fmt: skip
        ours = self.settings.get("create_payments_in_procore") and self.settings.get("payment_writer", "sitebooks") == "sitebooks"
        ours = ours and not self.settings.get("product_writes_payments")
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
        """The Procore payment that the vault was told of or that has its key, and each of the same check on the invoice."""
        same_check = written(one["check_number"]) == written(row["check_number"])
        same = same_check and str(one["requisition_id"]) == row["procore_invoice_id"]
        return same or str(one["id"]) == row["procore_payment_id"] or one["origin_id"] == self.keys.get(row["id"], "none")

    def _unpayable(self, row: Row, invoice: Row | None) -> set[str]:
        if invoice is None:
            return {"payment_invoice_unknown"}
        found = set() if self.imported.get(str(invoice["id"])) else {"payment_invoice_not_synced"}
        found |= {"payment_amount_not_positive"} if money(row["amount"]) <= 0 else set()
        same = [one for one in self.paid if one["procore_invoice_id"] == row["procore_invoice_id"] and not one["voided"]]
        over = sum((max(money(one["amount"]), ZERO) for one in same), ZERO) > money(invoice["total_claimed_amount"])
        return found | ({"payment_over_invoice"} if over else set())

    def corrected(self) -> dict[int, Decimal]:
        """Payments in Procore that accounting has voided or corrected since: what they count for is what accounting says."""
        return {
            one["id"]: ZERO if row["voided"] else money(row["amount"])
            for row in self.paid for one in self.issued if self._is(one, row)
        }  # fmt: skip

    def taken(self) -> dict[str, Decimal]:
        """What accounting pays by: invoices as they were taken, where a newer revision waits for a person."""
        return {
            source: max(money(one["gross"]) for one in there) for source, there in self.imported.items() if self.waiting(source)
        }  # fmt: skip

    def documents(self) -> list[str]:
        """I3: the one document holds every file of the revision that was taken, in order and whole (S-21)."""
        found = []
        for source, there in self.imported.items():
            row = self.invoices.get(source)
            for one in there:
                if row is None or not one["document"] or one["status"] != "unprocessed" or self.waiting(source):
                    continue
                wanted = [(file["name"], 1 if file["kind"] in SINGLE else file["pages"]) for file in row["files"]]
                held = [(part["name"], part["pages"]) for part in one["document"]["parts"]]
                if wanted != held:
                    name = f"invoice {row['invoice_number']} ({source})"
                    found.append(f"I3: the document of {name} has {held}, and its files are {wanted}")
        return found

    def strangers(self) -> list[str]:
        """After `expected`: what is ours on one side and has nothing on the other that explains it."""
        found = [
            f"I4: payment {row['id']} of {row['amount']} has a key of ours in Procore and no payment in accounting explains it"
            for row in self.issued
            if row["origin_id"] and row["id"] not in self.claimed
        ]
        return found + [
            f"I4: invoice {there[0]['id']} in Sage Paperless names Procore invoice {source}, which never was there"
            for source, there in self.imported.items()
            if source not in self.known
        ]


def unusable(files: Sequence[Row]) -> set[str]:
    """Why these files are no document."""
    found = {BAD[one["kind"]] for one in files if one["kind"] in BAD}
    found |= {"attachment_gone"} if any(one["lost"] for one in files) else set()
    odd = any(one["kind"] in TYPES and one["type"] != TYPES[one["kind"]] for one in files)
    return found | ({"attachment_not_what_it_says", "type_not_convertible"} if odd else set())


def touched(sight: Sight) -> list[str]:
    """Y-12 to Y-15, Y-09: what was written of a payment stays as it is, and its invoice stood in the vault before it."""
    if "sage_paperless" not in sight.systems:
        return []
    found, stood = [], {}
    for entry in sight.ledger("sage_paperless"):
        if entry["kind"] == "invoices" and entry["effect"] == "created":
            stood.setdefault(str(entry["key"]).rpartition(":")[2], entry["at"])  # a folder names its company before it
    invoices = {str(row["id"]): str(row["requisition_id"]) for row in sight.state("procore").get("contract_payments", [])}
    for entry in sight.ledger("procore"):
        if entry["kind"] != "contract_payments" or entry["actor"] != "client":
            continue
        name, source = f"payment {entry['remote_id']} ({entry['key']})", invoices.get(str(entry["remote_id"]), "")
        if entry["effect"] != "created":
            found.append(f"I7: {name} stands in Payments Issued and was {entry['effect']} by us ({entry['path']})")
        elif source and stood.get(source, "9999") > entry["at"]:
            found.append(f"I3: {name} is of invoice {source}, which was not in the vault when it was written (Y-09)")
    return found


def torn(sight: Sight) -> list[str]:
    """I3, part C: the importer of the drop folder never meets a mark whose files are not all there, and whole."""
    if "sage_paperless" not in sight.systems:
        return []
    stood = [row for row in sight.state("sage_paperless").get("importer", []) if row["torn"] or row["incomplete"]]
    return [f"I3: the importer met {row['torn']} torn and {row['incomplete']} incomplete imports" for row in stood]


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
