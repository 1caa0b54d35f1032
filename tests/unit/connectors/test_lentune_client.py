"""Lentune's client against its simulator: sign-in, pages, keys, limits, another company's records, settings."""

from datetime import timedelta

import httpx
import pytest

from connectors.calls import CallFailed, NotUnderstood, Request, SignInRefused, Unavailable, WrongCompany
from connectors.lentune.client import connect
from connectors.lentune.mirror import read_settings, save_settings
from connectors.registry import connector
from objects.outcome import Outcome
from settings.lentune import LentuneSettings
from tests.fakes import MemoryBudget, MemoryStore
from tests.unit.connectors.lentune_objects import project
from tests.unit.connectors.lentune_world import ADDRESS, COMPANY, LentuneWorld, MemoryKnown, flow


def answering(*answers):
    """A client whose requests get these answers in turn."""
    left = list(answers)

    def handle(request):
        if request.url.path.endswith("/oauth/token"):
            return httpx.Response(200, json={"access_token": "t", "expires_in": 3600})
        if request.url.path.endswith("/procore-companies"):
            return page([{"procore_company_id": COMPANY}])
        return left.pop(0)

    store = MemoryStore({"client_id": "id", "client_secret": "s"})
    return connect(LentuneSettings(base_url=ADDRESS), store, MemoryBudget(), company=COMPANY,
                   transport=httpx.MockTransport(handle))


def page(rows, cursor=None):
    return httpx.Response(200, json={"data": rows, "next_cursor": cursor})


def test_signs_in_once_and_again_when_the_token_has_ended():
    world = LentuneWorld()
    world.client.get("/branches")
    world.client.get("/branches")
    assert world.store.fetched == 1
    world.clock.advance(3700)
    world.client.get("/branches")
    assert world.store.fetched == 2


def test_a_token_that_was_ended_there_is_replaced_without_anybody_noticing():
    world = LentuneWorld()
    world.client.get("/branches")
    world.act("expire_tokens")
    assert world.client.get("/branches")["data"]
    assert world.store.fetched == 2


def test_a_token_that_was_ended_before_its_first_use_is_asked_for_again_and_needs_no_person():
    world = LentuneWorld()
    world.core.faults.add({"action": "status", "status": 401, "times": 1, "match": {"path": "/procore-companies$"}})
    with pytest.raises(Unavailable):
        world.client.get("/branches")
    assert world.client.get("/branches")["data"]


def test_a_wrong_secret_needs_a_person():
    world = LentuneWorld()
    world.store._secrets = {**world.core.credentials, "client_secret": "wrong"}
    with pytest.raises(SignInRefused):
        world.client.get("/branches")


def test_a_sign_in_that_opens_another_companys_books_is_refused():
    """The credentials are good, and of another tenant: nothing is read with them, and no token is kept."""
    world = LentuneWorld()
    world.client.company = "9999"
    with pytest.raises(SignInRefused, match="the books of Procore company 4100, not of 9999"):
        world.client.get("/branches")
    refused = world.client.send(Request("PUT", "/projects/by-procore/9999/1", body={}))
    assert (refused.outcome, refused.status) == (Outcome.refused, 401)
    assert world.store.held is None and world.store.fetched == 0
    assert {r.url.path.rsplit("/", 1)[1] for r in world.transport.requests} == {"token", "procore-companies"}


def test_pages_follow_the_cursor_to_its_end():
    client = answering(page([{"id": "1"}], "a"), page([{"id": "2"}], "b"), page([{"id": "3"}]))
    assert [row["id"] for rows in client.pages("/branches") for row in rows] == ["1", "2", "3"]


@pytest.mark.parametrize("odd", [
    (page([], "a"), page([], "a"), page([], "a")),
    (httpx.Response(200, json=[]),),
    (httpx.Response(200, json={"data": []}),),
])
def test_a_list_that_does_not_end_or_is_none_is_not_understood(odd):
    with pytest.raises(NotUnderstood):
        list(answering(*odd).pages("/branches"))


def test_a_record_anchored_in_another_company_is_refused():
    with pytest.raises(WrongCompany):
        answering().same_company({"external": {"procore_company_id": "9999"}}, "project")


def test_a_change_that_goes_back_is_carried_out_and_not_answered_from_memory():
    world, known = LentuneWorld(), MemoryKnown()
    hold = flow("project").hold
    for name in ("First", "Second", "First"):
        world.write(hold(project(name=name), known, "k"))
    assert world.row("projects", code="1001")["description"] == "First"


def test_a_spent_limit_says_when_and_nothing_was_done():
    world = LentuneWorld()
    world.core.options.update(rate_per_minute=60, burst=2)  # the sign-in looks once whose books it opens
    world.client.get("/branches")
    answer = world.client.send(Request("GET", "/branches"))
    assert answer.outcome is Outcome.not_applied
    assert answer.retry_at > world.clock.now()


def test_a_problem_document_is_told_in_its_own_words():
    world = LentuneWorld()
    answer = world.client.send(Request("GET", "/invoices/none"))
    assert answer.outcome is Outcome.refused and "none" in answer.reason


def test_a_cut_connection_is_uncertain_for_a_write():
    world, known = LentuneWorld(), MemoryKnown()
    world.client.get("/branches")
    world.core.faults.add({"on": "request", "action": "drop_after", "times": 1, "match": {"method": "PUT"}})
    held = flow("project").hold(project(), known, "k")
    step = next(connector("lentune").plans["project"](held, None, "k"))
    assert step.repeatable and world.client.send(step.request).outcome is Outcome.uncertain
    assert world.write(held).remote_id == world.row("projects", code="1001")["id"]


@pytest.mark.requirement("P-01", "P-04")
def test_settings_are_read_and_saved_per_company_with_their_version():
    world = LentuneWorld()
    values, version = read_settings(world.client)
    assert values["procore_purchase_order"] is True and "po_master" not in values
    saved = save_settings(world.client, values | {"project_stages": ["Bidding"]}, version, "settings-1")
    assert saved.outcome is Outcome.confirmed
    assert read_settings(world.client)[0]["project_stages"] == ["Bidding"]
    stale = save_settings(world.client, values, version, "settings-2")
    assert (stale.outcome, stale.status) == (Outcome.refused, 412)


@pytest.mark.requirement("P-17")
def test_both_boxes_are_refused_there_too():
    world = LentuneWorld()
    values, version = read_settings(world.client)
    world.transport.check = None  # the document itself forbids what is sent here
    answer = save_settings(world.client, values | {"lentune_purchase_order": True}, version, "settings-1")
    assert answer.status == 422 and answer.body["code"] == "both_po_masters_refused"


def test_a_failed_write_outside_a_plan_raises():
    world = LentuneWorld()
    with pytest.raises(CallFailed):
        world.client.write(Request("DELETE", "/webhook-subscriptions/none"))


def test_a_lent_invoice_is_not_taken_and_says_when_it_comes_back():
    client = answering(httpx.Response(409, json={"code": "stale_version", "detail": "held"}, headers={"Retry-After": "120"}))
    answer = client.send(Request("POST", "/invoices/inv-1/posting-claims"))
    assert answer.outcome is Outcome.not_applied
    assert answer.retry_at - client.clock() > timedelta(seconds=100)
