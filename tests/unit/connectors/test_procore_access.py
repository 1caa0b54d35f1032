"""Sign-in, companies and limits of the simulated Procore, and many documents in one request."""

from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from connectors.calls import Forbidden, Request, SignInRefused, Unavailable, WrongCompany
from connectors.procore.client import consent_url
from connectors.procore.reading import READERS
from connectors.procore.writing import PLANS
from objects.outcome import Outcome
from simulators import datasets
from simulators.kit.http import Request as SimRequest
from tests.unit.connectors.procore_site import on, site

BACK = "https://sitebooks.example/signed-in"


def test_tokens_that_die_in_the_middle_are_replaced_unseen():
    where = site("demo")
    for _ in range(5):
        assert len(where.ids("project")) == 4
        where.act("expire_tokens")
    assert where.client.store.fetched == 5
    where.simulator.clock.advance(5400 - 30)
    assert len(where.ids("project")) == 4 and where.client.store.fetched == 6


def test_a_persons_consent_gives_single_use_refresh_tokens():
    where = site("demo")
    keys = where.simulator.credentials
    asked = urlsplit(consent_url(where.client.settings, keys["client_id"], BACK, "st4te"))
    form = {k: v[0] for k, v in parse_qs(asked.query).items()} | {
        "email": keys["email"], "password": keys["password"], "decision": "allow"}
    answer = where.simulator.handle(SimRequest("POST", asked.path, [], {}, urlencode(form).encode()))
    sent_back = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert sent_back["state"] == ["st4te"]
    secrets = {"grant": "authorization_code", "code": sent_back["code"][0], "redirect_uri": BACK}
    person = on(where.simulator, secrets=secrets)
    assert len(person.ids("project")) == 4
    first = person.client.store.held
    where.simulator.clock.advance(5400)
    assert len(person.ids("project")) == 4
    assert first.refresh and person.client.store.held.refresh not in (None, first.refresh)
    with pytest.raises(SignInRefused):
        person.client.sign_in(person.client.store.secrets(), first)


def test_wrong_credentials_and_a_missing_app_are_told_apart():
    where = site("demo")
    with pytest.raises(SignInRefused):
        on(where.simulator, secrets={"client_secret": "guess"}).ids("project")
    where.act("disconnect_app")
    with pytest.raises(Forbidden, match="not connected"):
        where.ids("project")


def two_companies():
    """Two companies whose ids are all the same, and a client of each."""
    first = site({**datasets.load("demo"), "companies": 2})
    return first, on(first.simulator, {"company_id": str(first.simulator.credentials["company_id"] + 1)})


def test_each_client_sees_its_own_company_only():
    first, second = two_companies()
    assert first.ids("project") == second.ids("project")
    second.act("rename_project", project="1001", name="Ours alone", company=second.client.company)
    assert READERS["project"].one(second.client, second.ids("project")["1001"], "").name == "Ours alone"
    assert READERS["project"].one(first.client, first.ids("project")["1001"], "").name == "Harbour View Apartments"


def test_an_answer_of_the_other_company_is_refused_whole():
    first, second = two_companies()

    def crossed(request: httpx.Request) -> httpx.Response:
        theirs = httpx.Request("GET", request.url.copy_set_param("company_id", first.client.company),
                               headers={**request.headers, "procore-company-id": first.client.company})
        return first.transport.handle_request(theirs)

    second.ids("vendor", "name")
    second.transport.handle_request = crossed  # type: ignore[method-assign]
    with pytest.raises(WrongCompany):
        second.ids("project")


def test_a_used_up_window_says_when_to_come_back():
    where = site("demo", spike=3)
    where.ids("project")
    with pytest.raises(Unavailable) as refused:
        for _ in range(5):
            where.ids("project")
    assert refused.value.answer.status == 429
    wait = refused.value.answer.retry_at - where.simulator.clock.now()
    assert timedelta(0) < wait <= timedelta(seconds=11)
    assert {window.limit for window in where.client.budget.windows} == {3, 0}, "what the headers said, and that it is shut"


def test_many_direct_costs_share_three_requests_and_a_bad_one_holds_nobody_back():
    where = site("demo")
    project, vendor = where.ids("project")["1001"], where.ids("vendor", "name")["Northern Electrical"]
    [page] = READERS["budget_code"].pages(where.client, project, None)
    code = page.objects[0].source_id
    plans = []
    for n in range(50):
        held = {"as": "direct_cost", "project_id": project, "vendor_id": vendor if n != 7 else "999999999",
                "vendor_name": "N", "number": f"INV-{n}", "date": "2026-11-11", "description": "D",
                "lines": [{"wbs_code_id": code, "amount": "1.10", "description": "L"}]}
        plans.append(PLANS["direct_cost"](held, None, f"SBK{n:012d}"))
    steps, asked, refused = [next(plan) for plan in plans], len(where.transport.requests), []
    while steps:
        assert len({step.batch.endpoint for step in steps}) == 1
        size = steps[0].batch.size
        answers = []
        for start in range(0, len(steps), size):
            part = steps[start:start + size]
            answers += part[0].batch.split(where.client.send(part[0].batch.merge(part)), part)
        following, left = [], []
        for plan, step, answer in zip(plans, steps, answers, strict=True):
            if answer.outcome is Outcome.refused:
                refused.append(step.explain(answer).values["text"])
                continue
            try:
                following.append(plan.send(step.read(answer)))
                left.append(plan)
            except StopIteration as end:
                assert end.value.remote_id
        steps, plans = following, left
    assert refused == ["vendor_id: does not exist"]
    assert len(where.transport.requests) - asked == 1 + 5 + 1
    costs = where.client.all(f"/rest/v1.1/projects/{project}/direct_costs")
    assert len(costs) == 49 and {cost["status"] for cost in costs} == {"approved"}


def test_orders_by_the_thousand_are_read_in_as_few_requests_as_they_have_pages():
    where = site("large", objects=2000)
    project = next(iter(where.ids("project").values()))
    asked = len(where.transport.requests)
    found = [obj for page in READERS["commitment"].pages(where.client, project, None) for obj in page.objects]
    # one request per thousand orders, and one for the subcontracts, of which there are none
    assert len(where.transport.requests) - asked == len(found) // 1000 + (len(found) % 1000 > 0) + 1
    assert not where.transport.sent("GET", "line_items")
    first = READERS["commitment"].complete(where.client, found[0])
    assert len(first.lines) == 5 and all(line.budget_code_id for line in first.lines)
    answer = where.client.send(Request("GET", "/rest/v1.0/vendors", {"company_id": where.client.company}))
    assert answer.outcome is Outcome.confirmed
