"""Words for people and the document for scripts never mix; amounts and times have one form."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from cli.output import Output, plain
from cli.times import ago, local, span, typed

AUCKLAND = ZoneInfo("Pacific/Auckland")


def test_json_has_amounts_as_text_and_times_in_utc() -> None:
    at = datetime(2026, 11, 22, 10, 0, tzinfo=AUCKLAND)
    assert plain({"a": Decimal("1234.5"), "t": at, "h": b"\x01\xff", "s": (Decimal("-0.10"),)}) == {
        "a": "1234.50", "t": "2026-11-21T21:00:00.000Z", "h": "01ff", "s": ["-0.10"],
    }  # fmt: skip


def test_with_json_stdout_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    out = Output(as_json=True)
    out.say("for people [not markup]")
    out.document({"n": 1})
    said = capsys.readouterr()
    assert json.loads(said.out) == {"n": 1} and "for people [not markup]" in said.err


def test_a_pipe_gets_whole_rows_without_colour(capsys: pytest.CaptureFixture[str]) -> None:
    Output().table(("name", "amount"), [("x" * 150, Decimal("1000.00"))], right=("amount",), styles=["needs_attention"])
    rows = capsys.readouterr().out.splitlines()
    assert "\x1b" not in "".join(rows) and "x" * 150 in rows[1] and "1,000.00" in rows[1]


def test_times_for_people() -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    assert span(59) == "59 s" and span(3600) == "1 h" and span(90) == "1 min" and span(200_000) == "2 d"
    assert ago(datetime(2026, 11, 21, 23, 0, tzinfo=UTC), now) == "1 h ago"
    assert ago(datetime(2026, 11, 22, 0, 5, tzinfo=UTC), now) == "in 5 min"
    assert local(datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC), AUCKLAND) == "2 Jan 2025 16:04:05 NZDT"


def test_times_people_type() -> None:
    assert typed("2026-11-22T10:00", AUCKLAND) == datetime(2026, 11, 21, 21, 0, tzinfo=UTC)
    assert 7190 < (datetime.now(UTC) - typed("2h", AUCKLAND)).total_seconds() < 7210
    with pytest.raises(ValueError):
        typed("yesterday", AUCKLAND)
