"""Vaults as they are shown, and Grant Access: sign-in, consent once, the list of companies (S-11 to S-14)."""

from html import escape
from typing import TYPE_CHECKING

from simulators.kit.http import Request, Response
from simulators.sage_paperless.paging import listed
from simulators.sage_paperless.problems import Refusal
from simulators.sage_paperless.site import Answer, Call, Site, procore_part
from simulators.sage_paperless.store import Row, Store, Vault
from simulators.sage_paperless.webhooks import emit

if TYPE_CHECKING:
    from simulators.sage_paperless.core import SagePaperless

PAGE = "/authorise/{ticket}"
SUCCESS = "Access to Procore was granted. You can close this page and go back."
STYLE = "body{font:16px/1.5 system-ui,sans-serif;max-width:26rem;margin:3rem auto;padding:0 1rem}label,input{display:block}"


def shown(vault: Vault) -> Row:
    return {
        "id": vault.id, "name": vault.name, "bridge": vault.bridge, "procore_available": vault.supported,
        "licences": dict(vault.licences), "cloud_sync": dict(vault.cloud_sync),
    }  # fmt: skip


def list_vaults(site: Site, call: Call) -> Answer:
    """All vaults of the site: a company may be tied to one that is not the caller's."""
    return listed(site, call, [shown(vault) for vault in site.store.vaults.values()])


def get_vault(site: Site, call: Call) -> Answer:
    return Answer(200, shown(call.vault))


def get_connection(site: Site, call: Call) -> Answer:
    procore_part(call.vault, write=False)
    return Answer(200, state(site.store, call.vault))


def state(store: Store, vault: Vault, url: str | None = None) -> Row:
    connected = vault.connection["state"] == "successful"
    companies = []
    for known in store.procore_companies if connected else []:
        holder = store.holder(known["procore_company_id"])
        bound = holder.id if holder is not None and holder.id != vault.id else None
        companies.append(known | {"bound_to_vault_id": bound})
    return {
        "state": vault.connection["state"], "authorise_url": url, "connected_as": vault.connection["connected_as"],
        "companies": companies,
    }  # fmt: skip


def grant_access(site: Site, call: Call) -> Answer:
    vault, store = call.vault, site.store
    procore_part(vault, write=True)
    if not vault.cloud_sync["ever_run"]:
        raise Refusal("cloud_sync_not_running", "The cloud sync service has never been run for this vault.")
    ticket = f"{store.random.getrandbits(128):032x}"
    store.tickets[ticket] = vault.id
    if vault.connection["state"] != "successful":
        vault.connection["state"] = "authorising"
    store.note(vault, "connections", vault.id, vault.id, "action")
    return Answer(201, state(store, vault, f"{store.base}/authorise/{ticket}"))


def drop_connection(site: Site, call: Call) -> Answer:
    procore_part(call.vault, write=False)
    drop(site.store, call.vault)
    return Answer(204)


def drop(store: Store, vault: Vault) -> None:
    """Forgets the connection and frees the company; consent was given and stays given (S-12)."""
    store.note(vault, "connections", vault.id, vault.id, "deleted")
    vault.connection.update(state="not_established", connected_as=None)
    vault.configuration = {}
    vault.version += 1


def connect(store: Store, vault: Vault, email: str) -> None:
    vault.connection.update(state="successful", connected_as=email, consented=True)
    store.note(vault, "connections", vault.id, vault.id, "created")


def lose(site: Site, vault: Vault) -> None:
    """Procore no longer takes the vault's sign-in."""
    vault.connection["state"] = "lost"
    site.store.note(vault, "connections", vault.id, vault.id, "action")
    emit(site, vault, "connection.lost", vault.id, str(vault.version), {"state": "lost"})


def page(simulator: "SagePaperless", request: Request, ticket: str) -> Response:
    """Sign-in first; the Allow window appears only once."""
    vault = simulator.data.vaults.get(simulator.data.tickets.get(ticket, ""))
    if vault is None:
        return _html(404, "<p>This address is not valid any more.</p>")
    if request.method == "GET":
        return _form(vault)
    fields = request.form()
    if not fields.get("email") or not fields.get("password"):
        return _form(vault, "Email and password are needed.")
    if fields.get("decision") == "deny":
        return _html(200, "<p>Access was not granted.</p>")
    simulator.data.tickets.pop(ticket)
    simulator.as_person("/authorise", vault)
    connect(simulator.data, vault, fields["email"])
    simulator.enter_changes()
    return _html(200, f"<p>{SUCCESS}</p>")


def _form(vault: Vault, problem: str = "") -> Response:
    said = f"<p role=alert>{escape(problem)}</p>" if problem else ""
    buttons = "<button name=decision value=signin>Sign in</button>"
    if not vault.connection["consented"]:
        buttons = "<p>Sage Paperless asks to work in Procore in your name.</p><button name=decision value=allow>Allow</button>"
        buttons += "<button name=decision value=deny>Deny</button>"
    return _html(
        400 if problem else 200,
        f"<h1>Procore sign-in for {escape(vault.name)}</h1>{said}<form method=post>"
        "<label>Email<input name=email type=email required></label>"
        f"<label>Password<input name=password type=password required></label>{buttons}</form>",
    )


def _html(status: int, body: str) -> Response:
    head = f"<!doctype html><html lang=en><meta charset=utf-8><title>Sage Paperless (simulator)</title><style>{STYLE}</style>"
    return Response.html(status, head + body)
