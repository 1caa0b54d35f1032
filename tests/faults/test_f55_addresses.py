"""F55: an outside system's answer points elsewhere: a next page on another host, a redirect, an address inside our network."""

import socket
import threading
from collections.abc import Iterator

import pytest

from tests.faults.hooks import asked, last_asked
from tests.faults.stand import Stand

pytestmark = pytest.mark.fault("F55")


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, list[str]]]:
    """A host nobody may call, and who did."""
    called: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        stop = threading.Event()

        def listen() -> None:
            while not stop.is_set():
                try:
                    link, _ = server.accept()
                except TimeoutError:
                    continue
                with link:
                    called.append(link.recv(2000).decode(errors="replace").split("\r\n")[0])

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", called
        stop.set()
        thread.join(5)


def test_no_page_is_fetched_from_another_host(site: Stand, elsewhere: tuple[str, list[str]]) -> None:
    """Also not by a name that only looks like the host, nor from the address where clouds keep their secrets."""
    url, called = elsewhere
    own = site.url["procore"]
    links = [
        f"{url}/rest/v1.0/vendors?page=2", "http://169.254.169.254/latest/meta-data/", "//169.254.169.254/latest/",
        url.replace("http://", "https://"), f"http://{own.removeprefix('http://')}@{url.removeprefix('http://')}/x",
        "file:///etc/passwd", "http://[::ffff:127.0.0.1]/x",
    ]  # fmt: skip
    before = site.rows("SELECT count(*) AS n FROM snapshot WHERE kind = 'vendor' AND gone_at IS NULL")
    for link in links:
        after = last_asked(site, "procore")
        fault = site.fault(
            "procore", "status", {"method": "GET", "path": "/rest/v1.0/vendors$"}, status=200, times=1,
            headers={"Link": f'<{link}>; rel="next"'}, body=[],
        )  # fmt: skip
        site.scan("procore", kinds=["vendor"])
        site.wait(lambda fault=fault: site.fired("procore", fault), 15, "the list was not read")
        site.wait_quiet()
        pages = asked(site, "procore", after, lambda e: "vendors" in e["path"])
        assert len(pages) == 1, f"{link} was followed"
    assert not called
    assert site.rows("SELECT count(*) AS n FROM snapshot WHERE kind = 'vendor' AND gone_at IS NULL") == before, (
        "half a list makes nothing gone"
    )
    site.wait(lambda: site.log("worker-bulk").count("the next page is elsewhere") >= len(links) - 1, 15, "nobody said why")


def test_no_redirect_is_followed(site: Stand, elsewhere: tuple[str, list[str]]) -> None:
    url, called = elsewhere
    told = [
        ("procore", {"method": "GET", "path": "/work_order_contracts/"}),
        ("lentune", {"method": "PUT", "path": "/subcontracts/"}),
        ("procore", {"method": "POST", "path": "/oauth/token"}),
    ]  # fmt: skip
    site.act("procore", "expire_tokens")
    faults = [
        (system, site.fault(system, "status", match, status=code, headers={"Location": f"{url}/take?all=1"}, times=1))
        for (system, match), code in zip(told, (302, 307, 308), strict=True)
    ]
    number = site.new_commitment()
    site.wait_state("commitment", number)
    assert all(site.fired(system, fault) for system, fault in faults) and not called
    assert len(site.created("lentune", "subcontract")) == 1
