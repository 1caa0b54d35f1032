"""The drop folder (contract part C): the importer that reads it, and how people disturb it (/_sim/folder)."""

import contextlib
import json
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulators.kit.http import Request, Response
from simulators.sage_paperless import imports, index, invoices, outbox
from simulators.sage_paperless.multipart import File
from simulators.sage_paperless.problems import Refusal
from simulators.sage_paperless.site import Site
from simulators.sage_paperless.store import Row, Vault, stamp

if TYPE_CHECKING:
    from simulators.sage_paperless.core import SagePaperless

PARTS = ("pdf", "csv", "json")  # and .ready, which says that they are complete
RENAMED = ".scanned"
GONE = ".gone"


class Incomplete(Exception):
    """A stem says that it is ready, and a file of it is not there."""


def root(site: Site) -> Path:
    return Path(str(site.options["folder"]))


def work(site: Site) -> None:
    """One round: the tree, what people write back, the inboxes, and the heartbeat. Nothing while it is stopped or gone."""
    state, now = site.store.folder, site.now.timestamp()
    if state.gone or not state.running or now < state.last_run + float(site.options["importer_seconds"]):
        return
    state.last_run = now
    beat = not 0 <= now - state.last_beat < float(site.options["heartbeat_seconds"])
    for vault in site.store.vaults.values():
        if not vault.supported:
            continue
        try:
            _round(site, vault, root(site) / vault.id, beat)
        except OSError as error:  # the share is taken away or shut in the middle: the next round looks again
            state.trouble = f"{type(error).__name__}: {error}"
    state.last_beat = now if beat else state.last_beat


def _round(site: Site, vault: Vault, place: Path, beat: bool) -> None:
    _tree(place, vault)
    _inbox(site, vault, place)
    outbox.work(site, vault, place)
    if beat:
        write(place / "state" / "heartbeat.json", json.dumps({"at": stamp(site.now), "vault": vault.id}).encode())


def _tree(place: Path, vault: Vault) -> None:
    for name in ("archive", "error", "outbox/payments", "state", *(f"inbox/{queue['id']}" for queue in vault.queues)):
        (place / name).mkdir(parents=True, exist_ok=True)


def write(path: Path, content: bytes) -> None:
    """A reader never sees half of it."""
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(content)
    part.replace(path)


def _inbox(site: Site, vault: Vault, place: Path) -> None:
    state, now = site.store.folder, site.now.timestamp()
    for queue in sorted(path for path in (place / "inbox").iterdir() if path.is_dir()):
        names = {path.name for path in queue.iterdir()}
        for name in sorted(names):
            stem, _, ending = name.rpartition(".")
            if ending == "ready" and not name.startswith("."):
                first = state.first_seen.setdefault(f"{vault.id}/{name}", now)
                if now >= first + state.slow_seconds:
                    _stem(site, vault, place, queue, stem)
            elif state.renames and not name.endswith(RENAMED) and f"{stem}.ready" not in names:
                with contextlib.suppress(FileNotFoundError):  # the writer was quicker
                    (queue / name).rename(queue / f"{name}{RENAMED}")
                    state.renamed += 1


def _stem(site: Site, vault: Vault, place: Path, queue: Path, stem: str) -> None:
    """Reads one import and moves it away; what only has to wait stays."""
    state = site.store.folder
    state.first_seen.pop(f"{vault.id}/{stem}.ready", None)
    if stem in vault.stems:  # the same stem again is ignored (C.3); or the move was not finished
        state.ignored += 1
        for ending in (*PARTS, "ready"):
            (queue / f"{stem}.{ending}").unlink(missing_ok=True)
        return
    content: Any = None
    try:
        content, files = _read(queue, stem)
        state.read += 1
        _import(site, vault, queue, stem, content, files)
    except Incomplete as error:
        state.incomplete += 1
        _away(site, vault, place, queue, stem, {"code": "incomplete", "message": str(error)})
    except index.Torn as error:
        state.torn += 1
        _away(site, vault, place, queue, stem, {"code": "torn", "message": str(error)})
    except index.Wrong as error:
        _away(site, vault, place, queue, stem, {"code": "index_mismatch", "message": str(error)})
    except Refusal as refusal:
        if refusal.http_status() == 503:  # cloud sync is stopped: nothing is wrong with the files
            return
        if refusal.code == "document_must_be_single_pdf":
            state.torn += 1
        invoices.remember(vault, content, refusal)
        _away(site, vault, place, queue, stem, {"code": refusal.code, "message": refusal.detail})
    else:
        _away(site, vault, place, queue, stem, None)


def _read(queue: Path, stem: str) -> tuple[Any, dict[str, bytes]]:
    """Metadata and bytes. Raises Incomplete, Torn."""
    try:
        files = {ending: (queue / f"{stem}.{ending}").read_bytes() for ending in PARTS}
    except FileNotFoundError as error:
        raise Incomplete(f"{Path(str(error.filename)).name} is missing") from error
    try:
        content = json.loads(files["json"], parse_float=Decimal)
    except (ValueError, UnicodeDecodeError) as error:
        raise index.Torn(f"the metadata cannot be read: {error}") from error
    return content, files


def _import(site: Site, vault: Vault, queue: Path, stem: str, content: Any, files: dict[str, bytes]) -> None:
    rows = index.read(files["csv"])
    into = vault.queue(queue.name)
    if into is None:
        raise Refusal("queue_unknown", f"There is no queue {queue.name}.")
    meta = imports.gate(vault, content)
    imports.check_files(meta, (File(f"{stem}.pdf", "application/pdf", files["pdf"]),))
    index.check(stem, rows, meta, (vault.id, vault.name), (into["id"], into["name"]))
    imports.take(site, vault, meta, files["pdf"], rows[0]["LinkDocumentID"], into["id"])


def _away(site: Site, vault: Vault, place: Path, queue: Path, stem: str, refused: Row | None) -> None:
    """The mark goes last, so that whoever sees it gone finds everything in its new place."""
    to = place / ("error" if refused else "archive")
    if refused:
        body = json.dumps(refused | {"at": stamp(site.now)}).encode()
        write(to / f"{stem}.err.json", body)
    for ending in (*PARTS, "ready"):
        if (queue / f"{stem}.{ending}").exists():
            (queue / f"{stem}.{ending}").replace(to / f"{stem}.{ending}")
    vault.stems[stem] = to.name


# What tests and people do with it.


def show(simulator: "SagePaperless", request: Request) -> Response:
    """GET /_sim/folder: how the importer stands, what it met, and what lies where."""
    site = simulator.site()
    state = {name: value for name, value in asdict(site.store.folder).items() if name != "first_seen"}
    place = root(site)
    names = ("inbox", "archive", "error", "outbox")
    lying = {
        vault.id: {name: len(list((place / vault.id).glob(f"{name}/**/*.ready"))) for name in names}
        for vault in site.store.vaults.values()
        if site.options["folder"] and vault.supported
    }
    return Response.of(200, {"folder": str(site.options["folder"]), **state, "vaults": lying})


def change(simulator: "SagePaperless", request: Request) -> Response:
    """POST /_sim/folder: {"running", "slow_seconds", "renames", "gone"}, any of them."""
    state, wanted = simulator.data.folder, request.json()
    kinds: dict[str, Any] = {"running": bool, "slow_seconds": float, "renames": bool, "gone": bool}
    unknown = sorted(set(wanted) - set(kinds))
    if unknown:
        raise LookupError(f"no {', '.join(unknown)} here; known: {', '.join(kinds)}")
    place = root(simulator.site())
    if "gone" in wanted and bool(wanted["gone"]) != state.gone:
        here, there = place, place.with_name(place.name + GONE)
        (here if wanted["gone"] else there).replace(there if wanted["gone"] else here)
    for name, value in wanted.items():
        setattr(state, name, kinds[name](value))
    return show(simulator, request)


CONTROLS = {("GET", "folder"): show, ("POST", "folder"): change}
