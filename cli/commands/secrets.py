"""sitebooks secrets: stored secrets under a new key, and new webhook secrets, while everything runs."""

import time
from typing import Annotated

import typer

from cli.exits import NEEDS_ATTENTION, PARTLY_DONE
from cli.options import AsJson, CompanyRef, DryRun, System
from cli.output import Output

group = typer.Typer(help="Keys and webhook secrets.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="secrets")


@group.command("rotate")
def rotate(dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Encrypt everything stored with the first key of SECRET_KEY, in all companies. Exit 3: something no key opens."""
    from cli.attach import attach

    attach()
    from sync import rotation
    from sync.connections import companies

    out, done, left = Output(as_json), 0, rotation.Keys()
    for company_id, _ in companies():
        done += 0 if dry_run else rotation.rotate(company_id)
        left += rotation.count(company_id)
    if done:
        out.bullet(f"{done} stored secrets are encrypted with the first key now", "✓", "ok")
    out.say(f"{left.first} under the first key, {left.old} under an older one, {left.none} under none that SECRET_KEY has.")
    if left.none:
        out.say("Fix: put the key they were made with behind the others in SECRET_KEY, or connect those systems again.")
    elif not left.old:
        out.say("Nothing needs an older key: take it out of SECRET_KEY wherever that is set, and restart the processes.")
    out.document({"rotated": done, "under_first_key": left.first, "under_older_keys": left.old, "under_no_key": left.none})
    if left.none:
        raise typer.Exit(NEEDS_ATTENTION)


@group.command("rotate-webhooks")
def rotate_webhooks(
    drop_old: Annotated[bool, typer.Option("--drop-old", help="Second step, a day later: only the new secret is valid.")] = False,
    as_json: AsJson = False,
    company: CompanyRef = None,
    connection: System = None,
) -> None:
    """Give each system a new webhook secret; the old one stays valid beside it until --drop-old. Loses no delivery."""
    from cli.place import actor, enter

    place, out = enter(company), Output(as_json)
    asked = place.system(connection)
    systems = [name for name in place.systems if asked in ("", name)]
    told = _drop(out, place.company_id, systems, actor()) if drop_old else _renew(out, place.company_id, systems, actor())
    out.document({"connections": told})
    if any(one.get("failed") for one in told):
        raise typer.Exit(PARTLY_DONE)


def _renew(out: Output, company_id: int, systems: list[str], who: str) -> list[dict[str, object]]:
    from connectors.calls import CallFailed
    from sync import rotation

    for system in systems:
        rotation.offer(company_id, system, who)
    time.sleep(rotation.NOTICED_SECONDS)  # until every web process believes the new one
    told: list[dict[str, object]] = []
    for system in systems:
        try:
            covered = rotation.register(company_id, system)
        except CallFailed as error:
            out.bullet(f"{system} did not take the new secret: {error}. The old one stays valid; run it again.", "✗", "fail")
            told.append({"connection": system, "failed": str(error)})
            continue
        said = "signs with the new secret" if covered is not None else "cannot reach us: it has no webhooks"
        out.bullet(f"{system} {said}", "✓")
        told.append({"connection": system, "webhooks": covered})
    out.say("Both secrets are valid. A day from now: sitebooks secrets rotate-webhooks --drop-old")
    return told


def _drop(out: Output, company_id: int, systems: list[str], who: str) -> list[dict[str, object]]:
    from connectors.calls import CallFailed
    from sync import rotation

    told: list[dict[str, object]] = []
    for system in systems:
        try:
            dropped = rotation.drop_old(company_id, system, who)
        except (CallFailed, rotation.TooEarly) as error:
            out.bullet(f"{system}: {error}. Both secrets stay valid; run it again later.", "✗", "fail")
            told.append({"connection": system, "failed": str(error)})
            continue
        out.bullet(f"{system}: {'the old secret is dropped' if dropped else 'there is only one'}", "✓", "ok")
        told.append({"connection": system, "dropped": dropped})
    return told
