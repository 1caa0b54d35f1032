"""An invoice put into the vault: looked for first by its Procore id, imported once, refreshed while nobody works on it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

from connectors.calls import Answer, NotUnderstood, Request, Upload
from connectors.flow import Counted
from connectors.plan import ChangedThere, Done, Plan, Seen, Step
from connectors.ports import Client
from connectors.sage_paperless import rows
from connectors.sage_paperless.client import code_of, own
from objects.money import amount_of
from objects.problem import Problem, on_any, on_settings, on_snapshot

Held = dict[str, Any]
#: Times that one revision is sent where another one stands afterwards.
MOST_TRIES = 3
#: The adapter's refusals that have a name of their own here. Their texts stand in problems.yaml.
CODES = {
    "procore_licence_required": "procore_licence_required", "cloud_sync_licence_required": "cloud_sync_licence_required",
    "cloud_sync_not_running": "cloud_sync_not_running", "bridge_not_supported": "bridge_not_supported",
    "procore_not_connected": "vault_not_connected", "queue_unknown": "queue_unknown", "queue_required": "queue_unknown",
    "import_behaviour_mismatch": "import_behavior_differs", "attachment_required": "attachment_required",
    "procore_invoice_already_imported": "paperless_in_work", "invoice_not_unprocessed": "paperless_in_work",
    "importer_stuck": "importer_stuck", "reader_interferes": "reader_interferes",
    "site_down": "site_down", "document_torn": "document_torn", "torn": "document_torn",
    "incomplete": "document_torn", "importer_answer_gone": "importer_answer_gone",
    "invoice_paid": "paperless_paid", "document_must_be_single_pdf": "document_torn",
}  # fmt: skip


def paperless_invoice(held: Held, remote_id: str | None, key: str, version: str | None = None) -> Plan:
    """The adapter keeps one invoice per Procore id; we look before, too, for nobody else's books may get it twice.

    The revision that was sent must be the one that stands there at the end, else it is sent again. Where an importer refused
    it, the next step says so, and puts it there again once people were told.
    """
    if remote_id is None:
        step = _sending("import", "/invoices", held, f"{key}-import")
        done = yield replace(step, look=left(held), look_first=True, links=True)
    else:
        done = yield _standing("standing", remote_id, held, key)
    for tries in count(1):
        if not _current(done, held):
            done = yield _again(_numbered("refresh", tries), held, key, done)
        done = yield _taken(_numbered("taken", tries), done.remote_id, held, key, last=tries >= MOST_TRIES)
        if _current(done, held):
            break
    return done


def _numbered(name: str, tries: int) -> str:
    return name if tries == 1 else f"{name} {tries}"


def _current(done: Done, held: Held) -> bool:
    return done.data.get("revision") == _revision(held) and not done.data.get("refused")


def _standing(name: str, remote_id: str, held: Held, key: str) -> Step:
    """Read in a step of its own, so that a run that goes on after a stop replaces what was replaced before it."""
    request = Request("GET", f"/invoices/{remote_id}")
    return Step(name, request, f"{key}-{name}", lambda answer: _read(answer, held), explained(held), repeatable=True)


def _taken(name: str, remote_id: str, held: Held, key: str, last: bool) -> Step:
    def read(answer: Answer) -> Done:
        done = _watched(answer, held)
        if last and not _current(done, held) and not done.data.get("refused"):
            raise ChangedThere(done, f"revision {done.data['revision']} stands there, {_revision(held)} was sent")
        return done

    return replace(_standing(name, remote_id, held, key), read=read, amount=held["total"])


def _watched(answer: Answer, held: Held) -> Done:
    """With a word that is looked at again whenever its status there changes."""
    done = _read(answer, held)
    values = {"number": held["number"], "there": done.remote_id, "place": done.data["placement"].replace("_", " "),
              "status": str(answer.body.get("status") or "").replace("_", " ")}  # fmt: skip
    status = Problem("paperless_status", values, (on_snapshot("sage_paperless", "invoice", done.remote_id),))
    return replace(done, warnings=(status,))


def _again(name: str, held: Held, key: str, there: Done) -> Step:
    """A newer revision, taken while the invoice is unprocessed (S-22).

    What it replaces is part of its Idempotency-Key: going back to an earlier revision is not answered by that one's answer.
    """
    path = f"/invoices/{there.remote_id}/refresh"
    return replace(_sending(name, path, held, f"{key}-{there.version or name}"), repeatable=True)


def _sending(name: str, path: str, held: Held, key: str) -> Step:
    meta = held["metadata"]
    document = meta["document"]
    upload = Upload(document["sha256"], document["file_name"], field="file") if document else Upload("", "")
    request = Request("POST", path, body=meta, headers={"Idempotency-Key": f"{key}-{_revision(held)}"}, upload=upload)
    return Step(name, request, key, lambda answer: _read(answer, held), explained(held), amount=held["total"])


def _revision(held: Held) -> str:
    return str(held["metadata"]["procore_revision"])


def _read(answer: Answer, held: Held) -> Done:
    """The invoice as it stands there: the one that was sent, to the cent, with the document that was sent."""
    if not isinstance(answer.body, dict):
        raise NotUnderstood("invoice", "the answer is not a record")
    done = rows.done_of(answer.body)
    meta = held["metadata"]
    if done.data["procore_invoice_id"] != meta["procore_invoice_id"]:
        raise NotUnderstood("invoice.procore_invoice_id", f"{done.data['procore_invoice_id']} is not the one sent")
    if done.data["revision"] == _revision(held):
        if amount_of(done.data["gross"]) != amount_of(held["total"]):
            raise NotUnderstood("invoice.gross", f"{done.data['gross']} is not what was sent, {held['total']}")
        if meta["document"] and done.data["sha256"] != meta["document"]["sha256"]:
            raise NotUnderstood("invoice.document", "it is not the document that was sent")
    return done


def left(held: Held) -> Callable[[Client], Done | None]:
    """What an earlier try, or Sage Paperless itself, may have imported."""

    def look(client: Client) -> Done | None:
        for row in listed(client, held["metadata"]["procore_invoice_id"]):
            return rows.done_of(row)
        return None

    return look


def listed(client: Client, procore_invoice_id: str) -> list[Mapping[str, Any]]:
    """The vault's invoices of one Procore invoice: none or one."""
    pages = own(client).pages("/invoices", {"procore_invoice_id": procore_invoice_id})
    return [row for page in pages for row in page if row.get("procore_invoice_id") == procore_invoice_id]


def explained(held: Held) -> Callable[[Answer], Problem]:
    """The problem behind a refusal: its own code where we know it, else its text as received."""

    def explain(answer: Answer) -> Problem:
        code = code_of(answer)
        text = answer.reason or f"status {answer.status}"
        values = {"system": "Sage Paperless", "kind": "invoice", "number": held["number"], "vault": held["vault_id"],
                  "queue": str(held["queue"] or ""), "text": text, "reason": text}  # fmt: skip
        if answer.status == 404 and code in ("", "not_found"):
            return Problem("vanished_at_target", values)
        if answer.status == 403 and code in ("", "forbidden"):
            return Problem("permission_missing", values)
        named = CODES.get(code, "paperless_rejected")
        invoice_id = held["metadata"]["procore_invoice_id"]
        waits = (on_any("sage_paperless", "invoice"),) if named in ("paperless_in_work", "paperless_paid") else (on_settings(),)
        return Problem(named, values, (*waits, on_snapshot("procore", "invoice", invoice_id)))

    return explain


def sightings(client: Client, held: Mapping[str, Any], key: str) -> Sequence[Seen]:
    """Everything that stands there for this Procore invoice."""
    return [rows.seen_of(row) for row in listed(client, held["metadata"]["procore_invoice_id"])]


def counted(client: Client, projects: Sequence[str]) -> Iterator[Counted]:
    """Every imported invoice, anchored by the Procore invoice it was made of."""
    vault = own(client)
    for page in vault.pages("/invoices"):
        for row in page:
            seen = rows.seen_of(row)
            number = str((row.get("document") or {}).get("file_name") or seen.remote_id)
            amount, currency = seen.amount or rows.ZERO, vault.settings.currency
            yield Counted("invoice", "", seen.remote_id, number, seen.key or "", amount, currency)


PLANS: Mapping[str, Callable[..., Plan]] = {"paperless_invoice": paperless_invoice}
SIGHTINGS: Mapping[str, Callable[[Client, Mapping[str, Any], str], Sequence[Seen]]] = {"paperless_invoice": sightings}
