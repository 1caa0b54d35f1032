"""sitebooks connections: the systems of a company and how each stands; `connections test` signs in and reads."""

import typer

from cli.exits import NEEDS_ATTENTION, NOT_AUTHORISED, REFUSED, UNREACHABLE
from cli.options import AsJson, CompanyRef, System
from cli.output import Output

group = typer.Typer(help="The connected systems.", invoke_without_command=True, no_args_is_help=False)

EXITS = {"reconnect_needed": NOT_AUTHORISED, "permission_missing": NOT_AUTHORISED, "settings_refused": REFUSED}


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="connections")


@group.callback()
def connections(context: typer.Context, as_json: AsJson = False, company: CompanyRef = None, connection: System = None) -> None:
    """List the connections: state, webhooks, limits. Exit 3: one is stopped."""
    if context.invoked_subcommand is not None:
        return
    from cli.place import enter
    from cli.times import ago, local
    from sync.connections import scheduled
    from sync.views import overview

    place, out = enter(company), Output(as_json)
    system = place.system(connection)
    views = [view for view in overview(place.company_id).systems if system in ("", view.system)]
    settings = {one.system: one.settings for one in scheduled() if one.company_id == place.company_id}
    if not views:
        out.say("Nothing is connected yet: sitebooks connect")
    else:
        out.table(
            ("System", "State", "Address", "Last webhook", "Limit left", "Token", "Due"),
            [
                (
                    v.system_word,
                    v.blocked_code or v.state,
                    settings.get(v.system, {}).get("base_url", ""),
                    ago(v.last_event_at) or "none yet",
                    f"{v.left}/{v.limit}" if v.limit else "",
                    f"until {local(v.token_expires_at, place.zone)}" if v.token_expires_at else "",
                    v.due,
                )
                for v in views
            ],
            right=("Due",),
            styles=["needs_attention" if v.state == "blocked" else "" for v in views],
        )
    out.document(
        {
            "connections": [
                {
                    "connection": v.system,
                    "state": v.state,
                    "enabled": v.enabled,
                    "blocked_code": v.blocked_code,
                    "last_event_at": v.last_event_at,
                    "limit": v.limit,
                    "left": v.left,
                    "reset_at": v.reset_at,
                    "token_expires_at": v.token_expires_at,
                    "due": v.due,
                    "settings": settings.get(v.system, {}),
                }
                for v in views
            ]
        }
    )
    if any(v.state == "blocked" for v in views):
        raise typer.Exit(NEEDS_ATTENTION)


@group.command("test")
def test(as_json: AsJson = False, company: CompanyRef = None, connection: System = None) -> None:
    """Sign in to each system and read one page. Exit 7: it does not answer; 8: it does not let us in."""
    from cli.place import enter
    from cli.trying import try_all
    from sync.views import system_word

    place, out = enter(company), Output(as_json)
    tried = try_all(place.company_id, place.system(connection))
    for one in tried:
        out.bullet(f"{system_word(one.system)}: {one.said}", "✓" if one.ok else "✗", "ok" if one.ok else "fail")
        if one.mirror:
            out.bullet(f"its settings differ from our copy: {one.mirror}", "  !", "warn")
    out.document({"connections": tried})
    failed = [one for one in tried if not one.ok]
    if failed:
        raise typer.Exit(EXITS.get(failed[0].code, UNREACHABLE))
