"""Which slot of a schedule entry is due now for a connection, and who claims it."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from celery.schedules import crontab

from connectors.registry import all_connectors
from settings.schedule import ENTRIES, Entry
from sync import clock, sweep
from sync.connections import Scheduled, scheduled


def claimed(schedule: str, now: datetime | None = None) -> Iterator[Scheduled]:
    """The connections whose slot of this entry is due and was claimed by this call: each slot exactly once."""
    entry, moment = ENTRIES[schedule], now or clock.now()
    for connection in scheduled():
        if entry.systems is not None and connection.system not in entry.systems:
            continue
        slot = slot_of(entry, connection, moment)
        if slot is not None and sweep.claim_slot(f"{schedule}:{connection.id}", slot):
            yield connection


def slot_of(entry: Entry, connection: Scheduled, now: datetime) -> datetime | None:
    """The newest slot that has begun (UTC), or None. Missed slots are not made up one by one: the newest does for all."""
    if entry.every is not None:
        return datetime.fromtimestamp(int(now.timestamp()) // entry.every * entry.every, UTC)
    if entry.when_setting is not None and not _setting(connection, entry.when_setting):
        return None
    zone = ZoneInfo(connection.time_zone)
    if entry.daily_at is not None:
        begun = _newest_begun([entry.daily_at], now.astimezone(zone))
        return begun and begun.replace(hour=0, minute=0)  # the local date is the slot: once a date, whatever its time
    if entry.times_setting is not None:
        return _newest_begun(_setting(connection, entry.times_setting) or (), now.astimezone(zone))
    if entry.cron_setting is None:
        return None
    return _newest_match(_setting(connection, entry.cron_setting), zone, now)


def _setting(connection: Scheduled, name: str) -> Any:
    """As it was saved, else what its model says; None where this system has no such setting."""
    if name in connection.settings:
        return connection.settings[name]
    declared = all_connectors().get(connection.system)
    field = declared.settings.model_fields.get(name) if declared else None
    return None if field is None or field.is_required() else field.get_default(call_default_factory=True)


def _newest_begun(times: Sequence[str], local: datetime) -> datetime | None:
    """The newest of these times of day that has begun there, as the wall clock reads: each is one slot a date."""
    days = (local.date(), local.date() - timedelta(days=1))
    walls = [datetime.combine(day, time.fromisoformat(at), UTC) for day in days for at in times]
    return max((wall for wall in walls if wall <= local.replace(tzinfo=UTC)), default=None)


def _newest_match(cron: str | None, zone: ZoneInfo, now: datetime) -> datetime | None:
    """The latest minute of the past hour that the cron names in this zone."""
    if not cron:
        return None
    wanted = crontab.from_string(cron)
    minute = now.replace(second=0, microsecond=0)
    for back in range(60):
        at = minute - timedelta(minutes=back)
        if any(_named(wanted, wall) for wall in _wall_minutes(at, zone, every_hour=len(wanted.hour) == 24)):
            return at
    return None


def _wall_minutes(at: datetime, zone: ZoneInfo, every_hour: bool) -> Iterator[datetime]:
    """The minutes on a wall clock there that this one stands for.

    What a day without that hour skips is made up for by the minute after it; an hour that comes twice counts once. A
    cron that names every hour means every hour there is.
    """
    local = at.astimezone(zone)
    if every_hour or not local.fold:
        yield local.replace(tzinfo=None)
    if not every_hour:
        before = (at - timedelta(minutes=1)).astimezone(zone)
        skipped = local.replace(tzinfo=None) - before.replace(tzinfo=None) - timedelta(minutes=1)
        for n in range(1, int(skipped.total_seconds()) // 60 + 1):
            yield local.replace(tzinfo=None) - timedelta(minutes=n)


def _named(cron: crontab, wall: datetime) -> bool:
    return (
        wall.minute in cron.minute
        and wall.hour in cron.hour
        and wall.day in cron.day_of_month
        and wall.month in cron.month_of_year
        and wall.isoweekday() % 7 in cron.day_of_week
    )
