"""F35: access tokens end in the middle of the work."""

import pytest

from tests.faults.hooks import asked, last_asked
from tests.faults.stand import Stand

pytestmark = pytest.mark.fault("F35")


def test_nobody_notices(site: Stand) -> None:
    """Both systems forget all tokens again and again; each time there is one sign-in for all processes."""
    site.wait_quiet()
    told = "SELECT 1 FROM history WHERE after->'problems' ?| ARRAY['reconnect_needed', 'permission_missing']"
    before = len(site.rows(told))
    after = {system: last_asked(site, system) for system in site.url}
    order = site.new_commitment()
    site.wait_state("commitment", order)
    numbers, invoices, times = [], [], 5
    for _ in range(times):
        for system in site.url:
            site.act(system, "expire_tokens")
        numbers += [site.new_commitment() for _ in range(2)]
        invoices.append(site.new_invoice(order, net="5.00") if not invoices else site.new_invoice(net="5.00"))
        for number in numbers[-2:]:
            site.wait_state("commitment", number)
        site.wait_state("invoice", invoices[-1])
    for kind, made in (("commitment", numbers), ("invoice", invoices)):
        for number in made:
            assert not {"checking", "needs_attention"} & set(site.story(kind, number)), site.story(kind, number)
    assert len(site.rows(told)) == before, "nobody was told of a sign-in"
    assert not site.rows("SELECT 1 FROM connection WHERE company_id = %s AND blocked_code IS NOT NULL", site.company)
    for system, start in after.items():
        log = asked(site, system, start)
        signed_in = [e for e in log if e["path"].endswith("/oauth/token")]
        assert 1 <= len(signed_in) <= times, "one sign-in each time, whoever noticed first"
        assert {e["status"] for e in signed_in} == {200}
        assert any(e["status"] == 401 for e in log), "no token ever ended: the test is about nothing"
