"""Which slot of a schedule is due: every so often, once a day, by a cron; also on the two days that have no 24 hours."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from settings.schedule import ENTRIES, Entry
from sync.connections import Scheduled
from tasks.slots import slot_of

ZONE = ZoneInfo("Pacific/Auckland")
#: 2026-09-27: 02:00 becomes 03:00. 2027-04-04: 03:00 becomes 02:00.
GAP, FOLD = datetime(2026, 9, 27, tzinfo=ZONE), datetime(2027, 4, 4, tzinfo=ZONE)
DAYS = [GAP, FOLD, datetime(2026, 7, 1, tzinfo=ZONE), datetime(2026, 12, 31, tzinfo=ZONE)]


def connection(cron=None, on=True, zone="Pacific/Auckland"):
    return Scheduled(1, 1, "lentune", zone, {"auto_push_cron": cron, "auto_push_invoices": on})


def entry(**how):
    return Entry("sitebooks.maintenance.pass", 30, "for this test", **how)


def walk(schedule, link, day, before=2, after=27):
    """The slots claimed by ticks every seven minutes from `before` hours ahead of the local day to `after` hours into it."""
    start = day.astimezone(UTC)
    now, claimed = start - timedelta(hours=before), []
    while now < start + timedelta(hours=after):
        slot = slot_of(schedule, link, now)
        if slot is not None and slot not in [s for s, _ in claimed]:
            claimed.append((slot, now))
        now += timedelta(minutes=7)
    return claimed


def test_every_so_many_seconds_is_one_slot_each_on_round_times():
    every = entry(every=300)
    at = datetime(2026, 11, 22, 10, 7, 30, tzinfo=UTC)
    assert slot_of(every, connection(), at) == datetime(2026, 11, 22, 10, 5, tzinfo=UTC)
    assert slot_of(every, connection(), at + timedelta(seconds=149)) == datetime(2026, 11, 22, 10, 5, tzinfo=UTC)
    assert slot_of(every, connection(), at + timedelta(seconds=150)) == datetime(2026, 11, 22, 10, 10, tzinfo=UTC)


@pytest.mark.parametrize("day", DAYS)
@pytest.mark.parametrize("at", ["02:30", "00:00", "03:00", "23:59"])
def test_once_a_day_is_once_a_local_date_on_every_day(day, at):
    """02:30 does not exist on the one day and comes twice on the other: one slot for each local date, all the same."""
    claimed = walk(entry(daily_at=at), connection(), day, before=0, after=24 + 3)
    mine = [(slot, now) for slot, now in claimed if slot.date() == day.date()]
    assert len(mine) == 1
    local = mine[0][1].astimezone(ZONE)
    hours, minutes = map(int, at.split(":"))
    wanted = day.replace(hour=hours, minute=minutes)
    late = (local - wanted.astimezone(UTC)).total_seconds()
    assert -3600 <= late <= 3600, f"claimed at {local}"


@pytest.mark.parametrize("day", DAYS)
@pytest.mark.parametrize("cron", ["30 2 * * *", "0 3 * * *", "59 2 * * *", "0 6 * * *", "0 2 * * *"])
@pytest.mark.requirement("L-06")
def test_a_daily_cron_runs_once_on_every_day(day, cron):
    claimed = [
        slot for slot, _ in walk(entry(cron_setting="auto_push_cron", when_setting="auto_push_invoices"), connection(cron), day)
    ]
    mine = [s for s in claimed if s.astimezone(ZONE).date() == day.date()]
    assert len(mine) == 1, [s.astimezone(ZONE).isoformat() for s in mine]


@pytest.mark.parametrize(("day", "hours"), [(GAP, 23), (FOLD, 25), (DAYS[2], 24)])
def test_an_hourly_cron_runs_every_hour_that_there_is(day, hours):
    claimed = [
        s for s, _ in walk(entry(cron_setting="auto_push_cron", when_setting="auto_push_invoices"), connection("15 * * * *"), day)
    ]
    assert len([s for s in claimed if s.astimezone(ZONE).date() == day.date()]) == hours


def test_a_late_tick_finds_the_slot_it_missed():
    six = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)  # 06:00 there
    daily = entry(cron_setting="auto_push_cron", when_setting="auto_push_invoices")
    for late in (timedelta(0), timedelta(minutes=10), timedelta(minutes=59)):
        assert slot_of(daily, connection("0 6 * * *"), six + late) == six
    assert slot_of(daily, connection("0 6 * * *"), six - timedelta(seconds=1)) is None


PAYMENTS = ENTRIES["payments"]


def vault(**settings):
    return Scheduled(2, 1, "sage_paperless", "Pacific/Auckland", {"create_payments_in_procore": True} | settings)


@pytest.mark.parametrize("day", DAYS)
@pytest.mark.parametrize("times", [("06:00", "18:00"), ("02:30", "14:30"), ("00:00", "23:30"), ("02:00", "14:00")])
@pytest.mark.requirement("A-14")
def test_payments_are_read_once_at_each_of_their_two_times_on_every_day(day, times):
    """02:30 and 02:00 do not exist on the one day and come twice on the other."""
    claimed = walk(PAYMENTS, vault(payment_times=list(times)), day, before=0, after=26)
    mine = [(slot, now) for slot, now in claimed if slot.date() == day.date()]
    assert [f"{slot:%H:%M}" for slot, _ in mine] == [*times]
    for (_, now), at in zip(mine, times, strict=True):
        hours, minutes = map(int, at.split(":"))
        assert abs((now - day.replace(hour=hours, minute=minutes).astimezone(UTC)).total_seconds()) <= 3600


@pytest.mark.requirement("A-14", "S-34")
def test_payments_are_read_at_the_settings_own_default_and_only_where_they_are_wanted():
    at = datetime(2026, 7, 1, 6, 5, tzinfo=ZONE)
    assert slot_of(PAYMENTS, vault(), at) == datetime(2026, 7, 1, 6, 0, tzinfo=UTC), "06:00 on the wall there"
    assert slot_of(PAYMENTS, vault(), at - timedelta(minutes=6)) == datetime(2026, 6, 30, 18, 0, tzinfo=UTC)
    assert slot_of(PAYMENTS, vault(create_payments_in_procore=False), at) is None
    assert slot_of(PAYMENTS, connection(), at) is None, "a system without payments"


def test_a_day_counts_in_the_companys_own_zone():
    at = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)  # already the 22nd in Auckland, still the 21st in London
    assert slot_of(entry(daily_at="00:30"), connection(), at).day == 22
    assert slot_of(entry(daily_at="00:30"), connection(zone="Europe/London"), at).day == 21


def test_every_entry_of_the_schedule_says_when_and_names_a_task():
    for name, one in ENTRIES.items():
        ways = [one.every, one.daily_at, one.cron_setting, one.times_setting]
        ticks_only = name in ("sweep", "second_looks") or one.queue
        assert len([w for w in ways if w is not None]) == (0 if ticks_only else 1), name
        assert one.task.startswith("sitebooks.") and one.about and one.tick > 0
