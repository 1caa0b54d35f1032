"""sitebooks doctor: everything the product stands on, looked at one by one, each with its fix."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from cli.exits import NEEDS_ATTENTION, failure_of
from cli.options import AsJson, CompanyRef, System
from cli.output import Output

if TYPE_CHECKING:
    from cli.doctor import Finding, Findings

MARKS = {"ok": "✓", "warn": "!", "fail": "✗"}


def register(app: typer.Typer) -> None:
    app.command("doctor")(doctor)


def doctor(
    offline: Annotated[bool, typer.Option("--offline", help="Ask no outside system.")] = False,
    as_json: AsJson = False,
    company: CompanyRef = None,
    connection: System = None,
) -> None:
    """Check machine, database, broker, processes and systems. Exit 3: something fails."""
    out = Output(as_json)
    findings = []
    group = ""
    for finding in _all(company, connection, offline):
        if finding.group != group:
            group = finding.group
            out.heading(group[:1].upper() + group[1:])
        findings.append(finding)
        out.bullet(f"{finding.name}: {finding.said}", MARKS[finding.mark], finding.mark if finding.mark != "ok" else "")
        if finding.fix:
            out.say(f"      Fix: {finding.fix}")
    marks = [finding.mark for finding in findings]
    out.say(f"\n{marks.count('ok')} ok, {marks.count('warn')} to look at, {marks.count('fail')} failing")
    out.document({"ok": "fail" not in marks, "findings": findings})
    if "fail" in marks:
        raise typer.Exit(NEEDS_ATTENTION)


def _all(company: str | None, connection: str | None, offline: bool) -> "Iterator[Finding]":
    """Every group, each on its own: what one of them cannot reach hides nothing of the others."""
    from cli.attach import attach

    place_id: list[int] = []
    yield from _group("stack", lambda: _stack(attach()))
    from cli.doctor import database, heartbeats, machine, messages, processes, systems

    yield from _group("machine", machine.check)
    yield from _group("company", lambda: _company(company, place_id))
    yield from _group("database", lambda: database.check(place_id[0] if place_id else None))
    yield from _group("processes", heartbeats.check)
    yield from _group("processes", messages.check)
    yield from _group("processes", processes.check)
    if place_id and not offline:
        yield from _group("systems", lambda: systems.check(place_id[0], connection or ""))


def _group(name: str, check: "Callable[[], Findings]") -> "Iterator[Finding]":
    from cli.doctor import Finding

    try:
        yield from check()
    except Exception as error:
        failure = failure_of(error)
        if failure is None:
            raise
        yield Finding(name, failure.code, "fail", failure.cause, failure.fix)


def _stack(ready: dict[str, object]) -> "Findings":
    from cli.doctor import Finding

    yield Finding("stack", "found", "ok", f"in {ready['data_dir']}" if ready else "by DATABASE_URL and BROKER_URL")


def _company(asked: str | None, place_id: list[int]) -> "Findings":
    from cli.doctor import Finding
    from cli.place import enter

    place = enter(asked)
    place_id.append(place.company_id)
    yield Finding(
        "company",
        "found",
        "ok",
        f"{place.company} ({place.zone}, {place.currency}): {', '.join(place.systems) or 'nothing connected'}",
    )
