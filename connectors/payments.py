"""Payments made in accounting, on their way to Procore's Payments Issued: the same rules for every system that reports them."""

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any, Literal

from connectors.flow import Check, Flow, Need, Verdict, nothing
from connectors.plan import Step
from objects.invoice import Invoice
from objects.known import Known
from objects.money import text_of, total
from objects.payment import Payment
from objects.problem import Problem, on_link, on_settings, on_snapshot

Held = dict[str, Any]
#: Who writes payments to Procore, by the settings of the connection.
Writer = Callable[[Any], Literal["sitebooks", "product", "nobody"]]
Report = Callable[[Any, Verdict, str], Iterable[Step]]
#: What is said of a payment in Procore and may not change there any more once it came from accounting (Y-12).
FIXED = {"number": "number", "date": "date", "amount": "amount", "method": "method", "invoice_id": "invoice"}
#: Payments judged together: what is known of them, and what stands on their commitments, is then asked for once.
TOGETHER = 50


def flow(system: str, writer: Writer, report: Report = nothing) -> Flow:
    """The flow of one accounting system. Where the product writes payments itself, it is only seen to that they arrive."""
    return Flow(
        "payment", "to_procore", system, "procore", checks=checks(system), hold=hold(writer), protected_by="look_first",
        scope=scope(writer), needs=needs(system), report=report, batch=TOGETHER, reads_links=True,
        compared=lambda obj: Decimal("0.00") if obj.voided else obj.amount,
    )  # fmt: skip


def needs(system: str) -> Callable[[Payment], Iterator[Need]]:
    def named(obj: Payment) -> Iterator[Need]:
        yield Need("link", "payment", obj.source_id)
        if obj.invoice_id:
            yield Need("link", "invoice", obj.invoice_id)
            yield Need("snapshot", "invoice", obj.invoice_id, "procore")
            yield Need("find_invoice", "payment", obj.invoice_id, system)

    return named


def standing(obj: Payment, known: Known) -> str:
    """The Procore payment it became, or an empty text."""
    link = known.link("payment", obj.source_id)
    return (link.remote_id or "") if link else ""


def scope(writer: Writer) -> Callable[[Payment, Known], Problem | None]:
    """One writer (contract B.7), and only payments of invoices that came from Procore (G7)."""

    def stop(obj: Payment, known: Known) -> Problem | None:
        if standing(obj, known):
            return None
        if writer(known.settings) == "nobody":
            return Problem("payments_not_written", values_of(obj), (on_settings(),))
        if not obj.invoice_id:
            return Problem("payment_not_from_procore", values_of(obj))
        return Problem("payment_void_unsent", values_of(obj)) if obj.voided else None

    return stop


def values_of(obj: Payment, **more: str) -> dict[str, str]:
    """What the sentences about a payment may use."""
    return {"number": obj.number or obj.source_id, "amount": f"{obj.currency} {obj.amount:,.2f}", "date": obj.date.isoformat(),
            "invoice": obj.invoice_id, **more}  # fmt: skip


def checks(system: str) -> tuple[Check, ...]:
    """The rules; those of what stands in Procore already come first."""
    return (
        Check("not voided", "Y-12", voided),
        Check("as it was sent", "Y-12", unchanged),
        Check("invoice known", "Y-09", invoice_known),
        Check("invoice synced", "Y-09", invoice_synced),
        Check("currency", "Y-11", currency),
        Check("amount", "Y-11", positive),
        Check("not overpaid", "Y-17", not_overpaid(system)),
    )


def voided(obj: Payment, known: Known) -> Problem | None:
    """A synced payment cannot be edited in Procore, and is never deleted: people correct it there (Y-12)."""
    there = standing(obj, known)
    return Problem("payment_voided", values_of(obj, there=there), (on_settings(),)) if obj.voided and there else None


def unchanged(obj: Payment, known: Known) -> Problem | None:
    """What accounting corrected after it was sent stands otherwise in Procore: a task, not an overwriting."""
    link = known.link("payment", obj.source_id)
    if link is None or not link.remote_id or obj.voided or not link.data:
        return None
    now = _own(obj)
    differing = [
        f"{shown} {link.data.get(name)} became {now[name]}" for name, shown in FIXED.items() if link.data.get(name) != now[name]
    ]
    if not differing:
        return None
    return Problem("payment_changed_after_sync", values_of(obj, there=link.remote_id, fields=", ".join(differing)))


def _invoice(obj: Payment, known: Known) -> Invoice | None:
    found = known.snapshot("procore", "invoice", obj.invoice_id)
    return found if isinstance(found, Invoice) else None


def invoice_known(obj: Payment, known: Known) -> Problem | None:
    if standing(obj, known) or _invoice(obj, known) is not None:
        return None
    return Problem("payment_invoice_unknown", values_of(obj), (on_link("invoice", obj.invoice_id),))


def invoice_synced(obj: Payment, known: Known) -> Problem | None:
    """Only invoices that we brought to accounting (Y-09): another's payments are another's to write."""
    invoice = _invoice(obj, known)
    link = known.link("invoice", obj.invoice_id)
    if invoice is None or standing(obj, known) or (link is not None and link.remote_id):
        return None
    values = values_of(obj, invoice=invoice.number)
    return Problem("payment_invoice_not_synced", values, (on_link("invoice", obj.invoice_id),))


def currency(obj: Payment, known: Known) -> Problem | None:
    invoice = _invoice(obj, known)
    if invoice is None or standing(obj, known) or invoice.currency == obj.currency:
        return None
    values = values_of(obj, invoice=invoice.number, theirs=invoice.currency, ours=obj.currency)
    return Problem("payment_currency_differs", values, (on_settings(), on_snapshot("procore", "invoice", obj.invoice_id)))


def positive(obj: Payment, known: Known) -> Problem | None:
    if obj.amount > 0 or standing(obj, known):
        return None
    return Problem("payment_amount_not_positive", values_of(obj))


def not_overpaid(system: str) -> Callable[[Payment, Known], Problem | None]:
    """All payments together are at most the invoice; the one that passes it waits, those before it do not."""

    def check(obj: Payment, known: Known) -> Problem | None:
        invoice = _invoice(obj, known)
        if invoice is None or standing(obj, known):
            return None
        others = [one for one in known.about(system, "payment", obj.invoice_id) if one.source_id != obj.source_id]
        before = total(one.amount for one in others if not one.voided and _counts_before(one, obj, known))
        if before + obj.amount <= invoice.gross:
            return None
        values = values_of(obj, invoice=invoice.number, paid=text_of(before), total=text_of(invoice.gross))
        waits = [on_snapshot(system, "payment", one.source_id) for one in others]
        return Problem("payment_over_invoice", values, (on_snapshot("procore", "invoice", obj.invoice_id), *waits))

    return check


def _counts_before(one: Payment, obj: Payment, known: Known) -> bool:
    """What stands in Procore or may stand there, whatever its date, and what goes first. What is no payment, such as a credit,
    is not written: it makes no room."""
    link = known.link("payment", one.source_id)
    there = link is not None and (bool(link.remote_id) or link.doubtful)
    return there or (one.amount > 0 and (one.date, one.source_id) < (obj.date, obj.source_id))


def hold(writer: Writer) -> Callable[[Payment, Known, str], Held]:
    """What Procore should hold. What stands there stays as it was sent: nothing of it can change (Y-12 to Y-15)."""

    def held(obj: Payment, known: Known, key: str) -> Held:
        link = known.link("payment", obj.source_id)
        if link is not None and link.remote_id and link.data:
            return dict(link.data)
        invoice = _invoice(obj, known)
        return {
            "as": "contract_payment" if writer(known.settings) == "sitebooks" else "awaited_payment",
            **_own(obj), "total": text_of(obj.amount), "currency": obj.currency,
            "invoice_number": invoice.number if invoice else "", "project_id": invoice.project_id if invoice else "",
            "contract_id": (invoice.order_id or "") if invoice else "",
        }  # fmt: skip

    return held


def _own(obj: Payment) -> Held:
    return {"number": obj.number, "date": obj.date.isoformat(), "amount": text_of(obj.amount), "method": obj.method,
            "invoice_id": obj.invoice_id}  # fmt: skip

