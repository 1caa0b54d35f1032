"""One sentence that says how a record stands, and the JSON of everything known about it."""

from typing import Any

from cli.live import Live
from cli.papers import papers_plain
from cli.rows import called, row_plain
from models.states import RecordState
from sync.views import Record, system_word
from sync.why import CheckResult, Why


def verdict(seen: Record, parent: str) -> str:
    """What a person wants to know first."""
    row = seen.row
    what, target = called(row, parent), system_word(row.target)
    because = f": {row.problems[0].title.rstrip('.')}" if row.problems else ""
    held_as = f" as {row.remote_number or row.remote_id}" if row.remote_id else ""
    return {
        RecordState.synced: f"{what} is in both systems; {target} holds it{held_as}.",
        RecordState.held: f"{what} is held and goes on by itself{because}.",
        RecordState.needs_attention: f"{what} needs attention{because}.",
        RecordState.awaiting_approval: f"{what} waits for approval of exactly version {row.version}.",
        RecordState.pending: f"{what} waits its turn.",
        RecordState.sending: f"{what} is being sent to {target}.",
        RecordState.checking: f"{what} is being checked: we do not know whether {target} took it; it is not sent again blindly.",
        RecordState.rejected: f"{what} was rejected; nothing is sent until there is a new version.",
        RecordState.conflict: f"{what} was changed on both sides; a person decides per field{because}.",
        RecordState.ignored: f"{what} is not part of this sync{because}.",
        RecordState.unlinked: f"{what} is unlinked.",
        RecordState.source_deleted: f"{what} was deleted in {system_word(row.source)}; {target} still holds it{held_as}.",
    }[RecordState(row.state)]


def why_plain(seen: Record, why: Why, parent: str, live: Live | None) -> dict[str, Any]:
    """The document of `why --json`."""
    return {
        "record": row_plain(seen.row, parent),
        "verdict": verdict(seen, parent),
        "project": seen.row.project,
        "source": {
            "system": why.source,
            "id": seen.row.source_id,
            "data": seen.data,
            "read_at": seen.read_at,
            "gone_at": seen.gone_at,
        },
        "target": {
            "system": why.target,
            "held": seen.held,
            "remote_id": seen.row.remote_id,
            "remote_number": seen.row.remote_number,
            "agreed": seen.agreed,
            "protected_by": why.protected_by,
            "key": seen.key,
        },
        "fields": seen.fields,
        "lines": seen.lines,
        **papers_plain(seen),
        "checks": [_check(check) for check in why.checks],
        "problems": why.problems,
        "warnings": why.warnings,
        "writes": seen.writes,
        "approvals": seen.approvals,
        "attempts": why.attempts,
        "history": why.history,
        "story": seen.story,
        "next": {"at": why.next_at, "text": why.next_text},
        **({"live": live} if live is not None else {}),
    }


def _check(check: CheckResult) -> dict[str, Any]:
    return {"name": check.name, "requirement": check.requirement, "ok": check.ok, "problem": check.problem}
