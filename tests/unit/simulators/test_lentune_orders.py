"""The two purchase order boxes of the Lentune simulator, in all their combinations, and orders raised in Lentune."""

import pytest

from simulators.kit.actions import BadAction
from tests.unit.simulators.lentune_calls import COMPANY, Caller, Json, by_procore, external, line, order_body

pytestmark = pytest.mark.unit
SETTINGS = f"/procore-companies/{COMPANY}/settings"
ORDER = by_procore("purchase-orders", "21")


def boxes(caller: Caller, lentune: bool, procore: bool) -> None:
    caller.act("set_settings", settings={"lentune_purchase_order": lentune, "procore_purchase_order": procore})


def made(caller: Caller) -> tuple[Json, Json]:
    project = caller.project()
    return project, caller.cost_code(project, "03-300", "41")


def creation(project: Json, code: Json, **changes: object) -> Json:
    return {"description": "Nails", "project_id": project["id"], "lines": [line(code)]} | changes


@pytest.mark.parametrize(
    ("lentune", "procore", "put", "post"),
    [
        (False, True, 201, (403, "po_master_is_procore")),
        (True, False, (403, "po_master_is_lentune"), 201),
        (False, False, (403, "po_sync_disabled"), 201),
    ],
)
def test_truth_table(lentune: bool, procore: bool, put: object, post: object) -> None:
    caller = Caller()
    project, code = made(caller)
    boxes(caller, lentune, procore)
    for method, path, body, expected in (
        ("PUT", ORDER, order_body(project, [line(code)]), put),
        ("POST", "/purchase-orders", creation(project, code), post),
    ):
        if isinstance(expected, int):
            assert caller.send(method, path, body).status == expected
        else:
            assert caller.refused(method, path, body) == expected


def test_both_boxes_are_refused_to_client_and_person() -> None:
    caller = Caller()
    answer = caller.send("GET", SETTINGS)
    both = answer.json() | {"lentune_purchase_order": True, "procore_purchase_order": True}
    headers = {"if-match": answer.headers["ETag"]}
    assert caller.refused("PUT", SETTINGS, both, headers=headers) == (422, "both_po_masters_refused")
    with pytest.raises(BadAction, match="both_po_masters_refused"):
        boxes(caller, True, True)
    assert caller.get(SETTINGS)["po_master"] == "procore"


def test_settings_are_saved_against_the_version_read() -> None:
    caller = Caller()
    read = caller.send("GET", SETTINGS)
    wanted = read.json() | {"project_stages": ["Bidding"], "po_master": "lentune"}
    assert caller.refused("PUT", SETTINGS, wanted) == (400, "validation_failed")
    saved = caller.send("PUT", SETTINGS, wanted, headers={"if-match": read.headers["ETag"]})
    assert (saved.json()["project_stages"], saved.json()["po_master"]) == (["Bidding"], "procore")
    assert saved.headers["ETag"] == '"2"'
    stale = {"if-match": read.headers["ETag"]}
    assert caller.refused("PUT", SETTINGS, wanted, headers=stale) == (412, "stale_version")
    assert caller.get("/procore-companies")["data"][0]["version"] == "2"
    assert caller.refused("GET", "/procore-companies/9/settings") == (404, "not_found")


def test_a_lentune_order_gets_a_number_and_later_its_procore_id() -> None:
    caller = Caller()
    project, code = made(caller)
    boxes(caller, True, False)
    order = caller.send("POST", "/purchase-orders", creation(project, code, status="approved"), key="key-order-1").json()
    assert (order["number"], order["origin"]) == ("PO-1001", "lentune")
    assert caller.core.ledger.entries[-1]["key"] == "key-order-1"
    path, match = f"/purchase-orders/{order['id']}/external-key", {"if-match": '"1"'}
    key = external("purchase_order_contract", "900")
    assert caller.refused("PUT", path, key, headers={"if-match": '"7"'}) == (412, "stale_version")
    assert caller.send("PUT", path, key, headers=match).json()["external"]["procore_id"] == "900"
    assert caller.send("PUT", path, key, headers=match).status == 200
    other = external("purchase_order_contract", "901")
    assert caller.refused("PUT", path, other, headers={"if-match": '"2"'}) == (409, "external_key_taken")
    second = caller.send("POST", "/purchase-orders", creation(project, code)).json()
    path = f"/purchase-orders/{second['id']}/external-key"
    assert caller.refused("PUT", path, key, headers=match) == (409, "external_key_taken")


def test_people_raise_change_and_cancel_orders() -> None:
    caller = Caller()
    made(caller)
    args = {"project": "1001", "description": "Nails", "supplier": "Pacific Concrete Ltd",
            "lines": [{"code": "03-300", "amount": "10.5", "description": "Nails"}]}  # fmt: skip
    with pytest.raises(BadAction, match="po_master_is_procore"):
        caller.act("create_purchase_order", **args)
    boxes(caller, True, False)
    assert caller.act("create_purchase_order", **args, number="PO-9", status="draft")["total"] == "10.50"
    with pytest.raises(BadAction, match="po_number_not_unique"):
        caller.act("create_purchase_order", **args, number="PO-9")
    caller.act("approve_purchase_order", number="PO-9")
    assert caller.act("change_purchase_order", number="PO-9", amount="11")["total"] == "11.00"
    assert caller.act("cancel_purchase_order", number="PO-9")["status"] == "void"
    assert {entry["actor"] for entry in caller.core.ledger.entries if entry["kind"] == "purchase_order"} == {"person"}
