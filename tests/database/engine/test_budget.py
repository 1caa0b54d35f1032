"""The request budget of a credential: one row for all workers, windows by the system's own headers, never exceeded."""

import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from sqlalchemy import text

import simulators
from connectors.calls import Request
from connectors.ports import Window
from connectors.registry import connector
from models import session, unscoped
from objects.outcome import Outcome
from simulators.kit.clock import Clock
from sync import clients, connections
from sync.clients import SharedBudget
from sync.company import load
from tests.database.engine.stand import together
from tests.transport import SimulatorTransport

SECOND = timedelta(seconds=1)


@pytest.fixture
def link(company):
    return connections.connect(company, "lentune", {"base_url": "http://127.0.0.1"}, {"client_id": "a", "client_secret": "b"})


def row(link):
    with unscoped() as db:
        return db.execute(text("SELECT * FROM budget WHERE connection_id = :c"), {"c": link}).one()


def put(link, **values):
    with unscoped() as db:
        sets = ", ".join(f"{c} = :{c}" for c in values)
        db.execute(text(f"UPDATE budget SET {sets} WHERE connection_id = :c"), {**values, "c": link})


def now():
    return datetime.now(UTC)


def said(limit, left, seconds):
    return Window(limit, left, now() + timedelta(seconds=seconds))


def test_without_limits_it_never_says_no(link):
    budget = SharedBudget(link)
    assert [budget.take() for _ in range(20)] == [None] * 20


def test_what_an_answer_said_travels_with_the_next_take(link):
    budget = SharedBudget(link)
    budget.seen(said(100, 40, 3000))
    assert row(link).hour_left is None
    budget.take()
    assert (row(link).hour_limit, row(link).hour_left) == (100, 39)
    assert row(link).answered_at is not None


@pytest.mark.parametrize(("seconds", "which"), [(5, "spike"), (10, "spike"), (1800, "hour"), (3599, "hour")])
def test_windows_are_told_apart_by_their_end(link, seconds, which):
    budget = SharedBudget(link)
    budget.seen(said(25, 20, seconds))
    budget.take()
    assert getattr(row(link), f"{which}_limit") == 25


def test_a_header_only_lowers_what_is_left(link):
    """Answers arrive out of order: a late one that says more is left than there is must not be believed."""
    end = now() + 1800 * SECOND
    one, two = SharedBudget(link), SharedBudget(link)
    one.seen(Window(100, 50, end))
    one.take()
    two.seen(Window(100, 80, end))
    two.take()
    assert row(link).hour_left == 48
    one.seen(Window(100, 30, end))
    one.take()
    assert row(link).hour_left == 29


def test_of_several_answers_between_two_takes_the_lowest_counts(link):
    budget, end = SharedBudget(link), now() + 1800 * SECOND
    for left in (40, 10, 30):
        budget.seen(Window(100, left, end))
    budget.take(urgent=True)
    assert row(link).hour_left == 9


def test_the_last_tenth_is_kept_for_webhooks(link):
    put(link, hour_limit=100, hour_left=12, hour_reset=now() + 1000 * SECOND)
    budget = SharedBudget(link)
    assert [budget.take() for _ in range(2)] == [None, None]
    assert budget.take() == row(link).hour_reset, "a scan waits"
    assert [budget.take(urgent=True) for _ in range(10)] == [None] * 10, "what people wait for goes on"
    assert budget.take(urgent=True) == row(link).hour_reset, "and then nobody"
    assert row(link).hour_left == 0


def test_a_refusal_takes_nothing(link):
    put(
        link,
        spike_limit=10,
        spike_left=0,
        spike_reset=now() + 5 * SECOND,
        hour_limit=100,
        hour_left=50,
        hour_reset=now() + 900 * SECOND,
    )
    assert SharedBudget(link).take(urgent=True) is not None
    assert (row(link).spike_left, row(link).hour_left) == (0, 50)


@pytest.mark.parametrize("ago", [60, 5 * 3600 + 60])
def test_an_hour_that_ended_starts_anew_on_its_own_phase(link, ago):
    """Also when nothing was asked for many hours: the end stays a whole number of hours after the last one heard of."""
    ended = now() - ago * SECOND
    put(link, hour_limit=10, hour_left=0, hour_reset=ended)
    assert SharedBudget(link).take(urgent=True) is None
    after = row(link)
    assert now() < after.hour_reset <= now() + 3600 * SECOND
    assert ((after.hour_reset - ended).total_seconds() / 3600) % 1 == pytest.approx(0, abs=1e-4)
    assert after.hour_left == 9


def spike(link, left, seconds):
    put(link, spike_limit=25, spike_left=left, spike_reset=now() + seconds * SECOND)


def ends_in(link):
    return (row(link).spike_reset - now()).total_seconds()


@pytest.mark.parametrize("ago", [3, 1234])
def test_a_small_window_that_ended_starts_with_the_next_request(link, ago):
    """A phase is of no use: Procore may start a window with its first request, or by the clock; the answer will tell."""
    spike(link, 0, -ago)
    budget = SharedBudget(link)
    assert budget.take(urgent=True) is None
    assert row(link).spike_left == 24 and 5 < ends_in(link) <= 11.1
    budget.seen(said(25, 24, 4))  # by the clock
    budget.take(urgent=True)
    assert row(link).spike_left == 23 and ends_in(link) <= 4


def test_a_window_that_is_open_ends_within_its_length(link):
    """Resets are told in whole seconds, rounded up; waiting for that much longer would waste a tenth of the allowance."""
    spike(link, 20, 10.9)
    budget = SharedBudget(link)
    budget.seen(said(25, 20, 10.8))
    budget.take()
    assert ends_in(link) <= 10


def test_a_late_word_of_a_window_that_is_over_does_not_end_the_present_one(link):
    spike(link, 10, 9)
    budget = SharedBudget(link)
    budget.seen(said(25, 0, 0.9))
    assert budget.take() is None
    assert row(link).spike_left == 9 and ends_in(link) > 2


def test_a_window_that_began_unseen_is_taken_over_less_what_is_under_way(link):
    spike(link, 2, 3)
    budget = SharedBudget(link)
    budget.seen(said(25, 24, 9.9))
    budget.take()
    assert row(link).spike_left == 20 and ends_in(link) > 4


def test_a_header_of_a_window_that_is_over_is_not_believed(link):
    end = now() + 1800 * SECOND
    put(link, hour_limit=100, hour_left=60, hour_reset=end)
    budget = SharedBudget(link)
    budget.seen(Window(100, 0, now() - SECOND))
    assert budget.take() is None
    assert row(link).hour_left == 59


def test_until_a_limit_is_known_one_request_at_a_time_goes(link):
    put(link, learn=True)
    first, second = SharedBudget(link), SharedBudget(link)
    assert first.take() is None
    wait = second.take()
    assert wait is not None and timedelta(0) < wait - now() <= timedelta(seconds=2), "look again shortly"
    first.seen(said(100, 99, 1800))
    assert first.take() is None
    assert second.take() is None, "now it is known"


def test_a_system_that_tells_no_limit_is_not_waited_for_for_ever(link):
    put(link, learn=True)
    budget = SharedBudget(link)
    budget.take()
    budget.seen(None)
    assert budget.take() is None
    assert SharedBudget(link).take() is None
    assert row(link).learn is False


def test_a_probe_that_never_came_back_is_given_up(link):
    put(link, learn=True, probe_until=now() - SECOND)
    assert SharedBudget(link).take() is None


def test_shut_is_shut_for_everybody(link):
    budget = SharedBudget(link)
    budget.seen(Window(0, 0, now() + 30 * SECOND))
    assert SharedBudget(link).take() == row(link).shut_until, "at once, not with this one's next request"
    assert budget.take(urgent=True) == row(link).shut_until
    assert SharedBudget(link).take(urgent=True) == row(link).shut_until
    budget.seen(Window(0, 0, now() + 5 * SECOND))
    budget.take()
    assert row(link).shut_until - now() > 25 * SECOND, "a shorter word does not open it"


def test_many_threads_take_exactly_what_there_is(link):
    put(link, spike_limit=100, spike_left=25, spike_reset=now() + 60 * SECOND)
    got = Counter()
    lock = threading.Lock()

    def work(_):
        budget = SharedBudget(link)
        for _ in range(10):
            free = budget.take(urgent=True) is None
            with lock:
                got[free] += 1

    together(work, 4)
    assert got == {True: 25, False: 15}


class Counting(SimulatorTransport):
    """Keeps the status of every answer; each bears the Date of its system's clock, as an HTTP server's does."""

    def __init__(self, core):
        super().__init__(core)
        self.statuses, self.lock = [], threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        with self.lock:  # the core is one thread's; answers then take a moment to travel
            answer = super().handle_request(request)
            answer.headers["Date"] = format_datetime(self.simulator.clock.now(), usegmt=True)
            if "oauth" not in request.url.path:
                self.statuses.append(answer.status_code)
        time.sleep(0.002)
        return answer


class Busy:
    """A company with four workers that send as much as they may, to a Procore of small windows whose clock may be off."""

    def __init__(self, skew, retry_after):
        clock = Clock()
        clock.advance(skew)
        core = simulators.load("procore", dataset="small", clock=clock, hourly=0, spike=12, retry_after=retry_after)
        self.transport, self.waits = Counting(core), []
        self.company = connections.new_company("Busy", str(core.credentials["company_id"]))
        credentials = {k: str(v) for k, v in core.credentials.items()}
        connections.connect(self.company, "procore", {"base_url": "http://127.0.0.1"}, credentials)
        with session(self.company) as db:
            self.loaded = load(db, self.company)

    def work(self, till):
        link = self.loaded.connections["procore"]
        client = connector("procore").connect(
            link.settings,
            clients.Credentials(self.company, link.id),
            SharedBudget(link.id),
            company=self.loaded.site_id,
            urgent=True,
            transport=self.transport,
        )
        while time.monotonic() < till:
            answer = client.send(Request("GET", "/rest/v1.1/projects", {"company_id": self.loaded.site_id}))
            if answer.outcome is not Outcome.confirmed:
                wait = (answer.retry_at - datetime.now(UTC)).total_seconds()
                self.waits.append(wait)
                time.sleep(min(max(wait, 0.01), 0.1))


def test_four_workers_never_exceed_procores_limit_whatever_its_clock_says(database):
    """Small windows: no request into a window known to be closed, at most one 429 in each, and the allowance is used."""
    busy = [Busy(0, True), Busy(0, False), Busy(600, False), Busy(-600, True)]
    till = time.monotonic() + 11.5  # Procore's small window lasts 10 s: two of them
    together(lambda n: busy[n % 4].work(till), 16)
    for one in busy:
        statuses = Counter(one.transport.statuses)
        assert set(statuses) <= {200, 429}
        assert statuses[200] >= 20, f"the allowance of two windows is used: {statuses}"
        assert statuses[429] <= 2, f"at most one in each window: {statuses}"
        assert max(one.waits) < 12, "no stall because of a clock that is off"
