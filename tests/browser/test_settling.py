"""What only a person decides, as they see and press it: in doubt, in conflict, unusually many, stopped."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from models import session
from sync import heartbeat
from sync.stops import stop
from tests.browser.conftest import Console
from tests.browser.test_console import Seen

#: Where pictures go when somebody wants to look at them.
SHOTS = os.environ.get("SITEBOOKS_SHOTS", "")
DIFFERING = [
    ["title", "Concrete", "Concrete, urgent", "Concrete and pumping"],
    ["order date", "2026-11-02", "2026-11-09", "2026-11-02"],
]


class Settled:
    """Records of the demo company as the engine leaves them when it cannot decide."""

    def __init__(self, console: Console) -> None:
        self.company = console.world.company
        ids = {r.number: r.id for r in console.world.records("commitment") if r.state == "synced"}
        (self.doubted, doubted), (self.contested, contested) = sorted(ids.items())[:2]
        self.doubt, self.conflict = doubted, contested
        self._put(doubted, "needs_attention", "outcome_needs_person", key="SB-7QK2M9D4XW")
        self._put(contested, "conflict", "edited_on_both_sides", fields="...", differing=json.dumps(DIFFERING))
        self.held = [r.id for r in console.world.records("variation") if r.state == "awaiting_approval"]
        reason = "the settings say that more than 50 are unusual"
        for one in self.held:
            self._put(one, "awaiting_approval", "unusual_volume", count="51", reason=reason)
        for queue in heartbeat.QUEUES:
            heartbeat.sent(queue)
            heartbeat.ran(queue)
        with session(self.company) as db:
            stop(db, self.company, "lentune", "duplicate_found", "commitment SC-1001-01 stands there 2 times")

    def _put(self, record_id: int, state: str, code: str, **values: str) -> None:
        with session(self.company) as db:
            row = db.execute(text("SELECT kind, number FROM sync_record WHERE id = :id"), {"id": record_id}).one()
            named = {"system": "lentune", "kind": row.kind, "number": row.number, **values}
            db.execute(
                text("UPDATE sync_record SET state = :s, problems = CAST(:p AS jsonb), due_at = NULL WHERE id = :id"),
                {"s": state, "p": json.dumps([{"code": code, "values": named, "waits_for": []}]), "id": record_id},
            )

    def state(self, record_id: int) -> str:
        with session(self.company) as db:
            return str(db.scalar(text("SELECT state FROM sync_record WHERE id = :id"), {"id": record_id}))


@pytest.fixture(scope="module")
def settled(console: Console) -> Settled:
    return Settled(console)


@pytest.fixture
def seen(chromium: Any, console: Console) -> Iterator[Seen]:
    visitor = Seen(chromium, console, java_script_enabled=False, viewport={"width": 1440, "height": 900})
    yield visitor
    visitor.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1440])
def test_what_waits_for_a_person_fits(chromium: Any, console: Console, settled: Settled, width: int, theme: str) -> None:
    visitor = Seen(chromium, console, viewport={"width": width, "height": 900}, color_scheme=theme)
    paths = {
        "doubt": f"/objects/{settled.doubt}", "conflict": f"/objects/{settled.conflict}", "approvals": "/approvals",
        "systems": "/systems", "lentune": "/systems/lentune", "overview": "/",
    }  # fmt: skip
    try:
        for name, path in paths.items():
            page = visitor.go(path)
            if SHOTS:
                page.screenshot(path=str(Path(SHOTS) / f"{name}-{width}-{theme}.png"), full_page=True)
            page.evaluate("for (const d of document.querySelectorAll('main details')) d.open = true")
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{path} is {wide} wide on a screen of {width}"
            assert page.locator("[role=alert]").count() == 1
    finally:
        visitor.close()


def test_linking_what_somebody_found(seen: Seen, settled: Settled) -> None:
    page = seen.go(f"/objects/{settled.doubt}")
    page.fill("input[name=remote_id]", "po-4711")
    page.click("text=It is there: link")
    assert "Linked with what you named." in page.text_content("main")
    assert settled.state(settled.doubt) == "synced"


def test_keeping_what_stands_there(seen: Seen, settled: Settled) -> None:
    page = seen.go(f"/objects/{settled.conflict}")
    assert page.locator(".sides .differs").count() >= 2
    page.click("button:has-text('Keep theirs')")
    assert settled.state(settled.conflict) == "unlinked"


def test_releasing_all_and_going_on(seen: Seen, settled: Settled) -> None:
    page = seen.go("/approvals")
    page.click(f"text=Release all {len(settled.held)}")
    assert "approved and sent next." in page.text_content("main")
    assert {settled.state(one) for one in settled.held} == {"pending"}
    page = seen.go("/systems/lentune")
    page.click("text=Go on writing to Lentune")
    assert page.locator("[role=alert]").count() == 0
