"""The share of a run: whatever is named or read there is a place where its sender may be stopped or killed."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.mill.run import Run


class Share:
    """Of all companies of a run; nothing happens in it where none has one."""

    def __init__(self, run: "Run") -> None:
        self.run = run
        self.random = Random(run.troubles["seed"])

    def work(self) -> None:
        """What the other side does there by itself."""
        for site in self.run.sites:
            site.world.works(site)

    def heal(self) -> None:
        """Nothing goes wrong with it any more."""

    def named(self, part: Path, path: Path, name: Callable[[Path, Path], None]) -> None:
        """One file gets its name, at the run's time."""
        what = _what(path)
        self.run.workers.point("naming", what)
        now = self.run.time.now().timestamp()
        os.utime(part, (now, now))
        name(part, path)
        self.run.workers.point("named", what)


def _what(path: Path) -> str:
    """The ending of one of the four files, else the folder that it is kept in."""
    return path.suffix[1:] if path.parent.parent.name == "inbox" else path.parent.name


def install(running: Callable[[], "Run"]) -> None:
    """Takes hold of the drop folder's client and of how its files get their names."""
    from connectors.sage_paperless import dropping
    from connectors.sage_paperless.folder import FolderClient

    name, send, pages = dropping.name_once, FolderClient.send, FolderClient.pages

    def named(part: Path, path: Path) -> None:
        running().share.named(part, path, name)

    def sent(self: FolderClient, request: Any) -> Any:
        run, about = running(), f"sage_paperless {request.method} {request.path}"
        run.workers.point("asking", about)
        answer = send(self, request)
        run.note(f"  {about} -> {answer.outcome}")
        run.workers.point("answered", about)
        return answer

    def listed(self: FolderClient, path: str, params: Any = None) -> Iterator[list[dict[str, Any]]]:
        run, about = running(), f"sage_paperless GET {path}"
        run.workers.point("asking", about)
        for rows in pages(self, path, params):
            run.note(f"  {about} -> {len(rows)}")
            run.workers.point("answered", about)
            yield rows

    dropping.name_once = named
    FolderClient.send, FolderClient.pages = sent, listed  # type: ignore[method-assign]
