"""Was this database put back to an earlier day, or is it a copy? Then nothing is written until the links are rebuilt."""

import logging
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from sqlalchemy import Connection, text

from models import session, unscoped
from settings.environment import environment
from sync import stops
from sync.company import load

log = logging.getLogger("sitebooks.restored")

#: Which database this is, and how far its log reaches. A dump that was restored, or a copy, has other ids; a folder that
#: was put back has the same ids and a shorter log.
_HERE = text("""
    SELECT concat_ws('/', (SELECT system_identifier FROM pg_control_system()),
        (SELECT oid FROM pg_database WHERE datname = current_database()), 'company'::regclass::oid) AS place,
        (pg_current_wal_insert_lsn() - '0/0')::bigint AS log
""")


@dataclass(frozen=True, slots=True)
class Here:
    """`place` names the database; `log` is the position in its write-ahead log, which only ever grows."""

    place: str
    log: int


def check() -> str:
    """Looks, and stops all writing when it was restored; the reason, or nothing. Cheap: run at start and with every sweep."""
    seen = _remembered()  # before the database is asked: what others remember meanwhile is later than what it says to us
    with unscoped() as db:
        here, was = _here(db), db.execute(text("SELECT place FROM mark")).scalar()
        if was is None:
            db.execute(text("INSERT INTO mark (one, place) VALUES (true, :p) ON CONFLICT DO NOTHING"), {"p": here.place})
    reason = _reason(here, was, seen)
    if reason:
        _stop_everything(reason)
    else:
        _remember(here)
    return reason


def accept(company_id: int, rebuilt: Collection[str]) -> None:
    """These connections' links were rebuilt: this is the database from now on.

    All others are stopped first, also those that something else had stopped: a stop stays with its connection, so no later
    look is needed to keep them, and none undoes what was let go on.
    """
    with unscoped() as db:
        here, was = _here(db), db.execute(text("SELECT place FROM mark")).scalar()
    if reason := _reason(here, was, _remembered()):
        _stop_everything(reason, {(company_id, system) for system in rebuilt}, anyhow=True)
    with unscoped() as db:
        here = _here(db)
        db.execute(text("UPDATE mark SET place = :p, at = clock_timestamp()"), {"p": here.place})
    _remember(here)


def _here(db: Connection) -> Here:
    row = db.execute(_HERE).one()
    return Here(row.place, row.log)


def _reason(here: Here, was: str | None, seen: Here | None) -> str:
    if was is not None and was != here.place:
        return "This is another database than the one that was running: a copy, or a restored dump"
    if seen is not None and seen.place == here.place and seen.log > here.log:
        return "The database's log is shorter than it has been: it was put back to an earlier moment"
    return ""


def _stop_everything(reason: str, but: Collection[tuple[int, str]] = (), *, anyhow: bool = False) -> None:
    """`anyhow`: also where something else has stopped or blocked it, which a person may settle without looking at the links."""
    with unscoped() as db:
        companies = [row.company_id for row in db.execute(text("SELECT company_id FROM sitebooks_companies()"))]
    for company_id in companies:
        with session(company_id) as db:
            for system in load(db, company_id).connections:
                if (company_id, system) in but:
                    continue
                if stops.stop(db, company_id, system, "restored", reason, anyhow=anyhow):
                    log.error("company %s: writing to %s is stopped: %s", company_id, system, reason)


def _witness() -> Path:
    """Beside the database, not in it: what is put back with it tells nothing."""
    return environment().data_dir / "witness"


def _remembered() -> Here | None:
    try:
        place, _, position = _witness().read_text().strip().rpartition(" ")
    except (FileNotFoundError, NotADirectoryError):
        return None
    return Here(place, int(position)) if position.isdigit() else None


def _remember(here: Here) -> None:
    """Where there is a folder of ours; elsewhere the ids alone must tell."""
    if not environment().data_dir.is_dir():
        return
    with NamedTemporaryFile("w", dir=environment().data_dir, prefix="witness-", delete=False) as fresh:
        fresh.write(f"{here.place} {here.log}\n")
    Path(fresh.name).replace(_witness())
