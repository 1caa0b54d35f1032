"""What `why` says of an invoice's combined document and of what was paid of it."""

from dataclasses import asdict
from typing import Any

from cli.output import Output
from cli.rows import money
from objects.money import text_of
from sync.views import Record, state_word


def tell_papers(out: Output, seen: Record) -> None:
    """Both, where there are any."""
    _document(out, seen)
    _paid(out, seen)


def _document(out: Output, seen: Record) -> None:
    paper = seen.document
    if paper is None:
        return
    out.heading("Document")
    if paper.sha256:
        out.say(f"One PDF of {_counted(paper.pages, 'page')} is made of {_counted(len(paper.parts), 'file')}:")
    else:
        out.say(f"No document has been made of {', '.join(paper.files)}.")
    for part in paper.parts:
        last = f" to {part.last_page}" if part.last_page > part.first_page else ""
        out.bullet(f"page{'s' if last else ''} {part.first_page}{last}: {part.name}", "✓", "ok")
    for one in paper.left_out:
        out.bullet(f"{one.name} is not part of it. {one.reason}.", "!", "warn")


def _paid(out: Output, seen: Record) -> None:
    paid, currency = seen.paid, seen.row.currency
    if paid is None:
        return
    out.heading(f"Paid of invoice {paid.number}")
    of = f" of {money(currency, paid.total)}" if paid.total is not None else ""
    kept = f"; {money(currency, paid.retained)} of it is held back as retainage" if paid.retained and paid.retained > 0 else ""
    out.say(f"{money(currency, paid.paid)}{of} is paid in accounting{kept}.")
    for one in paid.payments:
        there = f"payment {one.there} in Procore" if one.there else "not in Procore"
        voided = ", voided in accounting" if one.voided else ""
        mark, style = ("✓", "ok") if one.state == "synced" else ("!", "warn")
        said = f"{one.number} of {one.date}, {money(currency, one.amount)}: {there}{voided} ({state_word(one.state).lower()})"
        out.bullet(said, mark, style)


def _counted(count: int, word: str) -> str:
    return f"{count} {word}" + ("" if count == 1 else "s")


def papers_plain(seen: Record) -> dict[str, Any]:
    """As `why --json` has them; null where there are none."""
    paid = seen.paid
    return {
        "document": asdict(seen.document) if seen.document else None,
        "paid": None if paid is None else {
            "invoice": paid.number,
            "total": None if paid.total is None else text_of(paid.total),
            "paid": text_of(paid.paid),
            "payments": [{**asdict(one), "amount": text_of(one.amount), "date": one.date.isoformat()} for one in paid.payments],
        },
    }  # fmt: skip
