"""sitebooks connect: a company's connection with one real system, its secrets from prompts or the environment."""

import secrets as random
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.options import AsJson, CompanyRef
from cli.output import Output

if TYPE_CHECKING:
    from cli.connecting import Trial


def register(app: typer.Typer) -> None:
    app.command("connect")(connect)


def connect(
    system: Annotated[str, typer.Argument(help="procore first, then lentune, ...")],
    base_url: Annotated[str, typer.Option(help="Where its API answers; Procore's own production address if left out.")] = "",
    company_name: Annotated[str, typer.Option(help="Procore: the name of a new company.")] = "",
    company_id: Annotated[str, typer.Option(help="Procore: the company's id, the number in its address.")] = "",
    currency: Annotated[str, typer.Option(help="The company's own; NZD for a new one if left out.")] = "",
    time_zone: Annotated[str, typer.Option(help="Of a new company, for daily times.")] = "Pacific/Auckland",
    setting: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A setting; may be repeated.")] = None,
    secret: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Secrets to ask for, by name.")] = None,
    as_user: Annotated[bool, typer.Option("--as-user", help="Procore: a person lets the app in, with a browser.")] = False,
    as_json: AsJson = False,
    company: CompanyRef = None,
) -> None:
    """Try the sign-in, then keep it encrypted, register webhooks and start reading. Run it again to connect anew."""
    from cli import connecting
    from cli.place import actor, publish_from_here

    _known(system, as_user)
    found, site_id = _company(system, company, company_name, company_id)
    chosen = _settings(setting or [], {"base_url": base_url, "currency": currency})
    values = {**connecting.stored(found, system, currency or "NZD"), **chosen}
    given = connecting.ask_secrets(system, secret or connecting.needed(system, values))
    if as_user:
        given = connecting.consent(values, given, random.token_urlsafe(16))
    publish_from_here()
    out = Output(as_json)
    trial, rows, looked = connecting.try_out(system, values, given, site_id)
    out.say(f"{system} accepts the sign-in; the first list it showed has {rows} row{'s' if rows != 1 else ''} on its first page.")
    for one in looked:
        out.say(f"{one.name}: {one.said}", "" if one.good else "warn")
    made = found or _new_company(company_name, site_id, currency or "NZD", time_zone)
    covered = connecting.store(made, system, values, chosen, given, trial, actor())
    _tell(out, system, made, rows, covered, trial)


def _known(system: str, as_user: bool) -> None:
    from cli.attach import attach
    from cli.exits import wrong_usage

    attach()
    from connectors.registry import all_connectors

    if system not in all_connectors():
        raise wrong_usage(f"There is no system {system}.", f"Systems: {', '.join(sorted(all_connectors()))}.", "unknown_system")
    if as_user and system != "procore":
        raise wrong_usage(f"{system} knows no sign-in by a person.", "Leave --as-user out.")


def _settings(given: list[str], named: dict[str, str]) -> dict[str, Any]:
    """NAME=VALUE pairs; a value is JSON where it reads as JSON, else text."""
    import json

    from cli.exits import wrong_usage

    values: dict[str, Any] = {name: value for name, value in named.items() if value}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not equals:
            raise wrong_usage(f"{pair} is no NAME=VALUE.", "For example: --set procore_purchase_order=true")
        try:
            parsed = json.loads(value)
        except ValueError:
            parsed = value
        # only what JSON alone can say is taken from it: an id or an amount stays the text that was typed
        values[name] = parsed if isinstance(parsed, bool | list | dict) else value
    return values


def _company(system: str, ref: str | None, name: str, site_id: str) -> tuple[int | None, str]:
    """(our id or None for a new one, Procore's id). Raises Failure."""
    from cli.connecting import known_company, site_of
    from cli.exits import wrong_usage
    from cli.place import enter

    existing = known_company(name) if name else None
    if name and existing is None:
        if system != "procore":
            raise wrong_usage(f"There is no company {name} yet.", "Connect Procore first: the company is Procore's.")
        if not site_id.isdigit():
            raise wrong_usage("A new company needs its Procore id.", "Add --company-id NUMBER: the number in Procore's address.")
        return None, site_id
    found = existing or enter(ref).company_id
    if site_id and site_id != site_of(found):
        raise wrong_usage(f"The company is {site_of(found)} in Procore, not {site_id}.", "Leave --company-id out.")
    return found, site_of(found)


def _new_company(name: str, site_id: str, currency: str, time_zone: str) -> int:
    from zoneinfo import ZoneInfo

    from sync.connections import new_company

    return new_company(name, site_id, currency, ZoneInfo(time_zone).key)


def _tell(out: Output, system: str, company_id: int, rows: int, covered: list[str] | None, trial: "Trial") -> None:
    from cli.connecting import sign_in_link
    from settings.environment import environment

    link = sign_in_link(company_id, "admin")
    env = environment()
    if covered is not None:
        rings = ", ".join(covered) or "nothing it offers"
        out.say(f"Webhooks ring at {env.public_url} for: {rings}. The rest is read every {env.scan_seconds} s.")
    else:
        out.say(
            f"No webhooks: {system} cannot reach {env.public_url}. Changes are read every {env.scan_seconds} s. "
            "Set PUBLIC_URL and connect again to have them within seconds.",
            "warn",
        )
    out.say(f"Connected. The first reading has begun; watch it with ./sitebooks status, or sign in: {link}")
    out.document(
        {
            "company_id": company_id,
            "connection": system,
            "webhooks": covered or [],
            "rows": rows,
            "sign_in": link,
            "token_expires_at": trial.held.expires_at if trial.held else None,
        }
    )
