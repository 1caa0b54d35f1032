"""What a person can do in Sage Paperless and in accounting, by natural references (POST /_sim/act)."""

from collections.abc import Callable
from decimal import Decimal
from functools import wraps
from typing import TYPE_CHECKING, Any

from simulators.kit.actions import Actions, BadAction
from simulators.sage_paperless import configuration, connection, imports, invoices, jobs, payments
from simulators.sage_paperless.problems import Refusal
from simulators.sage_paperless.site import Site
from simulators.sage_paperless.store import JOBS, Row, Vault, money, public

if TYPE_CHECKING:
    from simulators.sage_paperless.core import SagePaperless

actions = Actions()


def person(act: Callable[..., Any]) -> Callable[..., Any]:
    """Registers an action in a vault, the first unless one is named; a refusal is told to the person in a sentence."""

    @wraps(act)
    def run(simulator: "SagePaperless", vault: str = "", **args: Any) -> Any:
        found = next((one for one in simulator.data.vaults.values() if vault in ("", one.id, one.name)), None)
        if found is None:
            raise BadAction(f"no vault {vault}")
        simulator.as_person(f"/{act.__name__}", found)
        try:
            return act(simulator.site(), found, **args)
        except Refusal as refusal:
            raise BadAction(str(refusal)) from refusal
        except ArithmeticError as error:
            raise BadAction("an amount is not a number") from error
        except LookupError as error:
            raise BadAction(str(error)) from error
        finally:
            simulator.enter_changes()

    return actions.add(_with_vault(run, act))


def _with_vault(run: Callable[..., Any], act: Callable[..., Any]) -> Callable[..., Any]:
    """The form shows the action's own fields and the vault."""
    import inspect

    signature = inspect.signature(act)
    own = list(signature.parameters.values())[2:]
    first = inspect.Parameter("simulator", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    last = inspect.Parameter("vault", inspect.Parameter.KEYWORD_ONLY, default="", annotation=str)
    keyword = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
    run.__signature__ = inspect.Signature([first, *keyword, last])  # type: ignore[attr-defined]
    return run


def invoice_called(vault: Vault, named: str) -> Row:
    """By its id, its Procore id or its number."""
    for row in vault.invoices.values():
        if str(named) in (row["id"], row["procore_invoice_id"], row["_meta"]["invoice_number"]):
            return row
    raise LookupError(f"no invoice {named} in {vault.name}")


def payment_called(vault: Vault, named: str) -> Row:
    """By its id or its check number."""
    for row in vault.payments.values():
        if str(named) in (row["id"], row["check_number"]):
            return row
    raise LookupError(f"no payment {named} in {vault.name}")


def decide(site: Site, vault: Vault, row: Row, status: str, allowed: tuple[str, ...], event: str = "") -> Row:
    if row["status"] not in allowed:
        raise BadAction(f"{row['id']} is {row['status']}")
    row["status"] = status
    imports.touch(site, vault, row)
    site.store.note(vault, "invoices", row["_key"], row["id"], "updated")
    if event:
        imports.tell(site, vault, event, row)
    return public(row)


@person
def pick_invoice(site: Site, vault: Vault, invoice: dict[str, Any]) -> Row:
    """Procore Import on the open entry screen: the picked invoice, as the import's metadata; without its files (S-26, S-27)."""
    meta = imports.gate(vault, {"mode": "manual", "document": None} | invoice)
    row, _ = imports.take(site, vault, meta, None, meta["procore_invoice_id"])
    return public(row)


@person
def start_work(site: Site, vault: Vault, invoice: str) -> Row:
    """Open an imported invoice and begin to code it: Procore's newer revisions are no longer taken."""
    return decide(site, vault, invoice_called(vault, invoice), "incomplete", ("unprocessed",))


@person
def route_invoice(site: Site, vault: Vault, invoice: str) -> Row:
    """Validate and route an invoice again."""
    row = invoice_called(vault, invoice)
    invoices.route(site, vault, row)
    return public(row)


@person
def approve_invoice(site: Site, vault: Vault, invoice: str) -> Row:
    """Approve an invoice; one that does not pass validation cannot be approved."""
    row = invoice_called(vault, invoice)
    imports.judge(site, vault, row)
    if not row["validation"]["passed"]:
        raise BadAction("; ".join(one["message"] for one in row["validation"]["findings"] if one["severity"] == "error"))
    allowed = ("unprocessed", "incomplete", "pending", "on_hold", "rejected")
    return decide(site, vault, row, "approved", allowed, "invoice.approved")


@person
def reject_invoice(site: Site, vault: Vault, invoice: str) -> Row:
    """Reject an invoice."""
    allowed = ("unprocessed", "incomplete", "pending", "on_hold", "approved")
    return decide(site, vault, invoice_called(vault, invoice), "rejected", allowed, "invoice.rejected")


@person
def hold_invoice(site: Site, vault: Vault, invoice: str) -> Row:
    """Put an invoice on hold."""
    return decide(site, vault, invoice_called(vault, invoice), "on_hold", ("unprocessed", "incomplete", "pending", "approved"))


@person
def void_invoice(site: Site, vault: Vault, invoice: str) -> Row:
    """Void an invoice."""
    return decide(site, vault, invoice_called(vault, invoice), "void", invoices.STATUSES[:-1])


@person
def export_invoice(site: Site, vault: Vault, invoice: str) -> Row:
    """Export an approved invoice to accounting."""
    row = invoice_called(vault, invoice)
    if row["status"] == "approved":
        row["accounting_reference"] = f"AP-{site.store.number('accounting'):06d}"
    return decide(site, vault, row, "exported", ("approved",), "invoice.exported")


@person
def pay_invoice(
    site: Site, vault: Vault, invoice: str, amount: str = "", check: str = "", date: str = "", method: str = "check"
) -> Row:
    """Pay an invoice in accounting, in full or an amount; what is still to be approved and exported is, first."""
    row = invoice_called(vault, invoice)
    if row["status"] not in ("approved", "exported", "paid"):
        approve_invoice_now(site, vault, row)
    if row["status"] == "approved":
        row["accounting_reference"] = f"AP-{site.store.number('accounting'):06d}"
        decide(site, vault, row, "exported", ("approved",), "invoice.exported")
    left = payments.due(row) - payments.paid(vault, row)
    fields = _payment(site, vault, amount or money(left), check, date, method)
    return public(payments.enter(site, vault, row["id"], row["procore_invoice_id"], fields))


def approve_invoice_now(site: Site, vault: Vault, row: Row) -> None:
    imports.judge(site, vault, row)
    if not row["validation"]["passed"] or row["status"] == "void":
        raise BadAction(f"{row['id']} is {row['status']} and does not pass validation or is void: it cannot be paid")
    decide(site, vault, row, "approved", ("unprocessed", "incomplete", "pending", "on_hold", "rejected"), "invoice.approved")


@person
def pay_other(
    site: Site, vault: Vault, amount: str, check: str = "", date: str = "", method: str = "check", procore_invoice_id: str = ""
) -> Row:
    """Pay an invoice that was entered by hand; with a Procore invoice id, one that nobody imported here."""
    fields = _payment(site, vault, amount, check, date, method)
    local = f"local-{site.store.number('local'):06d}"
    return public(payments.enter(site, vault, local, procore_invoice_id or None, fields))


def _payment(site: Site, vault: Vault, amount: str, check: str, date: str, method: str) -> Row:
    if method not in ("check", "electronic", "credit_card", "other"):
        raise BadAction(f"no method {method}")
    number = check or f"{10000 + site.store.number(f'check {vault.id}')}"
    return {"amount": payments.amount_of(amount), "check_number": number, "method": method,
            "payment_date": str(date) or site.now.date().isoformat()}  # fmt: skip


@person
def void_payment(site: Site, vault: Vault, payment: str) -> Row:
    """Void a payment, by its id or check number."""
    row = payment_called(vault, payment)
    if row["voided"]:
        raise BadAction(f"{row['id']} is void already")
    payments.change(site, vault, row, {"voided": True})
    return public(row)


@person
def edit_payment(
    site: Site, vault: Vault, payment: str, check: str = "", date: str = "", method: str = "", amount: str = ""
) -> Row:
    """Correct a payment's check number, date, method or amount."""
    row = payment_called(vault, payment)
    given = {"check_number": check, "payment_date": str(date), "method": method}
    given["amount"] = payments.amount_of(amount) if amount else ""
    payments.change(site, vault, row, {name: value for name, value in given.items() if value})
    return public(row)


@person
def start_job(site: Site, vault: Vault, name: str = "payment_backfill") -> None:
    """Configure and start a job: payment_backfill, procore_import or cloud_sync."""
    jobs.start(site, vault, _job(name))


@person
def stop_job(site: Site, vault: Vault, name: str = "payment_backfill") -> None:
    """Stop a job."""
    jobs.stop(site, vault, _job(name))


@person
def remove_job(site: Site, vault: Vault, name: str = "payment_backfill") -> None:
    """Take a job's configuration away."""
    jobs.stop(site, vault, _job(name))
    vault.jobs[name]["configured"] = False


def _job(name: str) -> str:
    if name not in JOBS:
        raise BadAction(f"no job {name}; known: {', '.join(JOBS)}")
    return name


@person
def stop_cloud_sync(site: Site, vault: Vault) -> None:
    """Stop the cloud sync service."""
    jobs.stop(site, vault, "cloud_sync")


@person
def start_cloud_sync(site: Site, vault: Vault) -> None:
    """Start the cloud sync service."""
    jobs.start(site, vault, "cloud_sync")


@person
def take_licence(site: Site, vault: Vault, licence: str = "procore") -> None:
    """Take a licence away: procore or cloud_sync."""
    _licence(vault, licence, False)


@person
def give_licence(site: Site, vault: Vault, licence: str = "procore") -> None:
    """Enter a licence: procore or cloud_sync."""
    _licence(vault, licence, True)


def _licence(vault: Vault, licence: str, held: bool) -> None:
    if licence not in vault.licences:
        raise BadAction(f"no licence {licence}")
    vault.licences[licence] = held


@person
def lose_connection(site: Site, vault: Vault) -> None:
    """Procore no longer takes the vault's sign-in."""
    connection.lose(site, vault)


@person
def connect_procore(site: Site, vault: Vault, email: str = "office@kauri.example") -> None:
    """Grant access to Procore, as on its sign-in page."""
    if not vault.supported:
        raise BadAction(f"{vault.name} shows no Procore Configuration")
    connection.connect(site.store, vault, email)


@person
def disconnect_procore(site: Site, vault: Vault) -> None:
    """Forget the connection and free the company."""
    connection.drop(site.store, vault)


@person
def set_configuration(site: Site, vault: Vault, configuration: dict[str, Any]) -> Row:
    """OK on the Procore window: any of its fields; all or nothing."""
    known = {row["procore_company_id"] for row in site.store.procore_companies}
    _save(site, vault, vault.configuration | {"queue_id": vault.queues[0]["id"]} | configuration, known)
    return dict(vault.configuration)


def _save(site: Site, vault: Vault, wanted: Row, known: set[str]) -> None:
    if not vault.supported or not vault.licences["procore"]:
        raise BadAction(f"{vault.name} shows no Procore Configuration, or asks for a licence")
    wanted.setdefault("procore_company_id", min(known))
    configuration.save(site.store, vault, wanted)


@person
def rename_vendor(site: Site, vault: Vault, name: str, to: str) -> None:
    """Rename a vendor in accounting, with its commitments."""
    _reference(vault, "vendor", name)["value"] = to
    for row in vault.references["commitment"]:
        row["parent"] = to if row["parent"] == name else row["parent"]


@person
def set_reference(site: Site, vault: Vault, kind: str, value: str, active: bool = True, parent: str = "") -> None:
    """Enter a vendor, commitment, job or cost_code in accounting, or make it active or inactive."""
    found = next((row for row in vault.references.get(kind, []) if row["value"] == str(value)), None)
    if kind not in vault.references:
        raise BadAction(f"no kind {kind}")
    if found is None:
        found = {"kind": kind, "value": str(value), "name": None, "parent": parent or None, "active": active, "_lines": 0}
        vault.references[kind].append(found)
    found.update(active=active, parent=parent or found["parent"])


@person
def remove_reference(site: Site, vault: Vault, kind: str, value: str) -> None:
    """Delete a vendor, commitment, job or cost_code in accounting."""
    vault.references[kind].remove(_reference(vault, kind, value))


def _reference(vault: Vault, kind: str, value: str) -> Row:
    for row in vault.references.get(kind, []):
        if row["value"] == str(value):
            return row
    raise LookupError(f"no {kind} {value}")


@person
def set_rules(site: Site, vault: Vault, rules: list[dict[str, Any]]) -> None:
    """Routing rules: {name, reviewers, vendor, job, cost_code, over, exclusive, priority}."""
    for rule in rules:
        if not rule.get("name") or not isinstance(rule.get("reviewers"), list):
            raise BadAction("a rule needs a name and reviewers")
        Decimal(str(rule.get("over", 0)))
    vault.rules = [dict(rule) for rule in rules]


@person
def close_periods(site: Site, vault: Vault, before: str) -> None:
    """Close accounting before a date, such as 2026-11-01; an empty one opens all."""
    vault.closed_before = str(before)


@person
def add_queue(site: Site, vault: Vault, id: str, name: str) -> None:
    """Add a queue."""
    vault.queues.append({"id": id, "name": name, "active": True})
