"""The share of a run: whatever is named or read there is a place where its sender may be stopped or killed, or where it fails."""

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.mill.run import Run

#: How often the other side is at work at the very moment in which a file gets its name.
BESIDE = {"calm": 0.0, "mild": 0.1, "rough": 0.3, "brutal": 0.6}
#: After the last look at the clock: whoever stands still there for long is dead, as with a request on its way.
MARK = "ready"
#: A share that hangs for so long.
HANGS = 61
#: What is said of an answer, as the name of a path that was reached by it (I13).
SAID = {
    "is not there": "the share was away", "heartbeat": "there was no fresh heartbeat",
    "was not taken": "the importer was stuck", "not taken it yet": "the importer had not taken it yet",
    "renamed by another": "a reader never let go", "paid notice": "a paid notice stopped a newer revision",
    "did not confirm": "the share did not confirm the mark", "cannot be used": "the share failed",
}  # fmt: skip


class Share:
    """Of all companies of a run; nothing happens in it where none has one. Its troubles are those of the run's requests."""

    def __init__(self, run: "Run") -> None:
        self.run, self.random = run, Random(run.troubles["seed"])
        self.rates = dict(run.troubles["requests"])
        self.beside = BESIDE[run.troubles["level"]]

    def heal(self) -> None:
        """Nothing goes wrong with it any more."""
        self.rates, self.beside = {}, 0.0

    def work(self) -> None:
        """What the other side does there by itself."""
        for site in self.run.sites:
            site.world.works(site)

    def named(self, path: Path, name: Callable[[], None]) -> None:
        """One file gets its name; whoever works beside us comes just before or just after."""
        what = _what(path)
        self._point("asking" if what == MARK else "naming", what)
        if self._strikes("delay"):
            self.run.time.pass_(HANGS)
        self._fails("drop_before", errno.EIO)
        name()
        self._fails("drop_after", errno.EIO)
        self._point("named", what)

    def touched(self, part: Path) -> None:
        """As late as it is in the run."""
        now = self.run.time.now().timestamp()
        os.utime(part, (now, now))

    def synced(self) -> None:
        self._fails("reset_connection", errno.ESTALE)

    def read(self) -> None:
        self._fails("status 503", errno.ETIMEDOUT)

    def asked(self, about: str, ask: Callable[[], Any]) -> Any:
        """One request carried out there."""
        self.run.workers.point("asking", about)
        answer = ask()
        self.run.note(f"  {about} -> {answer.outcome} {answer.reason or ''}".replace(str(self.run.place.folder), "").rstrip())
        self._count(about, answer)
        self.run.workers.point("answered", about)
        return answer

    def _count(self, about: str, answer: Any) -> None:
        for part, path in SAID.items():
            self.run.paths[path] += part in (answer.reason or "")
        row = answer.body if isinstance(answer.body, dict) else {}
        if " GET " in about and row.get("refused") == "importer_answer_gone":
            self.run.paths["an answer was cleared away unseen"] += 1
        elif " GET " in about and row.get("refused"):
            self.run.paths["the importer refused an invoice"] += 1
        elif " GET " in about and row.get("status"):
            self.run.paths["what was archived was read back"] += 1

    def _point(self, name: str, what: str) -> None:
        if self.run.workers.current() is not None and self.random.random() < self.beside:
            self.work()
        self.run.workers.point(name, what)

    def _fails(self, trouble: str, number: int) -> None:
        if self._strikes(trouble):
            raise OSError(number, os.strerror(number))

    def _strikes(self, trouble: str) -> bool:
        rate = self.rates.get(trouble, 0.0)
        struck = rate > 0 and self.run.workers.current() is not None and self.random.random() < rate
        self.run.paths[f"share: {trouble}"] += struck
        return struck


def _what(path: Path) -> str:
    """The ending of one of the four files, else the folder that it is kept in."""
    return path.suffix[1:] if path.parent.parent.name == "inbox" else f"{path.parent.parent.name} {path.parent.name}"


def install(running: Callable[[], "Run"]) -> None:
    """Takes hold of the drop folder's client, and of how files get their names and stay."""
    from connectors.sage_paperless import dropping, ledger, notices
    from connectors.sage_paperless.folder import FolderClient
    from connectors.sage_paperless.history import History

    name, mark, sync = dropping.name_once, dropping.mark, dropping.sync_folder
    send, pages, of = FolderClient.send, FolderClient.pages, History.of

    def named(part: Path, path: Path) -> None:
        running().share.touched(part)
        running().share.named(path, lambda: name(part, path))

    def marked(path: Path) -> None:
        running().share.named(path, lambda: mark(path))

    def synced(folder: Path) -> None:
        running().share.synced()
        sync(folder)

    def looked(self: History, invoice: str) -> Any:
        running().share.read()
        return of(self, invoice)

    def sent(self: FolderClient, request: Any) -> Any:
        return running().share.asked(f"sage_paperless {request.method} {request.path}", lambda: send(self, request))

    def listed(self: FolderClient, path: str, params: Any = None) -> Iterator[list[dict[str, Any]]]:
        run, about = running(), f"sage_paperless GET {path}"
        run.workers.point("asking", about)
        for rows in pages(self, path, params):
            run.note(f"  {about} -> {len(rows)}")
            run.workers.point("answered", about)
            yield rows

    dropping.name_once, notices.mark = named, marked
    for module in (dropping, ledger, notices):
        module.sync_folder = synced  # type: ignore[attr-defined]
    History.of = looked  # type: ignore[method-assign]
    FolderClient.send, FolderClient.pages = sent, listed  # type: ignore[method-assign]
