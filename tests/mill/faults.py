"""What goes wrong in a run: rates drawn once, so that some runs are calm and some brutal (reliability section 5)."""

from random import Random
from typing import Any

from tests.mill.site import Site
from tests.mill.world import World

#: What may happen to a request, with what it needs. Late writes and read lag are always possible.
ON_REQUEST: dict[str, dict[str, Any]] = {
    "drop_before": {},
    "drop_after": {},
    "reset_connection": {},
    "truncate": {},
    "delay": {"seconds": 61},
    "status 429": {"action": "status", "status": 429, "headers": {"Retry-After": "7"}},
    "status 503": {"action": "status", "status": 503, "headers": {"Retry-After": "20"}},
    "status 500": {"action": "status", "status": 500},
    "status 504": {"action": "status", "status": 504},
}
ALWAYS: dict[str, dict[str, Any]] = {
    "apply_later": {"match": {"method": "P(UT|OST|ATCH)"}},
    "read_lag": {"match": {"method": "GET"}, "seconds": 20},
}
ON_DELIVERY = ("drop", "duplicate", "reorder", "delay", "drop_after", "status")
#: Late writes come at most so much later: well inside the quarantine (900 s), which is what it is for.
LATEST_SECONDS = 600
#: How one place of each run may be hit harder: where money is written.
HARD = ("drop_after", "apply_later", "status 504", "drop_before", "delay")
LEVELS = {"calm": 0.0, "mild": 0.03, "rough": 0.08, "brutal": 0.2}


def draw(random: Random, world: World) -> dict[str, Any]:
    """The troubles of one run, as plain data for its trace."""
    level = random.choice(list(LEVELS))
    most = LEVELS[level]
    rates = {name: round(random.uniform(0, most), 4) for name in ON_REQUEST if random.random() < 0.5}
    rates |= {name: round(random.uniform(0.01, max(most, 0.03)), 4) for name in ALWAYS}
    deliveries = {name: round(random.uniform(0, most), 4) for name in ON_DELIVERY if random.random() < 0.5}
    focus = [random.choice(world.focus), random.choice(HARD), round(random.uniform(0.1, 0.5), 3)] if random.random() < 0.5 else []
    return {"level": level, "focus": focus, "seed": random.randrange(1_000_000), "requests": rates, "deliveries": deliveries}


def begin(site: Site, troubles: dict[str, Any]) -> None:
    """Sets them going at both systems of a company."""
    random = Random(troubles["seed"] + site.number)
    for core in site.simulators.values():
        for name, rate in troubles["requests"].items():
            for spec in _specs(name, random):
                core.faults.add({"probability": rate, "seed": random.randrange(1_000_000), **spec})
        if troubles["focus"]:
            path, name, rate = troubles["focus"]
            for spec in _specs(name, random):
                match = {**spec.get("match", {}), "path": path}
                core.faults.add({"probability": rate, "seed": random.randrange(1_000_000), **spec, "match": match})
        for action, rate in troubles["deliveries"].items():
            spec = {"on": "delivery", "action": action, "seconds": 30, "status": 503}
            core.faults.add({"probability": rate, "seed": random.randrange(1_000_000), **spec})


def end(site: Site) -> None:
    """Everything works again; what was on its way still arrives."""
    for core in site.simulators.values():
        core.faults.clear()
    site.web_down = False
    site.world.healed(site)


def _specs(name: str, random: Random) -> list[dict[str, Any]]:
    if name == "apply_later":  # one rule per method: a rule matches one
        seconds = random.choice([30, 90, 240, LATEST_SECONDS])
        return [{"action": name, "seconds": seconds, "match": {"method": method}} for method in ("PUT", "POST", "PATCH")]
    if name == "read_lag":
        return [{"action": name, **ALWAYS[name]}]
    return [{"action": name, **ON_REQUEST[name]}]
