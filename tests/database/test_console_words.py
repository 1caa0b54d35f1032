"""The sentence of the overview in scripted states, and forms made from settings."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from settings.lentune import LentuneSettings
from sync import views
from sync.problems import ProblemText
from sync.views.overview import Overview, SystemView
from sync.views.problems import ProblemGroup, ProblemGroups
from tests.database.web_clients import visitor
from web.boxes import boxes_of, values_of

NOW = datetime(2026, 11, 19, 10, 42, tzinfo=UTC)
TEXT = ProblemText("code", "error", "never", "accountant", "Title", "Cause", ("Fix",), "Next")


def system(code: str | None = None, enabled: bool = True) -> SystemView:
    return SystemView("lentune", "working", code, enabled, NOW, NOW, NOW, 0, None, None, None, None, None)


def seen(states: dict[str, int], *systems: SystemView) -> Overview:
    return Overview(
        NOW, "Harbour Build Ltd", "UTC", states, {}, (), systems, {}, (0,) * 24, None, None, NOW, NOW, NOW,
    )


def groups(number: int, money: str = "", to_mend: int = 0) -> ProblemGroups:
    one = ProblemGroup("code", "needs_attention", TEXT, 1, {}, NOW, None, ())
    other = ProblemGroup("code", "held", replace(TEXT, healing="when_mended"), 1, {}, NOW, None, ())
    sums = {"NZD": Decimal(money)} if money else {}
    return ProblemGroups((one,) * number, (other,) * to_mend, number, to_mend, sums, {}, to_mend)


@pytest.mark.parametrize(
    ("states", "systems", "problems", "sentence"),
    [
        ({}, (), 0, "Nothing is connected yet."),
        ({}, (system(),), 0, "Nothing has been read yet. The first look is under way or about to start."),
        ({"synced": 1204}, (system(),), 0, "All good: 1,204 records agree to the cent."),
        ({"synced": 1}, (system(),), 0, "All good: 1 record agrees to the cent."),
        ({"synced": 5, "ignored": 3}, (system(),), 0, "All good: 5 records agree to the cent."),
        ({"synced": 2, "needs_attention": 1}, (system(),), 1, "1 problem needs you; 2 of 3 records agree to the cent."),
        (
            {"synced": 1182, "needs_attention": 7, "awaiting_approval": 5, "held": 9, "pending": 1}, (system(),), 4,
            "4 problems need you and 5 approvals are waiting; 1,182 of 1,204 records agree to the cent.",
        ),
        ({"synced": 2, "awaiting_approval": 1}, (system(),), 0, "1 approval is waiting; 2 of 3 records agree to the cent."),
        ({"synced": 141, "pending": 22}, (system(),), 0, "Copying: 141 of 163 records agree to the cent so far."),
        ({"synced": 2, "held": 3}, (system(),), 0, "Nothing needs you; 2 of 5 records agree to the cent."),
        ({"synced": 2, "checking": 1}, (system(),), 0, "Nothing needs you; 2 of 3 records agree to the cent."),
        (
            {"synced": 2, "pending": 37}, (system("reconnect_needed"),), 0,
            "Not sending: Lentune does not accept our sign-in. Nothing is lost; 37 records are waiting.",
        ),
        ({"synced": 2}, (system("reconnect_needed", enabled=False),), 0, "All good: 2 records agree to the cent."),
    ],
)
def test_the_sentence(states: dict[str, int], systems: Any, problems: int, sentence: str) -> None:
    assert views.sentence(seen(states, *systems), groups(problems)) == sentence


def test_the_sentence_below_it_names_the_money_and_what_needs_nobody() -> None:
    said = views.lead(seen({"held": 9, "pending": 1}, system()), groups(2, "121417.60"))
    assert said == (
        "The problems affect NZD 121,417.60. 9 records are healing by themselves and 1 waits its turn; "
        "nothing is needed from you for that."
    )


def test_what_is_switched_off_is_said_first() -> None:
    assert views.lead(seen({"synced": 1}, system(enabled=False)), groups(0)) == "Lentune is switched off."


def test_what_somebody_must_mend_elsewhere_is_not_said_to_need_nobody() -> None:
    held = seen({"synced": 2, "held": 3, "awaiting_approval": 1}, system())
    assert views.sentence(held, groups(1, to_mend=2)) == (
        "1 problem needs you, 2 problems are to be mended in your systems and 1 approval is waiting; "
        "2 of 6 records agree to the cent."
    )
    assert views.lead(held, groups(0, to_mend=2)) == "1 record is healing by itself; nothing is needed from you for that."
    only = seen({"synced": 2, "held": 1}, system())
    assert views.sentence(only, groups(0, to_mend=1)) == (
        "1 problem is to be mended in your systems; 2 of 3 records agree to the cent."
    )
    assert views.lead(only, groups(0, to_mend=1)) == ""


def test_a_form_gives_back_what_it_showed() -> None:
    stored = LentuneSettings(
        base_url="https://lentune.example", project_stages=("Course of Construction", "Warranty"),
        approval={"invoice": "manual"}, procore_purchase_order=True,
    ).model_dump(mode="json")
    posted = {}
    for box in boxes_of(LentuneSettings, stored):
        posted[box.name] = ("on" if box.value else "") if box.type == "check" else box.value
    assert values_of(LentuneSettings, posted) == stored
    assert LentuneSettings.model_validate(values_of(LentuneSettings, posted)).model_dump(mode="json") == stored


def test_labels_are_those_of_the_systems_own_screen() -> None:
    labels = {box.name: box.label for box in boxes_of(LentuneSettings, {})}
    assert labels["lentune_purchase_order"] == "Lentune purchase order"
    assert labels["procore_purchase_order"] == "Procore purchase order"


def test_a_database_that_is_away_is_said_plainly(company: int, monkeypatch: pytest.MonkeyPatch) -> None:
    client = visitor(company)

    def away(*_: object) -> None:
        raise OperationalError("SELECT", {}, ConnectionError("refused"))

    monkeypatch.setattr("web.people.identify", away)
    answer = client.get("/")
    assert answer.status_code == 503
    assert "The database does not answer." in answer.text
    assert "refused" not in answer.text
