"""One company of a run: its simulators, its connections, its people's acts, and the door its webhooks come in by."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import text

import simulators
from connectors.registry import connector
from models import session, unscoped
from sync import connections, settings
from sync.secrets import decrypt
from tests.mill.broker import Broker
from tests.mill.clock import Time
from tests.mill.world import World

#: Each company's systems answer at ports of their own, so that one transport can serve all.
PROCORE, ACCOUNTING = 9100, 9200
#: States of a record that waits for a person's word.
WAITING = ("awaiting_approval", "needs_attention", "rejected", "conflict")


class Site:
    """`number` counts companies of a run; all hold the same data under the same ids (F50)."""

    def __init__(self, number: int, world: World, time: Time, limits: dict[str, int], shares: Path) -> None:
        self.time, self.number, self.world = time, number, world
        dataset, options = world.dataset(number), world.options(limits)
        if world.shared:
            self.share = shares / str(number)
            self.share.mkdir(parents=True)
            options |= {"folder": str(self.share)}
        self.simulators = {
            "procore": simulators.load(
                "procore", dataset=dataset, clock=time.clock, hourly=limits["hourly"], spike=limits["spike"],
                keeps_invoices_single=False,  # what is sent twice stands there twice: nothing but our protocol prevents it
            ),
            world.system: simulators.load(world.system, dataset=dataset, clock=time.clock, **options),
        }
        self.company = 0
        self.web_down = False
        world.works(self)

    def connect(self) -> None:
        """As a person does it in the console, webhooks and all."""
        procore = self.simulators["procore"].credentials
        self.company = connections.new_company(f"Company {self.number}", str(procore["company_id"]))
        for system, core in self.simulators.items():
            address: dict[str, Any] = {"base_url": f"http://127.0.0.1:{self.port(system)}"}
            if system == self.world.system:
                address = ({"folder": str(self.share)} if self.world.shared else address) | self.world.connection(self.number)
            connections.connect(self.company, system, address, {k: str(v) for k, v in core.credentials.items()})
        settings.fetch(self.company, self.world.system, "mill")
        for system in self.simulators:
            connections.subscribe(self.company, system)

    def port(self, system: str) -> int:
        return (PROCORE if system == "procore" else ACCOUNTING) + self.number

    def act(self, system: str, action: str, **args: Any) -> Any:
        """What a person does there. Raises BadAction when the system does not let them."""
        return self.simulators[system].act(action, args)

    def hear(self, broker: Broker) -> int:
        """Webhooks that are due come in at the door, each stored before it is answered; gives how many."""
        count = 0
        for system, core in self.simulators.items():
            for delivery in core.tick():
                core.delivered(delivery, None if self.web_down else self._receive(system, delivery, broker))
                count += 1
        return count

    def waiting(self) -> bool:
        """Whether webhooks are due now or on their way."""
        return any(core.outbox.waiting() for core in self.simulators.values())

    def next_webhook(self) -> datetime | None:
        """When the next postponed one goes out again."""
        paused = [at for core in self.simulators.values() for at in core.outbox.paused_until.values()]
        return min(paused, default=None)

    def _receive(self, system: str, delivery: Any, broker: Broker) -> int:
        declared, address = connector(system), delivery.url.rsplit("/", 1)[1]
        with unscoped() as db:
            hook = db.execute(text("SELECT * FROM sitebooks_hook(:a)"), {"a": address}).one_or_none()
        if hook is None:
            return 404
        headers = {name.lower(): value for name, value in delivery.headers.items()}
        if declared.verify(delivery.body, headers, decrypt(hook.secrets), self.time.now()) is not None:
            return 401
        with unscoped() as db:
            rows = db.execute(
                text("SELECT id FROM sitebooks_ingest(ARRAY[:p], ARRAY[:c], ARRAY[:s], ARRAY[:e], ARRAY[CAST(:b AS jsonb)])"),
                {
                    "p": hook.company_id, "c": hook.connection_id, "s": system,
                    "e": declared.event_id(json.loads(delivery.body)), "b": delivery.body.decode(),
                },
            ).all()  # fmt: skip
        if rows:
            broker.put("sitebooks.inbox.process", [hook.company_id, [row.id for row in rows]])
        return 202

    def undecided(self, *also: str) -> list[Any]:
        """Records that wait for a person's word, or are in one of these states, oldest first."""
        with session(self.company) as db:
            return list(
                db.execute(
                    text("""SELECT id, kind, source_id, key, state, version, amount, problems FROM sync_record
                    WHERE state = ANY(:states) ORDER BY id"""),
                    {"states": [*WAITING, *also]},
                )
            )

    def waiting_for(self, code: str) -> list[int]:
        """Records that wait for this, oldest first."""
        wanted = text("SELECT id FROM sync_record WHERE problems @> CAST(:p AS jsonb) ORDER BY id")
        with session(self.company) as db:
            return list(db.scalars(wanted, {"p": json.dumps([{"code": code}])}))
