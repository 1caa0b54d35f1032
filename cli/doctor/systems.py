"""The outside systems: settings, sign-in, permissions, mirrored settings, webhooks, limits."""

from cli.doctor import Finding, Findings, found
from cli.trying import Tried, try_all
from sync.probing import probe
from sync.views import SystemView, crossings, overview, system_word
from sync.views.records import text_of

FIXES = {
    "settings_refused": "Change the named setting in the console.",
    "reconnect_needed": "Connect it again: sitebooks connect",
    "system_unreachable": "Look at the system's own status page; nothing is lost meanwhile.",
    "permission_missing": "Give our user the permission there.",
    "duplicate_found": "Void all but one of them there, then: sitebooks settle --go-on --connection {system}",
    "rolled_back": "Find out whether it was restored there, then: sitebooks settle --go-on --connection {system}",
    "switched_off": "When it may go on: sitebooks connections on {system}",
    "restored": "Look first: sitebooks links rebuild. Then write the links and go on: sitebooks links rebuild --apply",
    "not_understood": "Nothing of that answer is used. Report it; an update is needed.",
}


def check(company_id: int, system: str = "") -> Findings:
    """Signs in to each system and reads one page."""
    views = {view.system: view for view in overview(company_id).systems}
    for tried in try_all(company_id, system):
        yield from _one(tried, views[tried.system])
        if tried.ok:
            yield from _needed(company_id, tried.system)
    yield from _routes(company_id)


def _needed(company_id: int, system: str) -> Findings:
    """Licences, services and jobs of the other side (S-01, S-02, S-08, S-09, S-35)."""
    name, probed = system_word(system), probe(company_id, system)
    if probed.failed:
        yield Finding(name, "its own checks", "fail", f"could not be asked: {probed.failed}", FIXES["system_unreachable"])
    for one in probed.looked:
        fix = " ".join(text_of(one.problem).fix) if one.problem else ""
        yield found(name, one.name.lower(), one.good, one.said, fix)


def _routes(company_id: int) -> Findings:
    """Go-live: one route for invoices, one writer of payments (C-12)."""
    crossed = crossings(company_id)
    for one in crossed:
        yield Finding("money", one.code.replace("_", " "), "fail", one.said, one.fix)
    if not crossed:
        yield Finding("money", "one route and one writer", "ok", "no invoice or payment can arrive in two ways")


def _one(tried: Tried, view: SystemView) -> Findings:
    name = system_word(tried.system)
    fix = FIXES.get(tried.code, "sitebooks connect says more.").format(system=tried.system)
    yield found(name, "connection", tried.ok, tried.said, fix)
    yield _stopped(name, view)
    if tried.ok:
        yield found(
            name,
            "mirrored settings",
            not tried.mirror,
            tried.mirror or "the same on both sides",
            "They are read again by the next event or pass; open the settings page to see both.",
            "warn",
        )
    yield found(
        name,
        "webhooks",
        view.last_event_at is not None,
        f"last {view.last_event_at:%Y-%m-%d %H:%M} UTC" if view.last_event_at else "none yet",
        "Make PUBLIC_URL reachable from there and connect again; until then changes are polled.",
        "warn",
    )
    if view.limit:
        left = view.left or 0
        yield found(
            name,
            "limit",
            left >= view.limit * 0.05,
            f"{left} of {view.limit} requests left",
            "Wait for the window to turn; scans leave a tenth of it to webhooks.",
            "warn",
        )


def _stopped(name: str, view: SystemView) -> Finding:
    if view.blocked_code is None:
        return Finding(name, "not stopped", "ok", "it is used")
    fix = FIXES.get(view.blocked_code, "Connect it again: sitebooks connect").format(system=view.system)
    return Finding(name, "not stopped", "fail", f"nothing is written: {view.blocked_code}", fix)
