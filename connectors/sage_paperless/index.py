"""The index file of one import (contract C.2): one row per line, the tax in a row of its own, to the cent or not at all."""

import csv
from collections.abc import Mapping
from io import StringIO
from typing import Any

from connectors.calls import NotUnderstood
from objects.money import amount_of, text_of, total

COLUMNS = (
    "LinkDocumentID", "Vault", "Queue", "DocumentType", "ProcoreCompany", "ProcoreProject", "ProcoreInvoice", "ProcoreRevision",
    "Vendor", "CommitmentType", "Commitment", "InvoiceNumber", "InvoiceDate", "DueDate", "LineNo", "CommitmentLine", "Job",
    "CostCode", "Category", "Description", "Amount", "Retainage", "InvoiceTotal", "DocumentFile", "DocumentSha256",
    "DocumentPages",
)  # fmt: skip
TYPE = "AP Invoice"


def stem_of(meta: Mapping[str, Any]) -> str:
    """The one name of the four files (C.1)."""
    return f"{meta['procore_company_id']}-{meta['procore_invoice_id']}-r{meta['procore_revision']}"


def link_of(company: str, invoice_id: str) -> str:
    """The key for every later look-up (C.2)."""
    return f"procore:{company}:{invoice_id}"


def index(meta: Mapping[str, Any], vault: str, queue: str) -> bytes:
    """Raises NotUnderstood when the amounts do not add up to the total: then nothing is written."""
    gross = amount_of(meta["net"]) + amount_of(meta["tax"])
    lines = [dict(line) for line in meta["lines"]]
    if amount_of(meta["tax"]):
        lines.append({"description": "Tax", "amount": meta["tax"]})
    if total(amount_of(line["amount"]) for line in lines) != gross:
        raise NotUnderstood("invoice.lines", f"the rows do not add up to {text_of(gross)}")
    document, stem = meta["document"], stem_of(meta)
    head = {
        "LinkDocumentID": link_of(meta["procore_company_id"], meta["procore_invoice_id"]), "Vault": vault, "Queue": queue,
        "DocumentType": TYPE, "ProcoreCompany": meta["procore_company_id"], "ProcoreProject": meta["procore_project_id"],
        "ProcoreInvoice": meta["procore_invoice_id"], "ProcoreRevision": meta["procore_revision"], "Vendor": meta["vendor"],
        "CommitmentType": meta["commitment_type"], "Commitment": meta["commitment_number"],
        "InvoiceNumber": meta["invoice_number"], "InvoiceDate": meta["invoice_date"], "DueDate": meta["due_date"] or "",
        "InvoiceTotal": text_of(gross), "DocumentFile": f"{stem}.pdf", "DocumentSha256": document["sha256"],
        "DocumentPages": str(document["pages"]),
    }  # fmt: skip
    text = StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for number, line in enumerate(lines, 1):
        retained = meta["retainage"] if number == 1 and amount_of(meta["retainage"]) else ""
        writer.writerow(head | {
            "LineNo": str(number), "CommitmentLine": line.get("commitment_line") or "", "Job": line.get("job") or "",
            "CostCode": line.get("cost_code") or "", "Category": line.get("category") or "",
            "Description": line["description"], "Amount": line["amount"], "Retainage": retained,
        })  # fmt: skip
    return text.getvalue().encode()
