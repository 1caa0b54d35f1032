"""Sage Paperless by its other way in, the drop folder: its importer, the share, and what people do with both."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from simulators.kit.actions import BadAction
from simulators.kit.http import Request
from tests.mill import paperless_people as people
from tests.mill.people import Act, People
from tests.mill.site import Site
from tests.mill.workers import Place
from tests.mill.world import World

SYSTEM, WAY = "sage_paperless", "drop folder"
WELL = {"running": True, "slow_seconds": 0, "renames": False, "gone": False}


def works(site: Site) -> None:
    """The payment job and the importer."""
    site.simulators[SYSTEM].passing()


def disturb(site: Site, **wanted: Any) -> None:
    """How the importer and the share stand from now on."""
    headers = {"content-type": "application/json"}
    site.simulators[SYSTEM].handle(Request("POST", "/_sim/folder", [], headers, json.dumps(wanted).encode()))


def healed(site: Site) -> None:
    disturb(site, **WELL)
    site.act(SYSTEM, "start_job")  # what it has not found stands in no notice
    works(site)


def met(site: Site) -> dict[str, int]:
    """What the importer says of itself."""
    state = site.simulators[SYSTEM].data.folder
    return {"a reader renamed what was not complete": state.renamed, "the same stem was offered again": state.ignored}


# what people do


def stop_importer(p: People) -> Any:
    """Or start it again."""
    disturb(p.site, running=p.random.random() < 0.6)


def slow_importer(p: People) -> Any:
    """A finished stem lies for seconds, minutes, or longer than anybody waits."""
    disturb(p.site, slow_seconds=p.random.choice([0, 0, 5, 90, 600, 2400]))


def take_share(p: People) -> Any:
    """The share goes away, or comes back."""
    disturb(p.site, gone=p.random.random() < 0.4)


def rename_unfinished(p: People) -> Any:
    """A program beside us renames what has no mark yet."""
    disturb(p.site, renames=p.random.random() < 0.5)


def _place(p: People) -> Any:
    place = p.site.share / "sage300"
    if not place.is_dir():
        raise BadAction("the share is away")
    return place


def clear_folders(p: People) -> Any:
    """What was taken and refused is thrown away over there, as sites do."""
    for name in ("archive", "error"):
        shutil.rmtree(_place(p) / name)
        (_place(p) / name).mkdir()


def put_back(p: People) -> Any:
    """Refused files are put into the inbox again by hand, the mark last."""
    place = _place(p)
    mark = p.one(sorted((place / "error").glob("*.ready")))
    for ending in ("pdf", "csv", "json", "ready"):
        path = mark.with_suffix(f".{ending}")
        if path.exists():
            path.replace(place / "inbox" / people.QUEUES[0] / path.name)


def change_vault(p: People) -> Any:
    """The Procore window there; nothing of it is told by a folder."""
    behaviors = [one for one in people.BEHAVIORS if one != "manual_import"]
    behavior = p.random.choice(behaviors) if p.random.random() < 0.8 else "manual_import"
    return p.act(SYSTEM, "set_configuration", configuration={"import_behaviour": behavior})


def change_queue(p: People) -> Any:
    """Of ours."""
    return people.save(p, queue=p.random.choice(people.QUEUES))


INSTEAD: Mapping[Act, Act | None] = {
    people.change_vault: change_vault, people.change_behavior: change_queue, people.pick_invoices: None,
}  # fmt: skip
#: Beside what people do with any way in.
WEIGHTS: dict[Act, int] = {
    stop_importer: 3, slow_importer: 3, take_share: 4, rename_unfinished: 2, clear_folders: 1, put_back: 1,
}  # fmt: skip

STANDS: tuple[Place, ...] = (
    ("claimed", 1), ("answered procore GET /storage", 1), ("before_remote_write", 1), ("asking sage_paperless POST", 1),
    ("naming sitebooks", 1), ("named sitebooks", 1), ("dropped_part", 1), ("dropped_part", 2), ("dropped_part", 3),
    ("naming csv", 1), ("asking ready", 1), ("named ready", 1), ("answered sage_paperless POST", 1),
    ("asking sage_paperless GET", 2), ("answered sage_paperless GET", 2), ("outcome_stored", 1),
)  # fmt: skip
DIES: tuple[Place, ...] = (
    ("before_remote_write", 1), ("named sitebooks", 1), ("dropped_part", 1), ("dropped_part", 2), ("dropped_part", 3),
    ("asking ready", 1), ("named ready", 1), ("named ready", 1), ("answered sage_paperless POST", 1),
    ("answered sage_paperless GET", 2), ("before_commit", 1), ("outcome_stored", 1),
)  # fmt: skip
#: Paths of its own that every campaign must have taken.
REACHED = (
    "by way of drop folder", "killed at dropped_part", "killed at naming", "killed at named", "the share was away",
    "the share failed", "there was no fresh heartbeat", "the importer had not taken it yet", "the importer was stuck",
    "the importer refused an invoice", "what was archived was read back", "an answer was cleared away unseen",
    "a paid notice stopped a newer revision", "a reader renamed what was not complete",
)  # fmt: skip
#: What people ask for again when all is mended: the folder goes on by itself too, but takes up to a day.
ASKED = frozenset({
    "importer_answer_gone", "reader_interferes", "importer_stuck", "import_behavior_differs", "paperless_rejected",
})  # fmt: skip


def world(rest: World) -> World:
    """As over REST, but for what a folder has not, and for what only a folder has."""

    def options(limits: Mapping[str, int]) -> dict[str, Any]:
        return {**rest.options(limits)}

    def connection(number: int) -> dict[str, Any]:
        return {**rest.connection(number), "transport": "drop_folder"}

    every = {**people.WEIGHTS, **WEIGHTS}
    weights = {INSTEAD.get(act, act): weight for act, weight in every.items()}
    weighed = {act: weight for act, weight in weights.items() if act is not None}
    return replace(
        rest, way=WAY, shared=True, options=options, connection=connection, works=works, healed=healed, met=met,
        acts={act.__name__: act for act in weighed}, drawn=[act.__name__ for act, n in weighed.items() for _ in range(n)],
        stands=(rest.stands[0], STANDS), dies=(rest.dies[0], DIES), must_reach=REACHED, asks_held=True,
        asked_again=rest.asked_again | ASKED,
    )  # fmt: skip
