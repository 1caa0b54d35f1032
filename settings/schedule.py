"""When things happen by themselves: plain data, turned into Celery beat's entries by workers/beat.py.

Beat only ticks; each tick asks what is due and claims the slot in Postgres, so a second beat, a late one or a restarted
one changes nothing. Daily times are wall-clock times of the company's time zone: once per local date, also on the two
days on which the clock changes.
"""

from dataclasses import dataclass

from settings.environment import environment


@dataclass(frozen=True, slots=True)
class Entry:
    """`tick`: seconds between beat's messages. Then one of `every` (seconds), `daily_at` (HH:MM local), `cron_setting`
    (the connection's setting that holds a five-field cron), `times_setting` (its setting that holds HH:MM local times);
    with a `when_setting` only while that one is on. With a `queue` the message itself is the point: it is sent through
    that queue at each tick, with nothing to claim."""

    task: str
    tick: int
    about: str
    every: int | None = None
    daily_at: str | None = None
    cron_setting: str | None = None
    times_setting: str | None = None
    when_setting: str | None = None
    systems: tuple[str, ...] | None = None
    kinds: tuple[str, ...] | None = None
    full: bool = False
    queue: str | None = None


ENTRIES: dict[str, Entry] = {
    "sweep": Entry(
        "sitebooks.maintenance.sweep",
        environment().sweep_seconds,
        "Rings again for what is due",
    ),
    **{
        f"heartbeat_{queue}": Entry(
            "sitebooks.heartbeat.pulse",
            environment().heartbeat_seconds,
            f"Goes through the queue {queue}, to show that it is worked on",
            queue=queue,
        )
        for queue in ("interactive", "bulk", "maintenance")
    },
    "second_looks": Entry(
        "sitebooks.maintenance.second_looks",
        max(environment().second_look_seconds // 15, 1),
        "Looks up what was written some minutes ago",
    ),
    "changes": Entry(
        "sitebooks.maintenance.pass",
        30,
        "Reads what changed, in case a webhook was missed",
        every=environment().scan_seconds,
    ),
    "lentune_invoice_push": Entry(
        "sitebooks.maintenance.pass",
        30,
        "Pushes Lentune's invoices to Procore (L-06)",
        systems=("lentune",),
        kinds=("invoice",),
        cron_setting="auto_push_cron",
        when_setting="auto_push_invoices",
    ),
    "payments": Entry(
        "sitebooks.maintenance.payments",
        60,
        "Reads the payments of synced invoices (A-14), as Sync Payments for Synced Invoices does",
        times_setting="payment_times",
        when_setting="create_payments_in_procore",
    ),
    "nightly_full": Entry(
        "sitebooks.maintenance.pass",
        300,
        "Reads everything, finds what webhooks and cursors missed",
        daily_at="02:30",
        full=True,
    ),
    "reconcile": Entry(
        "sitebooks.maintenance.reconcile",
        300,
        "Compares both sides to the cent",
        daily_at="04:00",
    ),
    "webhooks": Entry(
        "sitebooks.maintenance.subscribe",
        300,
        "Makes sure that our webhooks are still registered",
        daily_at="03:30",
    ),
    "housekeeping": Entry(
        "sitebooks.maintenance.housekeeping",
        3600,
        "Forgets settled events, old slots and documents that no record names",
        daily_at="05:00",
    ),
}
