"""The index file of one import (contract C.2): read as strictly as its columns are written, and held against the metadata."""

import csv
import re
from decimal import Decimal
from io import StringIO

from simulators.sage_paperless.shapes import MONEY, Json

COLUMNS = (
    "LinkDocumentID", "Vault", "Queue", "DocumentType", "ProcoreCompany", "ProcoreProject", "ProcoreInvoice", "ProcoreRevision",
    "Vendor", "CommitmentType", "Commitment", "InvoiceNumber", "InvoiceDate", "DueDate", "LineNo", "CommitmentLine", "Job",
    "CostCode", "Category", "Description", "Amount", "Retainage", "InvoiceTotal", "DocumentFile", "DocumentSha256",
    "DocumentPages",
)  # fmt: skip
TYPES = ("AP Invoice", "AP Invoice - Confidential")
STEM = re.compile(r"^(?P<company>\d+)-(?P<invoice>\d+)-r(?P<revision>[0-9a-f]{12})\Z")
# What a row repeats from the metadata's head.
HEAD = {
    "ProcoreCompany": "procore_company_id", "ProcoreProject": "procore_project_id", "ProcoreInvoice": "procore_invoice_id",
    "ProcoreRevision": "procore_revision", "Vendor": "vendor", "CommitmentType": "commitment_type",
    "Commitment": "commitment_number", "InvoiceNumber": "invoice_number", "InvoiceDate": "invoice_date", "DueDate": "due_date",
}  # fmt: skip
LINE = {
    "Job": "job", "CostCode": "cost_code", "Category": "category", "Description": "description", "Amount": "amount",
    "CommitmentLine": "commitment_line",
}  # fmt: skip
# Amounts that no line of the metadata has (the tax) stand in a row of their own behind the lines.
Lines = list[dict[str, str]]


class Torn(Exception):
    """The file cannot be read to its end as what it is."""


class Wrong(Exception):
    """The file can be read, and says what may not be."""


def read(content: bytes) -> Lines:
    """Rows by column name. Raises Torn."""
    try:
        rows = list(csv.reader(StringIO(content.decode("utf-8"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise Torn(f"the index file cannot be read: {error}") from error
    if not content.endswith(b"\n") or not rows or tuple(name.strip() for name in rows[0]) != COLUMNS:
        raise Torn("the index file has not the columns of the contract, or no end of its last line")
    if len(rows) < 2 or any(len(row) != len(COLUMNS) for row in rows[1:]):
        raise Torn("a row of the index file is cut off")
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows[1:]]


def check(stem: str, rows: Lines, meta: Json, vault_names: tuple[str, ...], queue_names: tuple[str, ...]) -> None:
    """Raises Wrong with everything that differs."""
    named = STEM.match(stem)
    if named is None:
        raise Wrong(f"the stem {stem} is not company-invoice-revision")
    wrong: list[str] = []
    ids = (meta["procore_company_id"], meta["procore_invoice_id"], meta["procore_revision"][:12])
    if named.groups() != ids:
        wrong.append(f"the stem says {named.groups()}, the metadata {ids}")
    link = f"procore:{named['company']}:{named['invoice']}"
    document = meta["document"] or {}
    fixed = {
        "LinkDocumentID": (link,), "Vault": vault_names, "Queue": queue_names, "DocumentType": TYPES,
        "DocumentFile": (f"{stem}.pdf",), "DocumentSha256": (document.get("sha256"),),
        "DocumentPages": (str(document.get("pages")),),
    }  # fmt: skip
    for number, row in enumerate(rows, 1):
        wrong += [f"row {number}: {name} is {row[name]!r}" for name, good in fixed.items() if row[name] not in good]
        wrong += [f"row {number}: {name} is {row[name]!r}" for name, key in HEAD.items() if row[name] != (meta.get(key) or "")]
        amounts = [row["Amount"], row["InvoiceTotal"], *([row["Retainage"]] if row["Retainage"] else [])]
        wrong += [f"row {number}: {text!r} is no amount" for text in amounts if not MONEY.match(text)]
        if row["LineNo"] != str(number):
            wrong.append(f"row {number}: LineNo is {row['LineNo']!r}")
    wrong += _lines(rows, meta)
    if not wrong:
        wrong += _totals(rows, meta)
    if wrong:
        raise Wrong("; ".join(wrong[:8]))


def _lines(rows: Lines, meta: Json) -> list[str]:
    """Each line of the metadata is a row, in order; one more row may carry the tax."""
    lines, tax = meta["lines"], Decimal(meta.get("tax") or "0.00")
    if len(rows) != len(lines) + (1 if tax else 0):
        return [f"{len(rows)} rows for {len(lines)} lines and a tax of {tax:.2f}"]
    return [
        f"row {number}: {name} is {row[name]!r}"
        for number, (row, line) in enumerate(zip(rows, lines, strict=False), 1)
        for name, key in LINE.items()
        if row[name] != (line.get(key) or "")
    ]


def _totals(rows: Lines, meta: Json) -> list[str]:
    whole = sum((Decimal(row["Amount"]) for row in rows), Decimal(0))
    gross = Decimal(meta["net"]) + Decimal(meta.get("tax") or "0.00")
    totals = {row["InvoiceTotal"] for row in rows}
    if totals == {f"{gross:.2f}"} and whole == gross:
        return []
    return [f"the amounts add up to {whole:.2f}, InvoiceTotal says {', '.join(sorted(totals))}, the metadata {gross:.2f}"]
