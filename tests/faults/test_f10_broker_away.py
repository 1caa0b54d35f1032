"""F10: the broker cannot be reached for long: connections are refused."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis

from tests.faults.stand import Stand

pytestmark = pytest.mark.fault("F10")


@contextmanager
def closed(site: Stand) -> Iterator[None]:
    """The broker runs on, with its door shut: nobody can connect, and all who were connected are cut off but us."""
    ours = redis.Redis.from_url(site.ready["broker_url"], single_connection_client=True)
    port = int(ours.config_get("port")["port"])
    ours.config_set("port", 0)
    try:
        for kind in ("normal", "pubsub"):
            ours.client_kill_filter(_type=kind, skipme=True)
        yield
    finally:
        ours.config_set("port", port)
        ours.close()


def test_webhooks_are_accepted_and_carried_out_when_it_is_back(site: Stand) -> None:
    with closed(site):
        commitments = [site.new_commitment() for _ in range(3)]
        stored = "SELECT count(*) AS n FROM event WHERE state = 'received'"
        site.wait(lambda: site.rows(stored)[0]["n"] >= 3, 15, "webhooks were not stored")
        assert not site.created("lentune"), "nothing can be rung"
        assert site.get_web("/livez") == 200
    for number in commitments:
        site.wait_state("commitment", number, seconds=60)
    refused = site.rows("SELECT count(*) AS n FROM event WHERE state = 'received'")
    assert refused[0]["n"] == 0
    assert len(site.created("lentune", "subcontract")) == 3
