"""One verdict per row of a sync action, and refusals with a name of their own."""

import pytest

from connectors.calls import Answer, NotUnderstood
from connectors.plan import Done
from connectors.procore.checks import invoice_refused, refused
from connectors.procore.rows import merge, own_rows, split, sync_step
from objects.outcome import Outcome
from objects.problem import Problem, on_any, on_snapshot

PATH = "/rest/v1.0/projects/7/direct_costs/sync"
HELD = {"number": "INV-1", "project_id": "7", "commitment_id": "purchase_order_contract:12"}


def step(*rows, scope=None):
    return sync_step("s", PATH, rows, lambda found: Done(str(found[0]["id"])), refused(HELD), key="k", scope=scope)


def confirmed(entities=(), errors=()):
    return Answer(Outcome.confirmed, 200, {"entities": list(entities), "errors": list(errors)})


def test_rows_of_many_steps_travel_together_and_come_apart_again():
    steps = [step({"origin_id": "a"}), step({"origin_id": "b"}), step({"id": 3, "status": "approved"})]
    assert merge(steps).body == {"updates": [{"origin_id": "a"}, {"origin_id": "b"}, {"id": 3, "status": "approved"}]}
    # the order of the answer is not promised
    answers = split(confirmed([{"id": 3, "origin_id": "c"}, {"id": 2, "origin_id": "b"}, {"id": 1, "origin_id": "a"}]), steps)
    assert [s.read(a).remote_id for s, a in zip(steps, answers, strict=True)] == ["1", "2", "3"]


def test_one_bad_row_refuses_its_own_step_only():
    steps = [step({"origin_id": "a"}), step({"origin_id": "b"}), step({"origin_id": "c"})]
    bad = {"origin_id": "b", "errors": {"vendor_id": ["can't be blank"]}}
    answers = split(confirmed([{"id": 1, "origin_id": "a"}], [bad]), steps)
    assert [a.outcome for a in answers] == [Outcome.confirmed, Outcome.refused, Outcome.uncertain]
    problem = steps[1].explain(answers[1])
    assert problem.code == "procore_rejected" and problem.values["text"] == "vendor_id: can't be blank"


def test_a_step_with_several_rows_needs_all_of_them():
    lines = step({"origin_id": "k-1"}, {"origin_id": "k-2"})
    [answer] = split(confirmed([{"id": 1, "origin_id": "k-1"}]), [lines])
    assert answer.outcome is Outcome.uncertain
    with pytest.raises(NotUnderstood):
        own_rows(confirmed([{"id": 1, "origin_id": "k-1"}]), ["origin:k-1", "origin:k-2"])


@pytest.mark.parametrize("body", [None, [], {"entities": None}, {"entities": [1, {"id": None}], "errors": "no"}])
def test_an_odd_answer_leaves_every_row_uncertain(body):
    [answer] = split(Answer(Outcome.confirmed, 200, body), [step({"origin_id": "a"})])
    assert answer.outcome is Outcome.uncertain


def test_a_row_that_is_named_as_done_and_as_refused_is_uncertain():
    bad = {"origin_id": "a", "errors": {"vendor_id": ["can't be blank"]}}
    [answer] = split(confirmed([{"id": 1, "origin_id": "a"}], [bad]), [step({"origin_id": "a"})])
    assert answer.outcome is Outcome.uncertain and "origin:a" in answer.reason


def test_the_same_row_asked_for_twice_is_sent_once():
    row = {"origin_id": "sitebooks-1", "name": "New Supplier"}
    both = [step(row, scope={"company_id": 1}), step(row, scope={"company_id": 1})]
    assert merge(both).body == {"company_id": 1, "updates": [row]}
    assert [a.outcome for a in split(confirmed([{"id": 9, "origin_id": "sitebooks-1"}]), both)] == [Outcome.confirmed] * 2


def test_rows_of_different_scopes_never_travel_together():
    first, second = step({"origin_id": "a"}, scope={"project_id": 1}), step({"origin_id": "a"}, scope={"project_id": 2})
    assert first.batch and second.batch and first.batch.endpoint != second.batch.endpoint


@pytest.mark.parametrize(
    ("code", "body"),
    [
        ("no_open_billing_period", {"errors": {"period_id": ["must be an open billing period"]}}),
        ("no_open_billing_period", {"errors": {"billing_period": ["is closed"]}}),
        ("no_open_billing_period", {"errors": "Billing period is closed"}),
        ("period_already_invoiced", {"errors": {"period_id": ["already has an invoice for this commitment"]}}),
        ("commitment_not_approved", {"errors": {"commitment_id": ["must be at approved status"]}}),
        ("commitment_not_approved", {"message": "The commitment must be approved to create an invoice"}),
        ("over_billing", {"errors": {"items": ["Steel: Total completed exceeds the scheduled value 1.00"]}}),
        ("over_billing", {"errors": {"items": [{"work_completed_this_period": ["can not be over 100%"]}]}}),
        ("procore_rejected", {"errors": {"commitment_id": ["does not exist"]}}),
        ("procore_rejected", {"errors": {"items": ["work_completed_this_period is not a number"]}}),
        ("procore_rejected", {"errors": {"base": ["Something else"]}}),
        ("procore_rejected", None),
    ],
)
@pytest.mark.requirement("L-24", "L-25", "L-26")
def test_refusals_of_a_commitment_invoice_are_told_apart(code, body):
    assert invoice_refused(HELD)(Answer(Outcome.refused, 422, body, reason="as received")).code == code


def test_a_named_refusal_waits_for_what_would_clear_it():
    def waits(body):
        return invoice_refused(HELD)(Answer(Outcome.refused, 422, body)).waits_for

    assert waits({"errors": {"period_id": ["is closed"]}}) == (on_any("procore", "billing_period", "7"),)
    commitment = (on_snapshot("procore", "commitment", "purchase_order_contract:12"),)
    assert waits({"errors": {"commitment_id": ["is not approved"]}}) == commitment
    assert waits({"errors": "over-billing"}) == commitment


def test_a_missing_permission_is_no_business_rule():
    answer = Answer(Outcome.refused, 403, {"message": "App is not connected"}, reason="App is not connected")
    expected = {"system": "Procore", "number": "INV-1", "text": answer.reason, "reason": answer.reason}
    assert invoice_refused(HELD)(answer) == Problem("permission_missing", expected)
