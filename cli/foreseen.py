"""What `sync --dry-run` shows: what would be created, changed, held and ignored, with the money per currency."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from cli.output import Output
from sync.preview import Foreseen
from sync.views import kind_word, kinds_word, system_word
from sync.views.records import text_of
from sync.views.words import kind_order

WORDS = {
    "create": "would be created",
    "change": "would be changed",
    "approval": "would wait for approval",
    "held": "would be held",
    "attention": "would need attention",
    "rejected": "stay rejected",
    "in_progress": "are under way",
    "deleted": "are deleted at the source",
    "unread": "would be read first",
    "ignored": "are not part of this sync",
    "no_change": "agree already",
}
#: What is listed one by one; the rest is only counted.
LISTED = ("create", "change", "approval", "held", "attention")
STYLES = {"create": "synced", "change": "synced", "approval": "awaiting_approval", "held": "held", "attention": "needs_attention"}


def show(out: Output, found: Sequence[Foreseen]) -> None:
    """The list of what would move or stand still, then the sums."""
    out.say("Nothing is written, here or there. This is what would happen by what was last read.\n", "dim")
    listed = [one for outcome in LISTED for one in found if one.outcome == outcome]
    if listed:
        out.table(
            ("what", "kind", "number", "name", "amount", "to", "why"),
            [
                (
                    WORDS[one.outcome],
                    kind_word(one.kind),
                    one.number,
                    one.name,
                    f"{one.currency} {one.amount:,.2f}" if one.amount is not None else "",
                    _target(one),
                    _why(one),
                )
                for one in listed
            ],
            right=("amount",),
            styles=[STYLES[one.outcome] for one in listed],
        )
        out.say()
    out.table(
        ("", "records", "", "amount"),
        [(f"{kinds_word(s['kind'])} that {WORDS[s['outcome']]}", s["records"], s["currency"], s["amount"]) for s in sums(found)],
        right=("records", "amount"),
    )


def plain(found: Sequence[Foreseen]) -> dict[str, Any]:
    """The document: every record that would move or stand still, and the sums over all."""
    return {
        "dry_run": True,
        "records": [
            {
                "id": one.id,
                "kind": one.kind,
                "number": one.number,
                "name": one.name,
                "connection": one.system,
                "direction": one.direction,
                "outcome": one.outcome,
                "currency": one.currency,
                "amount": one.amount,
                "problems": [{"code": p.code, "title": text_of(p).title} for p in one.problems],
                "warnings": [{"code": p.code, "title": text_of(p).title} for p in one.warnings],
            }
            for one in found
            if one.outcome != "no_change"
        ],
        "sums": sums(found),
    }


def sums(found: Sequence[Foreseen]) -> list[dict[str, Any]]:
    """Count and money per kind, outcome and currency."""
    made: dict[tuple[str, str, str], dict[str, Any]] = {}
    for one in found:
        key = (one.kind, one.outcome, one.currency if one.amount is not None else "")
        kept = made.setdefault(key, {"kind": key[0], "outcome": key[1], "currency": key[2], "records": 0, "amount": None})
        kept["records"] += 1
        if one.amount is not None:
            kept["amount"] = (kept["amount"] or Decimal("0.00")) + one.amount
    return [made[key] for key in sorted(made, key=lambda k: (kind_order(k[0]), list(WORDS).index(k[1]), k[2]))]


def _target(one: Foreseen) -> str:
    return system_word(one.system if one.direction == "from_procore" else "procore")


def _why(one: Foreseen) -> str:
    before = "last time: " if one.outcome in ("create", "change") and one.problems else ""
    return before + "; ".join(text_of(problem).title for problem in (*one.problems, *one.warnings))
