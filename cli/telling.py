"""`why` for people: the verdict, what to do, both sides, the checks, what was sent, what happened, what happens next."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from cli.live import Live
from cli.output import Output
from cli.papers import tell_papers
from cli.place import Place
from cli.rows import direction, money
from cli.times import ago, local
from cli.verdict import verdict
from sync.problems import ProblemText
from sync.views import Record, system_word
from sync.why import CheckResult, Why

OWNERS = {
    "accountant": "somebody in accounting",
    "it": "whoever runs the systems",
    "vendor": "the system's vendor",
    "developer": "us",
}
HEALING = {
    "alone": "It clears by itself.",
    "when_mended": "It clears by itself once that is done.",
    "never": "It needs a person here.",
}
MARKS = {"equal": "=", "becomes": "→", "differs": "≠", "unknown": ""}
#: Entries of the story shown unless everything is asked for.
MOST_TOLD = 12


def tell(out: Output, place: Place, seen: Record, why: Why, parent: str, live: Live | None, everything: bool) -> None:
    """The whole page."""
    row = seen.row
    out.say(verdict(seen, parent), f"bold {_colour(row.state)}".strip())
    out.say(
        " · ".join(
            part
            for part in (
                row.name,
                row.project and f"project {row.project}",
                row.vendor,
                money(row.currency, row.here) if row.here is not None else "",
                direction(row),
                f"record #{row.id}",
            )
            if part
        ),
        "dim",
    )
    for problem in why.problems:
        _problem(out, problem)
    _next(out, place, why)
    _checks(out, why.checks)
    for warning in why.warnings:
        out.bullet(f"{warning.title} ({warning.code}). {warning.cause}", "!", "held")
    _sides(out, seen, why)
    tell_papers(out, seen)
    if live is not None:
        _live(out, seen, live)
    _writes(out, place, seen)
    _approvals(out, place, seen)
    _story(out, place, seen, everything)
    out.say()
    out.say(f"Protected against doubles: {seen.protected_by}. Key {seen.key}, attempt {seen.attempt}.", "dim")


def _colour(state: str) -> str:
    from cli.output import STYLES

    return STYLES.get(state, "")


def _problem(out: Output, problem: ProblemText) -> None:
    out.heading(f"{problem.title}  [{problem.code}{', ' + problem.requirement if problem.requirement else ''}]")
    out.say(problem.cause)
    for n, step in enumerate(problem.fix, 1):
        out.bullet(step, f"{n}.")
    healing = HEALING[problem.healing]
    out.say(f"For: {OWNERS.get(problem.owner, problem.owner)}. {healing}", "dim")


def _next(out: Output, place: Place, why: Why) -> None:
    if not why.next_text and why.next_at is None:
        return
    out.heading("What happens next")
    out.say(f"{why.next_text} {_when(place, why.next_at)}".strip())


def _when(place: Place, at: datetime | None) -> str:
    if at is None:
        return ""
    if at <= datetime.now(UTC):
        return "It is due now."
    return f"At {local(at, place.zone)} ({ago(at)}) at the latest."


def _checks(out: Output, checks: Sequence[CheckResult]) -> None:
    if not checks:
        return
    out.heading(f"Checks ({sum(c.ok for c in checks)} of {len(checks)} hold)")
    width = max(len(check.requirement) for check in checks)
    for check in checks:
        mark, style = ("✓", "ok") if check.ok and check.problem is None else ("!", "warn") if check.ok else ("✗", "fail")
        found = f": {check.problem.title}" if check.problem is not None else ""
        out.bullet(f"{check.requirement:<{width}}  {check.name.replace('_', ' ')}{found}", mark, style)


def _sides(out: Output, seen: Record, why: Why) -> None:
    here, there = system_word(why.source), system_word(why.target)
    out.heading("Both sides" if seen.agreed else f"Both sides ({there}: what it will hold)" if seen.held else "Both sides")
    rows = [(f.label, f.here, MARKS[f.mark], f.there) for f in seen.fields]
    rows.append(("Id", seen.row.source_id, "", " ".join(p for p in (seen.row.remote_id, seen.row.remote_number) if p)))
    out.table(("", here, "", there), rows)
    if seen.lines:
        out.say()
        out.table(
            ("Line", "Code", "Description", here, "", there),
            [(line.position, line.code, line.description, line.here, MARKS[line.mark], line.there) for line in seen.lines],
            right=("Line", here, there),
        )


def _live(out: Output, seen: Record, live: Live) -> None:
    out.heading("Read just now")
    for note in live.notes:
        out.bullet(note)
    if live.there is not None:
        out.bullet(
            f"{system_word(seen.row.target)} holds {live.there['number']}: {money(live.there['currency'], live.there['amount'])}"
        )
    for one in live.differences:
        out.bullet(
            f"{system_word(one['side'])}, {one['field']}: stored {_short(one['stored'])}, now {_short(one['now'])}", "≠", "warn"
        )
    if not live.differences and not live.failed:
        out.bullet("Nothing differs from what is stored.", "✓", "ok")


def _writes(out: Output, place: Place, seen: Record) -> None:
    if not seen.writes:
        return
    out.heading("Sent and answered")
    out.table(
        ("when", "step", "request", "version", "outcome", "answer"),
        [
            (
                local(w["ended_at"] or w["sent_at"] or w["planned_at"], place.zone),
                w["step"],
                w["request"],
                w["version"],
                w["state"],
                " ".join(str(part) for part in (w["status"], w["reason"]) if part),
            )
            for w in seen.writes
        ],
        right=("version",),
    )


def _approvals(out: Output, place: Place, seen: Record) -> None:
    if not seen.approvals:
        return
    out.heading("Decisions")
    for one in seen.approvals:
        amount = f", {money(one['currency'], one['amount'])}" if one["amount"] is not None else ""
        reason = f": {one['reason']}" if one["reason"] else ""
        out.bullet(
            f"{local(one['at'], place.zone)}  {one['decision']} by {one['actor']}, version {one['version']}{amount}{reason}"
        )


def _story(out: Output, place: Place, seen: Record, everything: bool) -> None:
    told = seen.story if everything else seen.story[:MOST_TOLD]
    if not told:
        return
    out.heading("What happened, the newest first")
    for entry in told:
        out.bullet(f"{local(entry.at, place.zone)}  {entry.title}" + (f" ({entry.detail})" if entry.detail else ""))
    if len(told) < len(seen.story):
        out.say(f"  and {len(seen.story) - len(told)} earlier: --all shows them", "dim")


def _short(value: Any) -> str:
    said = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    return said if len(said) <= 80 else said[:77] + "..."
