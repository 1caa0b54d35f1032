"""sitebooks status: the overview in one screen; its exit code says whether somebody is needed."""

from typing import TYPE_CHECKING, Any

import typer

from cli.exits import NEEDS_ATTENTION
from cli.options import AsJson, CompanyRef, System
from cli.output import Output

if TYPE_CHECKING:
    from cli.place import Place
    from sync.views import Overview, ProblemGroups


def register(app: typer.Typer) -> None:
    app.command("status")(status)


def status(as_json: AsJson = False, company: CompanyRef = None, connection: System = None) -> None:
    """Say what agrees, what waits and what needs a person. Exit 3: somebody is needed."""
    from cli.place import enter
    from sync.views import overview, problem_groups

    place, out = enter(company), Output(as_json)
    system = place.system(connection)
    seen, groups = overview(place.company_id), problem_groups(place.company_id)
    blocked = [s for s in seen.systems if s.state == "blocked"]
    healthy = not (seen.needs_you or groups.needs_you or blocked)
    _show(out, place, seen, groups, system)
    out.document({"healthy": healthy, **_plain(seen, groups, system)})
    if not healthy:
        raise typer.Exit(NEEDS_ATTENTION)


def _plain(seen: "Overview", groups: "ProblemGroups", system: str) -> dict[str, Any]:
    from sync.views import lead, sentence

    return {
        "company": seen.company,
        "at": seen.at,
        "sentence": sentence(seen, groups),
        "lead": lead(seen, groups),
        "records": seen.records,
        "agreed": seen.agreed,
        "needs_you": seen.needs_you,
        "healing": seen.healing,
        "states": seen.states,
        "money": seen.money,
        "kinds": [
            {
                "kind": k.kind,
                "connection": k.system,
                "currency": k.currency,
                "records": k.records,
                "agreed": k.agreed,
                "site": k.site,
                "books": k.books,
                "difference": k.difference,
                "unexplained": k.unexplained,
                "explained": dict(k.explained),
            }
            for k in seen.kinds
            if system in ("", k.system)
        ],
        "connections": [
            {
                "connection": s.system,
                "state": s.state,
                "blocked_code": s.blocked_code,
                "due": s.due,
                "oldest_due": s.oldest_due,
                "last_event_at": s.last_event_at,
                "limit": s.limit,
                "left": s.left,
                "reset_at": s.reset_at,
                "token_expires_at": s.token_expires_at,
            }
            for s in seen.systems
            if system in ("", s.system)
        ],
        "problems": [
            {
                "code": g.code,
                "state": g.state,
                "needs_you": g.needs_you,
                "to_mend": g.text.to_mend,
                "title": g.text.title,
                "records": g.records,
                "money": g.money,
            }
            for g in (*groups.needs_you, *groups.healing)
        ],
        "events": seen.events,
        "compared_at": seen.compared_at,
        "unexplained": seen.unexplained,
    }


def _show(out: Output, place: "Place", seen: "Overview", groups: "ProblemGroups", system: str) -> None:
    from cli.times import ago, local
    from sync.views import lead, sentence

    out.say(f"{seen.company}   {local(seen.at, place.zone)}", "dim")
    out.say(sentence(seen, groups), "bold")
    if following := lead(seen, groups):
        out.say(following)
    out.say()
    _kinds(out, [k for k in seen.kinds if system in ("", k.system)])
    _connections(out, seen, system)
    _problems(out, groups)
    if seen.compared_at:
        out.say(f"\nCompared {ago(seen.compared_at)}: unexplained difference {seen.unexplained:,.2f}.")
    else:
        out.say("\nNot compared yet: sitebooks reconcile")


def _kinds(out: Output, kinds: list[Any]) -> None:
    rows = [
        (
            k.kinds_word,
            f"{k.agreed:,} of {k.records:,}",
            k.currency if k.with_money else "",
            k.site if k.with_money else None,
            k.books if k.with_money else None,
            k.difference if k.with_money else None,
            ", ".join(f"{n} {state.replace('_', ' ')}" for state, n in k.explained),
        )
        for k in kinds
    ]
    out.table(
        ("", "agree", "", "site", "books", "difference", "the others"), rows, right=("agree", "site", "books", "difference")
    )


def _connections(out: Output, seen: "Overview", system: str) -> None:
    from cli.times import ago

    out.say()
    out.table(
        ("System", "State", "Due", "Oldest", "Last webhook", "Limit left", "Token"),
        [
            (
                s.system_word,
                s.state.capitalize(),
                s.due,
                ago(s.oldest_due, seen.at),
                ago(s.last_event_at, seen.at) or "none yet",
                f"{s.left}/{s.limit}" if s.limit else "",
                f"expires {ago(s.token_expires_at, seen.at)}" if s.token_expires_at else "",
            )
            for s in seen.systems
            if system in ("", s.system)
        ],
        right=("Due",),
    )


def _problems(out: Output, groups: "ProblemGroups") -> None:
    by_itself = [g for g in groups.healing if not g.text.to_mend]
    lists = {"Needs you": groups.needs_you, "To mend in your systems": groups.to_mend, "Healing by itself": by_itself}
    for title, listed in lists.items():
        if listed:
            out.heading(title)
        for group in listed:
            money = " and ".join(f"{currency} {amount:,.2f}" for currency, amount in group.money.items())
            count = f"{group.records} record{'s' if group.records != 1 else ''}"
            out.bullet(
                f"{group.text.title}  ({', '.join(part for part in (group.code, count, money) if part)})",
                style="needs_attention" if group.needs_you else "held",
            )
