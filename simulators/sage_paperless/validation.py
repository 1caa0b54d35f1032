"""What accounting would say of an invoice (contract B.5), and whom the routing rules give its lines to (S-23, S-24)."""

from decimal import Decimal
from difflib import get_close_matches

from simulators.sage_paperless.references import find
from simulators.sage_paperless.shapes import Json
from simulators.sage_paperless.store import Row, Vault, total

HINTS = {
    "vendor_unknown": "Rename the vendor on one side, so that both names are equal.",
    "vendor_inactive": "Make the vendor active in accounting.",
    "commitment_unknown": "Enter or rename the commitment, so that both numbers are equal.",
    "commitment_vendor_mismatch": "Give the commitment the same vendor on both sides.",
    "commitment_line_unknown": "Compare the lines of the commitment on both sides.",
    "job_unknown": "Enter the job in accounting.",
    "cost_code_unknown": "Enter the cost code in accounting.",
    "amount_not_allocated": "Let the lines add up to the total.",
    "invoice_number_duplicate": "Look whether the invoice was entered before.",
    "period_closed": "Open the period, or change the date.",
    "zero_amount_not_allowed": "Allow invoices of zero in the bridge settings.",
}
OPEN = ("unprocessed", "incomplete", "pending", "approved", "rejected", "on_hold", "exported", "paid")


def gross(meta: Json) -> Decimal:
    return Decimal(meta["net"]) + Decimal(meta.get("tax") or "0.00")


def findings(vault: Vault, meta: Json, own_id: str = "") -> list[Row]:
    """Every finding, errors first as they come; each quotes both values."""
    found = [*_vendor(vault, meta), *_commitment(vault, meta)]
    for index, line in enumerate(meta["lines"]):
        found += _line(vault, meta, line, f"/lines/{index}")
    lines, net = total([line["amount"] for line in meta["lines"]]), Decimal(meta["net"])
    if lines != net:
        found.append(_finding("amount_not_allocated", f"The lines add up to {lines:.2f}, the net amount is {net:.2f}.", "/net"))
    twin = next((row for row in vault.invoices.values() if _same_number(row, meta, own_id)), None)
    if twin is not None:
        text = f"Invoice '{meta['invoice_number']}' of '{meta['vendor']}' is here as {twin['id']}."
        found.append(_finding("invoice_number_duplicate", text, "/invoice_number"))
    if vault.closed_before and meta["invoice_date"] < vault.closed_before:
        text = f"{meta['invoice_date']} is in a closed period; the first open day is {vault.closed_before}."
        found.append(_finding("period_closed", text, "/invoice_date"))
    if not gross(meta) and not vault.allow_zero:
        found.append(_finding("zero_amount_not_allowed", "The total is 0.00, and invoices of zero are not allowed.", "/net"))
    return found


def passed(found: list[Row]) -> bool:
    return all(one["severity"] != "error" for one in found)


def _vendor(vault: Vault, meta: Json) -> list[Row]:
    row = find(vault, "vendor", meta["vendor"])
    if row is None:
        return [_unknown(vault, "vendor", meta["vendor"], "/vendor")]
    if not row["active"]:
        text = f"Vendor '{meta['vendor']}' is '{row['value']}' in accounting, not active."
        return [_finding("vendor_inactive", text, "/vendor")]
    return []


def _commitment(vault: Vault, meta: Json) -> list[Row]:
    row = find(vault, "commitment", meta["commitment_number"])
    if row is None:
        return [_unknown(vault, "commitment", meta["commitment_number"], "/commitment_number")]
    if row["parent"] != meta["vendor"].strip() and find(vault, "vendor", meta["vendor"]):  # an unknown vendor is one finding
        text = f"Commitment {row['value']} is of '{row['parent']}' in accounting, the invoice of '{meta['vendor']}'."
        return [_finding("commitment_vendor_mismatch", text, "/commitment_number")]
    return []


def _line(vault: Vault, meta: Json, line: Json, path: str) -> list[Row]:
    found = []
    if find(vault, "job", line["job"]) is None:
        found.append(_unknown(vault, "job", line["job"], f"{path}/job"))
    elif find(vault, "cost_code", line["cost_code"], line["job"].strip()) is None:
        found.append(_unknown(vault, "cost_code", line["cost_code"], f"{path}/cost_code"))
    commitment = find(vault, "commitment", meta["commitment_number"])
    count = commitment["_lines"] if commitment else 0
    named = line.get("commitment_line")
    if count and named and not (named.isdigit() and 1 <= int(named) <= count):
        text = f"Commitment {meta['commitment_number']} has lines 1 to {count} in accounting, the invoice names line '{named}'."
        found.append(_finding("commitment_line_unknown", text, f"{path}/commitment_line", "warning"))
    return found


def _same_number(row: Row, meta: Json, own_id: str) -> bool:
    held = row["_meta"]
    same = (held["invoice_number"], held["vendor"].strip()) == (meta["invoice_number"], meta["vendor"].strip())
    other = row["procore_invoice_id"] != meta["procore_invoice_id"] and row["id"] != own_id
    return same and other and row["status"] in OPEN


def _unknown(vault: Vault, kind: str, value: str, path: str) -> Row:
    known = [row["value"] for row in vault.references.get(kind, [])]
    near = get_close_matches(value.strip(), known, 1)
    said = f"the nearest there is '{near[0]}'" if near else "nothing there is like it"
    return _finding(f"{kind}_unknown", f"Accounting has no {kind.replace('_', ' ')} '{value}'; {said}.", path)


def _finding(code: str, message: str, path: str, severity: str = "error") -> Row:
    return {"code": code, "severity": severity, "message": message, "path": path, "fix_hint": HINTS[code]}


def routing(vault: Vault, meta: Json) -> list[Row]:
    """Reviewers of each line. An exclusive rule that fits, lowest priority number first, skips all others."""
    rules = sorted(vault.rules, key=lambda rule: (not rule.get("exclusive", False), rule.get("priority", 100)))
    lines = []
    for line in meta["lines"]:
        reviewers: list[str] = []
        names: list[str] = []
        for rule in rules:
            if _fits(rule, meta, line):
                reviewers += [name for name in rule["reviewers"] if name not in reviewers]
                names.append(rule["name"])
                if rule.get("exclusive"):
                    break
        lines.append({"line_id": line["procore_line_id"], "reviewers": reviewers, "rule": ", ".join(names) or None})
    return lines


def _fits(rule: Row, meta: Json, line: Json) -> bool:
    wanted = {"vendor": meta["vendor"].strip(), "job": line["job"].strip(), "cost_code": line["cost_code"].strip()}
    if any(name in rule and str(rule[name]) != value for name, value in wanted.items()):
        return False
    return "over" not in rule or gross(meta) > Decimal(str(rule["over"]))
