"""F20: webhooks of somebody who does not know the secret."""

import random
import secrets
import statistics
import urllib.request

import pytest

from tests.faults.hooks import Hook, asked, last_asked, of_contract
from tests.faults.stand import Stand, status

pytestmark = pytest.mark.fault("F20")
GUESSES = 1000


def stored(site: Stand) -> int:
    return int(site.rows("SELECT count(*) AS n FROM event")[0]["n"])


def counted(site: Stand) -> float:
    """What /metrics says of refused deliveries."""
    token = {"Authorization": f"Bearer {site.ready['api_token']}"}
    with urllib.request.urlopen(urllib.request.Request(f"{site.web}/metrics", headers=token), timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    refused = [line for line in lines if line.startswith("sitebooks_webhooks_total{") and 'status="401"' in line]
    return sum(float(line.rpartition(" ")[2]) for line in refused)


def test_a_thousand_guesses_store_nothing(site: Stand) -> None:
    site.wait_quiet()
    hook, other = Hook(site, "procore"), Hook(site, "lentune")
    before, counts, read = stored(site), counted(site), last_asked(site, "procore")
    body = b'{"ulid": "01FORGED", "resource_id": 1}'
    guesses: list[dict[str, str]] = [
        {}, {"Authorization": ""}, {"Authorization": "Bearer "}, {"Authorization": f"Bearer {other.secret}"},
        {"Authorization": hook.secret}, {"Authorization": f"Basic {hook.secret}"},
        {"Authorization": f"Bearer {hook.secret[:-1]}"}, other.headers(body), {"Authorization": f"Bearer {hook.secret}x"},
        {"Authorization": "Bearer é"},
    ]  # fmt: skip
    guesses += [{"Authorization": f"Bearer {secrets.token_urlsafe(32)}"} for _ in range(GUESSES - len(guesses))]
    answers = {hook.deliver(body, {k: v.encode("latin-1").decode("latin-1") for k, v in guess.items()})[0] for guess in guesses}
    assert answers == {401}
    assert other.deliver(body, hook.headers(body))[0] == 401, "a secret is good for its own address only"
    assert other.deliver(body, {**other.headers(b"other"), "Content-Type": "application/json"})[0] == 401
    assert status(f"{site.web}/webhooks/procore/{secrets.token_urlsafe(24)}", {"ulid": "1"}) == 404
    assert status(f"{site.web}{hook.path.replace('procore', 'lentune')}", {"event_id": "1"}) == 404
    assert stored(site) == before, "nothing but a counter"
    assert not asked(site, "procore", read, lambda e: e["path"].endswith("/1")), "what a forger names was read"
    assert counted(site) - counts == GUESSES + 2


def test_time_does_not_tell_how_much_of_the_secret_was_right(site: Stand) -> None:
    """Guesses without a right character against guesses that are right but for the last, one after the other."""
    hook, event = Hook(site, "procore"), of_contract(1, 1)
    took: dict[str, list[float]] = {"none": [], "nearly": []}
    for n in range(800):
        which = "none" if n % 2 else "nearly"
        guess = "!" * len(hook.secret) if which == "none" else hook.secret[:-1] + "!"
        code, seconds = hook.deliver(event, {"Authorization": f"Bearer {guess}"})
        assert code == 401
        took[which].append(seconds)
    apart = abs(statistics.median(took["none"]) - statistics.median(took["nearly"]))
    both, chance = took["none"] + took["nearly"], random.Random(20)
    shuffled = []
    for _ in range(1000):  # how far apart halves of the same times are by chance alone
        chance.shuffle(both)
        shuffled.append(abs(statistics.median(both[:400]) - statistics.median(both[400:])))
    assert apart <= max(shuffled), f"{apart * 1e6:.0f} us apart, by chance at most {max(shuffled) * 1e6:.0f}"
