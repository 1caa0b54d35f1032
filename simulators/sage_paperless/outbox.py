"""What the drop folder tells: lists of what accounting accepts, and paid notices until they are acknowledged (contract C.4)."""

import csv
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path

from simulators.sage_paperless.references import KINDS
from simulators.sage_paperless.site import Site
from simulators.sage_paperless.store import Row, Vault

COLUMNS = (
    "PaymentId", "LinkDocumentID", "ProcoreInvoice", "CheckNumber", "CheckDate", "CheckAmount", "Method", "Voided", "SeenAt",
)  # fmt: skip
REFERENCES = ("value", "name", "parent", "active")


def work(site: Site, vault: Vault, place: Path) -> None:
    _references(vault, place / "state")
    folder = place / "outbox" / "payments"
    _acknowledged(vault, folder)
    _export(site, vault, folder)


def _references(vault: Vault, folder: Path) -> None:
    """Written when they differ from what lies there."""
    for kind in KINDS:
        rows = [[row["value"], row["name"] or "", row["parent"] or "", "true" if row["active"] else "false"]
                for row in vault.references.get(kind, [])]  # fmt: skip
        content, path = _csv(REFERENCES, rows), folder / f"reference-{kind}.csv"
        if not path.exists() or path.read_bytes() != content:
            _write(path, content)


def _csv(columns: tuple[str, ...], rows: list[list[str]]) -> bytes:
    text = StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([columns, *rows])
    return text.getvalue().encode()


def _write(path: Path, content: bytes) -> None:
    from simulators.sage_paperless.folder import write

    write(path, content)


def _acknowledged(vault: Vault, folder: Path) -> None:
    """A notice whose .ack is there has done its work: its rows are not repeated, its files are cleared away."""
    for ack in folder.glob("payments-*.ack"):
        notice = ack.with_suffix(".csv")
        if notice.exists():
            for row in csv.DictReader(StringIO(notice.read_text(encoding="utf-8"), newline="")):
                vault.acknowledged[row["PaymentId"]] = max(row["SeenAt"], vault.acknowledged.get(row["PaymentId"], ""))
        for ending in (".ready", ".csv", ".ack"):
            ack.with_suffix(ending).unlink(missing_ok=True)


def _export(site: Site, vault: Vault, folder: Path) -> None:
    """All rows that nobody acknowledged, in a new notice: when one of them is new, and again after a while."""
    rows = [row for row in vault.payments.values() if row["_found"] and vault.acknowledged.get(row["id"], "") < row["seen_at"]]
    if not rows:
        return
    lying = sorted(path.stem for path in folder.glob("payments-*.ready"))
    told = all(row.get("_exported") == row["seen_at"] for row in rows)
    last = _moment(lying[-1]) if lying else None
    if told and last is not None and site.now < last + timedelta(seconds=float(site.options["export_seconds"])):
        return
    moment = max(site.now, last + timedelta(microseconds=1)) if last else site.now
    name = f"payments-{moment:%Y%m%dT%H%M%S%fZ}"
    _write(folder / f"{name}.csv", _csv(COLUMNS, [_notice(vault, row) for row in rows]))
    _write(folder / f"{name}.ready", b"")
    for row in rows:
        row["_exported"] = row["seen_at"]


def _moment(stem: str) -> datetime:
    return datetime.strptime(stem + "+0000", "payments-%Y%m%dT%H%M%S%fZ%z")


def _notice(vault: Vault, row: Row) -> list[str]:
    procore = row["procore_invoice_id"] or ""
    link = f"procore:{vault.company_id}:{procore}" if procore else ""
    return [row["id"], link, procore, row["check_number"] or "", row["payment_date"], row["amount"], row["method"],
            "true" if row["voided"] else "false", row["seen_at"]]  # fmt: skip


