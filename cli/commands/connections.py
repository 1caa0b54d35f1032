"""sitebooks connections: the systems of a company and how each stands; `test` signs in and reads; `off` and `on` switch one."""

from typing import Annotated

import typer

from cli.exits import NEEDS_ATTENTION, NOT_AUTHORISED, REFUSED, UNREACHABLE, wrong_usage
from cli.options import AsJson, CompanyRef, System
from cli.output import Output

group = typer.Typer(help="The connected systems.", invoke_without_command=True, no_args_is_help=False)

EXITS = {
    "reconnect_needed": NOT_AUTHORISED, "permission_missing": NOT_AUTHORISED, "settings_refused": REFUSED,
    "switched_off": REFUSED,
}  # fmt: skip

Named = Annotated[str, typer.Argument(metavar="SYSTEM", help="procore stops everything of the company.")]


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="connections")


@group.callback()
def connections(context: typer.Context, as_json: AsJson = False, company: CompanyRef = None, connection: System = None) -> None:
    """List the connections: state, webhooks, limits. Exit 3: one is stopped."""
    if context.invoked_subcommand is not None:
        return
    from cli.place import enter
    from cli.times import ago, local
    from sync.views import connection as connection_of
    from sync.views import overview

    place, out = enter(company), Output(as_json)
    system = place.system(connection)
    views = [view for view in overview(place.company_id).systems if system in ("", view.system)]
    settings = {view.system: known.settings for view in views if (known := connection_of(place.company_id, view.system))}
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


@group.command("off")
def off(
    system: Named,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the history.")] = "",
    as_json: AsJson = False,
    company: CompanyRef = None,
) -> None:
    """Send nothing to a system and ask nothing of it, until it is switched on. Nothing is lost; everything waits."""
    if not reason.strip():
        raise wrong_usage("Switching off needs a reason.", f'sitebooks connections off {system} --reason "doubtful database"')
    _switch(system, False, reason.strip(), as_json, company)


@group.command("on")
def on(system: Named, as_json: AsJson = False, company: CompanyRef = None) -> None:
    """Use a system again: what waited goes on, webhooks that came are taken up, its lists are read."""
    _switch(system, True, "", as_json, company)


def _switch(system: str, wanted: bool, reason: str, as_json: bool, company: str | None) -> None:
    from cli.place import actor, enter, publish_from_here
    from sync.views import system_word
    from tasks import switching

    place, out = enter(company), Output(as_json)
    place.system(system)
    publish_from_here()
    changed = switching.switch(place.company_id, system, wanted, actor(), reason)
    said = "on: what waited goes on" if wanted else "off: nothing is sent there or read from there"
    out.say(f"{system_word(system)} {'is' if changed else 'was already'} switched {said}.")
    out.document({"connection": system, "enabled": wanted, "changed": changed})
