"""The fault matrix of a run: each row passed, failed, did not run, waits for its system, or has no test: a gap."""

import os
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import pytest

TABLE = Path(__file__).with_name("rows.md")
TESTS = Path(__file__).parents[1]
DOCUMENT = TESTS.parent / "docs" / "fault-matrix.md"
LINE = re.compile(r"^\| (F\d\d) \| (.+?) \| (.+?) \|(.*)\|$", re.M)
NAMED = re.compile(r"\bfault\(((?:\"F\d\d\"(?:, )?)+)\)")
PROPERTY = "fault"
#: What selects all rows, wherever they stand, and what stands beside them.
MARKED = "fault or faults"


@dataclass(frozen=True)
class Row:
    """One fault: `waits` names what does not exist yet, for the whole row or a part of it."""

    fault: str
    holds: str
    waits: str


def rows() -> dict[str, Row]:
    """Row id -> what it says."""
    return {id: Row(fault, holds, waits.strip()) for id, fault, holds, waits in LINE.findall(TABLE.read_text())}


def with_tests() -> set[str]:
    """Rows that some test names, whether it runs now or not."""
    named = [found for file in TESTS.rglob("test_*.py") for found in NAMED.findall(file.read_text())]
    return set(re.findall(r"F\d\d", " ".join(named)))


class Matrix:
    """Outcomes by row. The ids travel with each report, so that it also works with several test processes.

    A row that only missed a deadline is tried once more (tests/conftest.py), and its pass says so.
    """

    def __init__(self) -> None:
        self.outcomes: dict[str, set[str]] = defaultdict(set)
        self.reasons: dict[str, str] = {}

    @pytest.hookimpl
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        known = rows()
        for item in items:
            ids = [str(id) for mark in item.iter_markers("fault") for id in mark.args]
            if unknown := [id for id in ids if id not in known]:
                raise pytest.UsageError(f"{item.nodeid} names rows that the matrix does not have: {unknown}")
            item.user_properties += [(PROPERTY, id) for id in ids]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" and report.passed:
            return
        for name, id in report.user_properties:
            if name == PROPERTY:
                self.outcomes[str(id)].add(report.outcome)
                if report.skipped and isinstance(report.longrepr, tuple):
                    self.reasons[str(id)] = str(report.longrepr[2]).removeprefix("Skipped: ")

    def state(self, id: str, row: Row, tested: set[str]) -> str:
        """pass, fail, not run, waits, or gap."""
        seen = self.outcomes.get(id, set())
        if "failed" in seen:
            return "fail"
        if "passed" in seen:
            return "pass, a deadline at the second try" if "rerun" in seen else "pass"
        if id in tested:
            return f"not run: {self.reasons[id]}" if id in self.reasons else "not run"
        return "waits for its system" if row.waits else "gap: no test"

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self.outcomes:
            return
        tested = with_tests()
        states = {id: self.state(id, row, tested) for id, row in rows().items()}
        terminalreporter.section("fault matrix")
        for id, row in rows().items():
            terminalreporter.write_line(f"{id}  {states[id]:22} {row.fault}")
        counts = {word: sum(s.startswith(word) for s in states.values()) for word in ("pass", "fail", "not run", "waits", "gap")}
        terminalreporter.write_line("  ".join(f"{count} {word}" for word, count in counts.items()))
        if os.environ.get("SITEBOOKS_WRITE_DOCS") == "1" and _whole(terminalreporter.config):
            DOCUMENT.write_text(document(states))


def _whole(config: pytest.Config) -> bool:
    """No row was left out of this run: also not what takes long."""
    return config.args == ["tests"] and config.option.markexpr in ("", MARKED) and not config.option.keyword


def document(states: dict[str, str]) -> str:
    """The page made of a run."""
    lines = [f"| {id} | {states[id]} | {row.fault} | {row.holds} | {row.waits} |" for id, row in rows().items()]
    return "\n".join([
        "# The fault matrix", "",
        "What is broken on purpose, and what must hold then. Made by the test run, never by hand:",
        "`SITEBOOKS_WRITE_DOCS=1 ./sitebooks test -m 'fault or faults' tests`. Real worker processes, Postgres and broker,",
        "the outside systems simulated over HTTP. After every row all faults are healed, everything must become quiet, and",
        "judges look at both systems' own ledgers ([testing](testing.md)): nothing twice, nothing lost, equal to the cent.",
        "Long durations are shortened, their order kept. A row without a test is a gap and is shown as one.", "",
        "| row | in this run | fault | what must hold | waits for |", "| --- | --- | --- | --- | --- |", *lines, "",
    ])  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Matrix(), "fault-matrix")
