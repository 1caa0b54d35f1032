"""The demo's judge: it sees a wrong state, a wrong, a missing and an unexpected problem, and a record nobody expected."""

from dataclasses import replace

from cli.demo.books import differences
from cli.demo.duplicates import by_ledger, by_look
from cli.demo.expected import Found, ending

PO = Found("commitment", "PO-1", "", "from_procore", "synced", (), (), "purchase_order")
HELD = Found("commitment", "PO-2", "", "from_procore", "held", ("cost_code_not_on_budget",), (), "")
EXPECTED = {"commitment": [
    {"number": "PO-1", "state": "synced", "target": "purchase_order"},
    {"number": "PO-2", "state": "held", "problem": "cost_code_not_on_budget"},
]}  # fmt: skip


def test_all_as_expected() -> None:
    end = ending([PO, HELD], EXPECTED)
    assert end.as_expected and end.kinds == {"commitment": {"synced": 1, "held": 1}}
    assert [(p["code"], p["number"], p["expected"]) for p in end.problems] == [("cost_code_not_on_budget", "PO-2", True)]


def test_a_wrong_state_and_a_missing_problem() -> None:
    end = ending([PO, replace(HELD, state="synced", problems=())], EXPECTED)
    assert not end.as_expected and end.missing == [{"code": "cost_code_not_on_budget", "kind": "commitment", "number": "PO-2"}]
    assert end.differences == ["commitment PO-2: expected held, found synced"]


def test_a_second_problem_or_a_warning_that_nobody_expected() -> None:
    both = replace(HELD, problems=(*HELD.problems, "over_billing"), warnings=("supplier_blank",))
    assert [p["code"] for p in ending([PO, both], EXPECTED).problems if not p["expected"]] == ["over_billing", "supplier_blank"]


def test_a_wrong_target_a_stranger_and_one_that_is_not_there() -> None:
    end = ending([replace(PO, target="direct_cost"), replace(PO, number="PO-9")], EXPECTED)
    assert end.differences == [
        "commitment PO-1: expected to become a purchase_order, became direct_cost",
        "commitment PO-9: nobody expected it (synced)",
        "commitment PO-2: expected once, found 0 times",
    ]
    assert end.missing[0]["code"] == "cost_code_not_on_budget"


def test_counts_of_a_whole_kind() -> None:
    codes = [Found("budget_code", str(n), "", "from_procore", "synced", (), (), "cost_code") for n in range(3)]
    assert ending(codes, {"counts": {"budget_code": {"synced": 3}}}).as_expected
    assert ending(codes, {"counts": {"budget_code": {"synced": 4}}}).differences == [
        "budget_code: expected 4 synced, found 3 synced"
    ]


def test_variations_are_told_apart_by_their_commitment() -> None:
    one = Found("variation", "001", "SC-1", "from_procore", "synced", (), (), "variation")
    expected = {"variation": [{"number": "001", "commitment": c, "state": "synced"} for c in ("SC-1", "SC-2")]}
    assert ending([one, replace(one, of="SC-2")], expected).as_expected
    assert not ending([one, one], expected).as_expected


def test_duplicates_by_the_ledger_count_live_records_of_one_key() -> None:
    def entry(effect: str, remote_id: str, key: str) -> dict[str, str]:
        return {"company": "1", "kind": "invoice", "key": key, "remote_id": remote_id, "effect": effect}

    twice = [entry("created", "7", "K"), entry("created", "8", "K"), entry("created", "9", "L")]
    assert by_ledger(twice) == ["invoice K: 7, 8"]
    assert by_ledger([*twice, entry("deleted", "8", "anything")]) == []
    assert by_ledger([entry("created", "7", ""), entry("created", "8", "")]) == []


def test_duplicates_by_look_compare_parent_number_amount_and_date() -> None:
    row = {"id": 1, "number": "INV-1", "grand_total": "10.00", "commitment_id": 5, "billing_date": "2026-11-01"}
    assert by_look({"requisitions": [row, {**row, "id": 2}]}) == ["requisitions INV-1 10.00: 1, 2"]
    assert by_look({"requisitions": [row, {**row, "id": 2, "commitment_id": 6}]}) == []
    assert by_look({"requisitions": [row, {**row, "id": 2, "deleted_at": "2026-11-02"}]}) == []


def test_several_problems_of_one_record_are_each_expected_by_name() -> None:
    torn = Found("invoice", "SI-1", "", "from_procore", "held", ("attachment_empty", "type_not_convertible"), (), "")
    rows = {"invoice": [{"number": "SI-1", "state": "held", "problem": ["attachment_empty", "type_not_convertible"]}]}
    assert ending([torn], rows).as_expected
    one = ending([replace(torn, problems=("attachment_empty",))], rows)
    assert [missing["code"] for missing in one.missing] == ["type_not_convertible"]


def test_books_must_hold_each_expected_row_once_and_nothing_else() -> None:
    paid = {"check_number": "1", "amount": "10.00", "id": 7}
    wanted = {"procore": {"contract_payments": [{"check_number": "1", "amount": "10.00"}]}}
    assert differences({"procore": {"contract_payments": [paid]}}, wanted) == []
    assert differences({"procore": {}}, wanted) == [
        "contract_payments in procore: check_number 1, amount 10.00 expected once, found 0 times"
    ]
    cent = differences({"procore": {"contract_payments": [{**paid, "amount": "10.01"}]}}, wanted)
    assert cent[1] == "contract_payments in procore: nobody expected check_number 1, amount 10.01"
    assert "found 2 times" in differences({"procore": {"contract_payments": [paid, dict(paid)]}}, wanted)[0]
