"""The requirement table: which lines the run covered, which failed, which have no test yet. Printed at the end."""

import os
import re
from collections import defaultdict
from pathlib import Path

import pytest

TABLE = Path(__file__).with_name("requirements.md")
DOCUMENT = Path(__file__).parents[1] / "docs" / "requirements.md"
PROPERTY = "requirement"
LINE = re.compile(r"^\| ([LPSAY]-\d+) \| (\w+) \| (.+) \|$", re.M)


def lines() -> dict[str, str]:
    """Requirement id -> its text."""
    return {found[0]: found[2] for found in LINE.findall(TABLE.read_text())}


class Table:
    """Outcome per requirement: covered when every test of it that ran passed, failing when one did not."""

    def __init__(self) -> None:
        self.outcomes: dict[str, set[str]] = defaultdict(set)

    @pytest.hookimpl
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        known = lines()
        for item in items:
            ids = tuple(i for mark in item.iter_markers("requirement") for i in mark.args)
            unknown = [i for i in ids if i not in known]
            if unknown:
                raise pytest.UsageError(f"{item.nodeid} names unknown requirements {unknown}")
            item.user_properties += [(PROPERTY, line) for line in ids]  # they travel with the report between processes

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.failed:
            for name, line in report.user_properties:
                if name == PROPERTY:
                    self.outcomes[str(line)].add(report.outcome)

    def state(self, line: str) -> str:
        seen = self.outcomes.get(line, set())
        return "failing" if "failed" in seen else "covered" if "passed" in seen else "not yet covered"

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        states = {line: self.state(line) for line in lines()}
        terminalreporter.section("requirements")
        for prefix, name in (("L", "Lentune"), ("P", "Purchase orders"), ("S", "Sage Paperless"), ("A", "Acumatica"),
                             ("Y", "Payments")):
            mine = {line: state for line, state in states.items() if line.startswith(prefix)}
            count = {s: sum(v == s for v in mine.values()) for s in ("covered", "failing", "not yet covered")}
            terminalreporter.write_line(
                f"{prefix}  {name:16} {count['covered']:3} covered  {count['failing']:3} failing  "
                f"{count['not yet covered']:3} not yet covered  of {len(mine)}")
            for state in ("failing", "not yet covered"):
                open_lines = [line for line, value in mine.items() if value == state]
                if open_lines and (state == "failing" or prefix in "LP"):
                    terminalreporter.write_line(f"     {state}: {' '.join(open_lines)}")
        config = terminalreporter.config
        whole = config.args == ["tests"] and (config.option.markexpr or "not").startswith("not")
        if os.environ.get("SITEBOOKS_WRITE_DOCS") == "1" and whole:
            write_document(states)


def write_document(states: dict[str, str]) -> None:
    """The same table in the docs; made by the run, never by hand."""
    rows = "\n".join(f"| {line} | {states[line]} | {text} |" for line, text in lines().items())
    DOCUMENT.write_text(
        "# Requirements and their tests\n\nMade by the test run (`SITEBOOKS_WRITE_DOCS=1 ./sitebooks test`). "
        "A line is covered by a test that would fail if the behaviour were missing.\n\n"
        f"| line | state | requirement |\n| --- | --- | --- |\n{rows}\n")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Table(), "requirement-table")
