"""What the tasks promise: their names, their limits against each other, and that a message carries ids and nothing else."""

import importlib
import inspect
import json
import pkgutil

import pytest
from celery import Celery

import tasks
from connectors.registry import all_connectors
from settings import celery as settings
from settings.environment import Environment
from settings.schedule import ENTRIES
from tasks import base, publish
from workers.app import app

#: Scripts, routes and alerts go by these names: one may be added, none may change.
NAMES = {
    "sitebooks.project.sync", "sitebooks.vendor.sync", "sitebooks.cost_code.sync", "sitebooks.cost_type.sync",
    "sitebooks.budget_code.sync", "sitebooks.commitment.sync", "sitebooks.variation.sync", "sitebooks.invoice.sync",
    "sitebooks.payment.sync", "sitebooks.sub_job.read", "sitebooks.inbox.process", "sitebooks.scan.read", "sitebooks.scan.list",
    "sitebooks.maintenance.sweep", "sitebooks.maintenance.pass", "sitebooks.maintenance.reconcile",
    "sitebooks.maintenance.subscribe", "sitebooks.maintenance.housekeeping",
}  # fmt: skip
PLAIN = {int, str, bool, "int", "str", "bool", "list[int]", "str | None", list[int]}


def ours():
    for module in pkgutil.iter_modules(tasks.__path__):
        importlib.import_module(f"tasks.{module.name}")
    app.finalize()
    return {name: task for name, task in app.tasks.items() if name.startswith("sitebooks.")}


def record_tasks():
    return {name: task for name, task in ours().items() if name.endswith(".sync")}


def test_the_names_stand():
    assert set(ours()) >= NAMES


def test_every_task_belongs_to_our_app_also_where_only_a_task_module_was_imported():
    assert {task.app.main for task in ours().values()} == {"sitebooks"}


def test_every_kind_that_moves_has_its_task_and_every_scheduled_name_exists():
    moving = {flow.kind for declared in all_connectors().values() for flow in declared.flows}
    assert {f"sitebooks.{kind}.sync" for kind in moving} <= set(ours())
    assert {entry.task for entry in ENTRIES.values()} <= set(ours())


@pytest.mark.parametrize("name", sorted(NAMES))
def test_arguments_are_ids_and_plain_words(name):
    task = ours()[name]
    for parameter in inspect.signature(task.run).parameters.values():
        assert parameter.annotation in PLAIN or parameter.name == "self", f"{name}: {parameter}"


def test_each_kind_has_a_policy_of_its_own():
    assert ours()["sitebooks.payment.sync"].max_retries == 3
    assert ours()["sitebooks.invoice.sync"].max_retries == 4
    assert ours()["sitebooks.project.sync"].max_retries == 8
    assert ours()["sitebooks.project.sync"].retry_backoff < ours()["sitebooks.payment.sync"].retry_backoff


@pytest.mark.parametrize("name", sorted(NAMES))
def test_retries_are_few_named_and_short(name):
    task = ours()[name]
    assert 0 < task.max_retries <= 20
    assert set(task.autoretry_for) == set(base.DATABASE_TROUBLE), "never every exception"
    assert task.retry_backoff_max <= base.LONGEST_COUNTDOWN == 60 if hasattr(task, "retry_backoff_max") else True


@pytest.mark.parametrize("name", sorted(name for name in NAMES if name.endswith(".sync")))
def test_the_message_of_a_lost_worker_comes_again_within_the_longest_countdown(name):
    """Celery retries it after default_retry_delay, whatever the back-off says; its own default is three minutes."""
    assert ours()[name].default_retry_delay == base.LOST_WORKER_DELAY <= base.LONGEST_COUNTDOWN


def test_the_times_protect_each_other():
    """As they are in production, and refused by the settings when somebody turns them round."""
    env = Environment.model_construct()
    assert env.request_seconds < env.soft_limit_seconds < env.hard_limit_seconds < env.lease_seconds
    assert env.visibility_seconds > 2 * env.hard_limit_seconds
    assert env.visibility_seconds > 2 * (env.hard_limit_seconds + base.LONGEST_COUNTDOWN)
    assert env.quarantine_seconds >= 900
    with pytest.raises(ValueError, match="HARD_LIMIT_SECONDS"):
        Environment(lease_seconds=100, hard_limit_seconds=120)
    with pytest.raises(ValueError, match="VISIBILITY_SECONDS"):
        Environment(visibility_seconds=240, hard_limit_seconds=120, soft_limit_seconds=90, request_seconds=60, lease_seconds=180)


@pytest.mark.parametrize("name", sorted(NAMES))
def test_no_task_outlives_the_time_after_which_its_message_is_handed_out_again(name):
    task = ours()[name]
    limit = task.time_limit or settings.task_time_limit
    visibility = Environment.model_construct().visibility_seconds
    # tests shorten the times; a limit of its own is written in production's seconds
    assert (limit < visibility) if limit == 600 else (limit < settings._here.visibility_seconds / 2)


def test_the_settings_that_carry_weight():
    assert settings.task_acks_late and settings.task_retry_on_worker_lost and not settings.task_reject_on_worker_lost
    assert settings.worker_prefetch_multiplier == 1
    assert settings.accept_content == ["json"] and settings.task_serializer == "json"
    assert settings.task_ignore_result and settings.result_backend is None
    assert settings.task_create_missing_queues is False
    assert settings.worker_cancel_long_running_tasks_on_connection_loss is False


class Sent(list):
    """Stands in for the app's send_task."""

    def __call__(self, name, args=(), queue=None, countdown=None, **options):
        json.dumps(args)
        self.append((name, list(args), queue))


@pytest.fixture
def sent(monkeypatch):
    made = Sent()
    monkeypatch.setattr(Celery, "send_task", lambda self, *a, **k: made(*a, **k))
    return made


def test_a_large_page_becomes_several_messages_of_one_company(sent):
    publish.ring(7, "commitment", list(range(120)))
    assert [(name, args[0], len(args[1])) for name, args, _ in sent] == [
        ("sitebooks.commitment.sync", 7, n) for n in (50, 50, 20)
    ]
    assert [i for _, args, _ in sent for i in args[1]] == list(range(120))


def test_nothing_to_ring_sends_nothing(sent):
    publish.ring_all(7, {"commitment": []})
    assert sent == []


def test_a_broker_that_is_away_costs_a_log_line_and_no_exception(monkeypatch, caplog):
    from kombu.exceptions import OperationalError

    def away(self, *_, **__):
        raise OperationalError("nobody there")

    monkeypatch.setattr(Celery, "send_task", away)
    assert publish.ring(7, "commitment", [1]) is False
    assert "rung again by the sweep" in caplog.text


def test_a_project_that_joins_has_its_lists_read_in_dependency_order(sent):
    publish.read_project(7, "procore", "610001")
    kinds = [args[2] for name, args, _ in sent]
    assert kinds.index("budget_code") < kinds.index("commitment") < kinds.index("variation")
    assert all(args[3] == "610001" for _, args, _ in sent)


class Stand(base.RecordTask):
    """The record task without a broker: what it would try again, and when."""

    name, max_retries, abstract = "sitebooks.invoice.sync", 3, False

    class request:
        retries, delivery_info = 0, {"routing_key": "bulk"}

    class Again(Exception):
        """Celery's Retry."""

    def retry(self, args, countdown):
        return self.Again(args, countdown)


@pytest.fixture
def run(monkeypatch, sent):
    from sync.engine import Result

    def given(**values):
        monkeypatch.setattr(base.engine, "run", lambda *_: Result(**values))
        return Stand()

    return given


def test_a_passing_trouble_is_tried_again_by_the_tasks_own_policy(run):
    with pytest.raises(Stand.Again) as again:
        run(again=[4], seconds=2.5).bring_forward(7, [3, 4])
    assert again.value.args == ((7, [4]), 2.5), "only what had trouble"


def test_a_longer_wait_is_left_to_the_due_time(run):
    assert run(again=[4], seconds=61).bring_forward(7, [4]) is None, "no countdown is asked for"


def test_spent_retries_are_left_to_the_due_time(run):
    task = run(again=[4], seconds=2)
    task.request = type("request", (), {"retries": 3, "delivery_info": None})
    assert task.bring_forward(7, [4]) is None, "no countdown is asked for"


def test_what_was_released_is_rung_on_the_queue_it_came_by_and_what_was_not_done_again(run, sent):
    run(released={"commitment": [9]}, unclaimed=[5]).bring_forward(7, [4, 5])
    assert sent == [("sitebooks.commitment.sync", [7, [9]], "bulk"), ("sitebooks.invoice.sync", [7, [5]], "bulk")]


def test_after_a_broker_flush_all_that_is_due_is_rung_again_within_a_minute():
    """What was rung a moment before the flush waits longest: until it may be rung again, and then for the next sweep."""
    times = {name: field.default for name, field in Environment.model_fields.items() if name.endswith("_seconds")}
    assert times["rering_seconds"] + times["sweep_seconds"] < 60
