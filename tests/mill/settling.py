"""After the chaos: everything is healed, time passes until all is quiet, at most a day of it, and then all oracles speak."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.mill import deciding, faults, paths
from tests.mill.run import Broken, Run
from tests.oracles import broken, meddled

#: Hours within which a healed system is quiet (reliability section 5).
HOURS = 25
ROUNDS = 400
#: Times that people go through what waits for them: one decision may bring up the next.
DECISIONS = 4
#: How long a record is a worker's own, in production and here.
LEASE_SECONDS = 180
_TWO = """
    SELECT r.kind, r.number, a.attempt, a.started_at, n.started_at AS began FROM attempt a
    JOIN sync_record r ON r.id = a.record_id JOIN attempt n ON n.record_id = a.record_id AND n.attempt = a.attempt + 1
    WHERE a.company_id = %s AND n.started_at < a.started_at + make_interval(secs => %s)
        AND (a.ended_at IS NULL OR a.ended_at > n.started_at)
    ORDER BY a.id
"""
#: While writing is stopped, what was begun waits for people like everything else; whether the stop is explained, verdict says.
_RESTLESS = """
    SELECT (SELECT count(*) FROM sync_record WHERE state IN ('pending', 'sending', 'checking')
            AND NOT problems @> '[{"code": "writing_stopped"}]' OR due_at <= mill.clock_timestamp()
        OR lease_until > mill.clock_timestamp()) + (SELECT count(*) FROM event WHERE state = 'received') AS n,
    (SELECT min(due_at) FROM sync_record WHERE due_at > mill.clock_timestamp()) AS next
"""


def settle(run: Run) -> None:
    """Raises Broken when it never becomes quiet."""
    paths.count_faults(run)
    for site in run.sites:
        faults.end(site)
    run.share.heal()
    run.note("healed")
    for worker in list(run.workers.stopped):
        run.workers.resume(worker)
    healed = run.time.now()
    run.time.pass_(300)
    run.tick()
    _until_quiet(run, healed)
    _night(run)
    _until_quiet(run, healed)
    if run.shape["meddled"]:
        for site in run.sites:
            run.broker.put("sitebooks.maintenance.compare", [site.company, site.world.system], "maintenance")
        _until_quiet(run, healed)
    # where nobody meddled and no money is moved, nothing needs a person to come right: what stays set aside must be explained
    for _ in range(DECISIONS if run.shape["meddled"] or run.world.decides else 0):
        settled = sum(deciding.settle_all(site, run.broker) for site in run.sites)
        if not settled:
            break
        run.note(f"people settled {settled}")
        run.paths["a person settled what only a person can"] += settled
        _until_quiet(run, healed)
    for site in run.sites:
        if deciding.agree_to_all(site, run.broker):
            run.paths["what waited for approval was approved at the end"] += 1
    run.time.pass_(1900)  # longer than held records wait to be looked at again
    _until_quiet(run, healed)


def verdict(run: Run) -> list[str]:
    """Everything that is wrong now."""
    found = [said for sight in run.sights for said in (*broken(sight), *meddled.overwritten(sight))] + _two_at_once(run)
    for sight in run.sights:
        for row in sight.rows("SELECT * FROM connection WHERE company_id = %s AND blocked_code IS NOT NULL", [sight.company]):
            found.append(f"I2: the connection with {row['system']} is stopped for {row['blocked_code']}, which nothing explains")
    return found


def _two_at_once(run: Run) -> list[str]:
    """The lease: nobody begins while another has begun, has not ended, and may still send."""
    return [
        f"I10: attempt {row['attempt'] + 1} of {row['kind']} {row['number']} began at {row['began']:%H:%M:%S}, while the one"
        f" of {row['started_at']:%H:%M:%S} had it"
        for sight in run.sights
        for row in sight.rows(_TWO, [sight.company, LEASE_SECONDS])
    ]


def _until_quiet(run: Run, healed: datetime) -> None:
    for _ in range(ROUNDS):
        _drain(run)
        row = run.sights[0].rows(_RESTLESS)[0]
        if not row["n"] and not run.broker.waiting and not any(site.waiting() for site in run.sites):
            return
        if run.time.now() - healed > timedelta(hours=HOURS):
            break
        _jump(run, row["next"])
    raise Broken(f"liveness: not quiet after {run.time.now() - healed}: {_restless(run)}")


def _drain(run: Run) -> None:
    """Webhooks come in and messages run, each a step of its own."""
    for _ in range(3000):
        if any(site.hear(run.broker) for site in run.sites):
            run.steps["settle hooks"] += 1
            continue
        ready = run.broker.ready()
        if not ready:
            return
        run.steps["settle work"] += 1
        run.workers.start(ready[0])
        run.time.pass_(0.02)
        run.judge()
    raise Broken(f"liveness: messages beget messages: {[str(message) for message in run.broker.waiting[:10]]}")


def _jump(run: Run, due: Any) -> None:
    """To the next time at which anything is due; the sweep finds what nobody rang for."""
    times = [run.broker.next_due(), due, *(site.next_webhook() for site in run.sites)]
    later = [at.astimezone(UTC) for at in times if at is not None and at > run.time.now()]
    run.time.until(min([*later, run.time.now() + timedelta(seconds=300)]))
    run.time.pass_(16)
    run.steps["settle pass"] += 1
    run.tick(without=run.world.passes)  # every five minutes they read everything; while quarantines pass, once is enough


def _night(run: Run) -> None:
    """To the next nightly pass, which reads everything."""
    zone = ZoneInfo("Pacific/Auckland")
    local = run.time.now().astimezone(zone)
    night = local.replace(hour=2, minute=31, second=0, microsecond=0)
    night += timedelta(days=1) if night <= local else timedelta(0)
    run.time.until(night.astimezone(UTC))
    run.steps["settle pass"] += 1
    run.tick()


def _restless(run: Run) -> str:
    rows = run.sights[0].rows(
        "SELECT kind, number, state, due_at, attempt, problems FROM sync_record"
        " WHERE state IN ('pending', 'sending', 'checking') OR due_at <= mill.clock_timestamp() LIMIT 5"
    )
    events = run.sights[0].rows("SELECT id, system, state, tries, note FROM event WHERE state = 'received' LIMIT 5")
    return f"{rows} {events} {[str(message) for message in run.broker.waiting[:5]]}"
