"""sitebooks reconcile: both sides compared to the cent, read anew from the systems; it never writes there."""

from typing import TYPE_CHECKING, Any

import typer

from cli.exits import UNEXPLAINED, wrong_usage
from cli.options import AsJson, CompanyRef, Kind, Project, System
from cli.output import Output

if TYPE_CHECKING:
    from sync.reconcile import Report


def register(app: typer.Typer) -> None:
    app.command("reconcile")(reconcile)


def reconcile(
    kind: Kind = None,
    project: Project = None,
    as_json: AsJson = False,
    company: CompanyRef = None,
    connection: System = None,
) -> None:
    """Compare what each system really holds. Exit 4: a difference that nothing explains, or something stands twice."""
    from cli.place import enter, publish_from_here

    place, out = enter(company), Output(as_json)
    asked = place.system(connection)
    systems = [name for name in place.systems if name != "procore" and asked in ("", name)]
    if not systems:
        raise wrong_usage("There is nothing to compare Procore with.", "Connect an accounting system first.", "not_connected")
    systems = _in_use(out, place.company_id, systems)
    publish_from_here()
    from cli.comparing import compare

    reports = compare(out, place.company_id, systems)
    chosen = {system: _lines(report, kind, project) for system, report in reports.items()}
    for system, report in reports.items():
        _show(out, system, report, chosen[system])
    bad = any(report.duplicates for report in reports.values()) or any(
        line.unexplained for lines in chosen.values() for line in lines
    )
    out.document(
        {
            "agrees": not bad,
            "connections": [
                {
                    "connection": system,
                    "lines": [line.plain() for line in chosen[system]],
                    "duplicates": report.duplicates,
                    "only_there": report.only_there,
                    "unexplained": sum((abs(line.unexplained) for line in chosen[system]), _zero()),
                }
                for system, report in reports.items()
            ],
        }
    )
    if bad:
        raise typer.Exit(UNEXPLAINED)


def _in_use(out: Output, company_id: int, systems: list[str]) -> list[str]:
    """Without those that are switched off. Raises SwitchedOff when none is left."""
    from models import session
    from sync.clients import SwitchedOff
    from sync.company import load
    from sync.views import system_word

    with session(company_id) as db:
        company = load(db, company_id)
    off = {name: company.off(name) for name in systems if company.off(name)}
    if len(off) == len(systems):
        raise SwitchedOff(off[systems[0]])
    for name in off:
        out.say(f"{system_word(name)} is switched off and is not compared.", "warn")
    return [name for name in systems if name not in off]


def _lines(report: "Report", kind: str | None, project: str | None) -> list[Any]:
    return [line for line in report.lines if kind in (None, line.kind) and project in (None, line.project)]


def _zero() -> Any:
    from decimal import Decimal

    return Decimal("0.00")


def _show(out: Output, system: str, report: "Report", lines: list[Any]) -> None:
    from sync.views import kinds_word, system_word

    out.heading(f"Procore and {system_word(system)}")
    out.table(
        ("project", "kind", "", "count", "count there", "here", "there", "difference", "explained by", "unexplained"),
        [
            (
                line.project,
                kinds_word(line.kind),
                line.currency,
                line.here_count,
                line.there_count,
                line.here,
                line.there,
                line.difference,
                ", ".join(f"{n} {state.replace('_', ' ')}" for state, n in line.reasons.items()),
                line.unexplained,
            )
            for line in lines
        ],
        right=("count", "count there", "here", "there", "difference", "unexplained"),
        styles=["needs_attention" if line.unexplained else "" for line in lines],
    )
    for number in report.duplicates:
        out.bullet(f"Stands more than once in the target: {number}", "✗", "fail")
    for number in report.only_there:
        out.bullet(f"Only in the target, though it names a counterpart: {number}", "!", "warn")
    unexplained = sum((abs(line.unexplained) for line in lines), _zero())
    out.say(f"Unexplained {unexplained:,.2f}", "fail" if unexplained else "ok")
