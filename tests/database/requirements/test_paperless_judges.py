"""The judges of a company on Sage Paperless: silent over a sound one, and each seeded wrong is found and named."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import text

from models import session
from tests import oracles
from tests.oracles import InProcess
from tests.world_paperless import PaperlessWorld

ON = {"create_payments_in_procore": True}
Judged = tuple[PaperlessWorld, Callable[[], list[str]]]


@pytest.fixture
def judged(paperless: Callable[..., PaperlessWorld], database: str) -> Iterator[Judged]:
    """Two invoices, one paid in two parts, one without a file; and what the judges say of it."""
    world = paperless("SI-102", "SI-103", "SI-106", ours=ON)
    for check, amount in (("1", "20000.00"), ("2", "22000.00")):
        world.act("sage_paperless", "pay_invoice", invoice="SI-103", amount=amount, check=check)
    world.settle()
    sight = InProcess(world.company, world.simulators, database)
    yield world, lambda: oracles.broken(sight)
    sight.close()


def rows(world: PaperlessWorld, table: str) -> list[dict[str, Any]]:
    """Procore's own rows, to be spoilt."""
    return list(world.procore.company.tables[table].values())


def test_a_sound_company_is_passed(judged: Judged) -> None:
    world, broken = judged
    assert broken() == []
    world.act("sage_paperless", "void_payment", payment="1")
    world.settle()
    assert broken() == [], "a payment that was taken back is a task, and is listed"


def test_the_same_check_twice_in_payments_issued_is_found(judged: Judged) -> None:
    world, broken = judged
    world.act("procore", "enter_payment", commitment="PO-1001-01", amount="20000.00", date="2026-11-10", invoice=1, check="1")
    found = broken()
    assert any(one.startswith("I1: payment 1 ") for one in found) and any(one.startswith("I5: ") for one in found)


def test_one_cent_is_found(judged: Judged) -> None:
    world, broken = judged
    rows(world, "contract_payments")[0]["amount"] = "20000.01"
    found = broken()
    assert any(one.startswith("I3: payment 1 ") for one in found) and any(one.startswith("I4: project 1001") for one in found)


def test_an_invoice_that_went_missing_or_differs_is_found(judged: Judged) -> None:
    world, broken = judged
    vault = world.sage_paperless.data.vaults["sage300"]
    lost = next(key for key, row in vault.invoices.items() if row["_meta"]["invoice_number"] == "SI-102")
    kept = vault.invoices.pop(lost)
    assert any("SI-102" in one and one.startswith("I3: invoice") for one in broken())
    vault.invoices[lost] = kept
    kept["gross"] = "120000.01"
    assert any("SI-102" in one and "differs in total" in one for one in broken())


def test_a_payment_that_no_payment_of_accounting_explains_is_found(judged: Judged) -> None:
    world, broken = judged
    vault = world.sage_paperless.data.vaults["sage300"]
    vault.payments.pop(next(key for key, row in vault.payments.items() if row["check_number"] == "2"))
    assert any(one.startswith("I4: payment ") and "22000.00" in one for one in broken())


def test_an_uncertain_payment_sent_again_unasked_is_found(judged: Judged) -> None:
    world, broken = judged
    with session(world.company) as db:
        db.execute(
            text("UPDATE write SET sends = 2 WHERE record_id = :r AND side = 'target'"), {"r": world.record("payment", "1").id}
        )
    assert broken() == [], "a first try that was refused is no doubt"
    world.fault("procore", on="request", match={"method": "POST", "path": "contract_payments"}, action="drop_after", times=1)
    world.act("sage_paperless", "pay_invoice", invoice="SI-102", amount="5.00", check="3")
    world.settle()
    with session(world.company) as db:
        db.execute(
            text("UPDATE write SET sends = 2 WHERE record_id = :r AND side = 'target'"), {"r": world.record("payment", "3").id}
        )
    assert any(one.startswith("I6: payment 3 ") for one in broken())
