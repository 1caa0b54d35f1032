"""The demo from its first reading to its last comparison, told while it happens."""

import time
from dataclasses import dataclass, field
from typing import Any

from cli.comparing import compare
from cli.counting import counts, show_counts, since
from cli.demo.books import differences
from cli.demo.duplicates import by_ledger, by_look
from cli.demo.expected import Ending, ending, records
from cli.demo.pretend import Pretend
from cli.matching import one
from cli.output import Output
from cli.place import Place, actor
from cli.quiet import wait_until_quiet
from cli.waiting import Waiting
from objects.money import text_of
from sync import approval, payments
from sync.reconcile import Report
from sync.views import overview, system_word
from tasks import publish, scan

#: A story that has not come to rest by then has gone wrong.
REST_SECONDS = 180.0
#: Long enough for a webhook that is on its way to arrive.
CALM_SECONDS = 1.5


@dataclass
class Played:
    """What came of it. `books`: what differs in the pretend systems' own books; `restless`: what did not come to rest."""

    ending: Ending
    reports: dict[str, Report]
    duplicates: list[str]
    books: list[str] = field(default_factory=list)
    restless: list[str] = field(default_factory=list)
    records: int = 0

    @property
    def ok(self) -> bool:
        """All is as the data set says it must be, to the cent, and nothing stands twice."""
        unexplained = any(report.unexplained for report in self.reports.values())
        return self.ending.as_expected and not (unexplained or self.duplicates or self.books or self.restless)

    def differences(self) -> list[str]:
        """Everything that is not as it must be, as sentences."""
        end = self.ending
        lines = [line for report in self.reports.values() for line in report.lines if line.unexplained]
        return [
            *self.restless,
            *end.differences,
            *self.books,
            *(f"{p['kind']} {p['number']}: {p['code']} was not expected" for p in end.problems if not p["expected"]),
            *(f"{p['kind']} {p['number']}: {p['code']} is missing" for p in end.missing),
            *(f"project {x.project or '(none)'}, {x.kind}: {x.currency} {x.unexplained:,.2f} unexplained" for x in lines),
            *(f"twice: {duplicate}" for duplicate in self.duplicates),
        ]

    def plain(self, seconds: float) -> dict[str, Any]:
        """The document of `demo --json`."""
        return {
            "ok": self.ok,
            "seconds": round(seconds, 1),
            "kinds": self.ending.kinds,
            "totals": [
                {
                    "project": x.project,
                    "kind": x.kind,
                    "currency": x.currency,
                    "here": text_of(x.here),
                    "there": text_of(x.there),
                    "difference": text_of(x.difference),
                    "unexplained": text_of(x.unexplained),
                }
                for report in self.reports.values()
                for x in report.lines
            ],
            "duplicates": len(self.duplicates),
            "problems": self.ending.problems,
            "missing_problems": self.ending.missing,
            "differences": self.differences(),
        }


class Play:
    """One performance. `system`: only this connection's part of the story, "" for all."""

    def __init__(self, out: Output, place: Place, system: str) -> None:
        self.out, self.place, self.system = out, place, system
        self.pretend = {name: Pretend(name, stand["url"]) for name, stand in place.ready["simulators"].items()}
        self.story = self.pretend["procore"].story()
        self.restless: list[str] = []

    def perform(self) -> Played:
        """Everything, in order. Raises Failure, and what the comparison raises."""
        self.out.say("\nEverything both systems hold is read and brought over ...")
        began = since(self.place.company_id)
        self._rest("The first reading")
        show_counts(self.out, counts(self.place.company_id, began, None, self.system))
        for act in self.story["people"] or ():
            if act["system"] in ("procore", "sitebooks", self.system) or not self.system:
                self._act(act)
        self._pass()
        self.out.say("\nBoth sides are compared to the cent ...")
        systems = [name for name in self.place.systems if name != "procore" and self.system in ("", name)]
        reports = compare(self.out, self.place.company_id, systems)
        holds = {system: books.holds() for system, books in self.pretend.items()}
        doubled = [
            f"{system_word(system)}: {what}"
            for system, books in self.pretend.items()
            for what in (*by_ledger(books.ledger()), *by_look(holds[system]))
        ]
        found, expected = records(self.place.company_id, self.system), self.story["expected"]
        amiss = differences(holds, expected.get("books", {}))
        return Played(ending(found, expected), reports, doubled, amiss, self.restless, len(found))

    def _pass(self) -> None:
        """What the schedule does every few minutes: not every change has a webhook (an invoice that is approved and cannot be
        posted rings none), so what changed is read as well."""
        self.out.say("\nThe scheduled pass reads what no webhook tells of ...")
        for system in self.place.systems:
            scan.start(self.place.company_id, system)
        self._rest("The scheduled pass")

    def _act(self, act: dict[str, Any]) -> None:
        system, action, args = act["system"], act["action"], act["args"]
        where = "Sitebooks" if system == "sitebooks" else f"the pretend {system_word(system)}"
        self.out.say(f"\nIn {where} somebody does: {action.replace('_', ' ')} ({', '.join(f'{k} {v}' for k, v in args.items())})")
        began, start = since(self.place.company_id), time.monotonic()
        if action == "sync_payments":
            _ask_for_payments(self.place, self.system)
        elif system == "sitebooks":
            self._decide(args)
        else:
            self.pretend[system].act(action, args)
        if act.get("with_next"):  # people do not wait for us
            return
        self._rest(f"What followed from {action}")
        done = counts(self.place.company_id, began, None, self.system)
        self.out.say(
            f"  {done['looked_at']} records looked at, {done['written']} written, at rest after {time.monotonic() - start:.1f} s"
        )

    def _decide(self, args: dict[str, Any]) -> None:
        """An approval, exactly as `sitebooks approve` gives it."""
        ref = f"{args['commitment']}/{args['number']}" if args.get("commitment") else args["number"]
        row = one(self.place, ref, args.get("kind"), self.system)
        publish.ring_all(self.place.company_id, approval.approve(self.place.company_id, row.id, row.version, row.here, actor()))

    def _rest(self, what: str) -> None:
        with Waiting(self.out, "Syncing") as waiting:
            rested = wait_until_quiet(
                self.place.company_id,
                waiting,
                seconds=REST_SECONDS,
                soon_seconds=3.0,
                calm_seconds=CALM_SECONDS,
                also=self._so_far,
            )
        if not rested:
            self.restless.append(f"{what} did not come to rest within {REST_SECONDS:.0f} s")

    def _so_far(self) -> str:
        seen = overview(self.place.company_id)
        return f"{seen.agreed} of {seen.records} agree"


def _ask_for_payments(place: Place, system: str) -> None:
    """Sync Payments for Synced Invoices, as its button does it."""
    for name in payments.asked(place.company_id, system, actor()):
        publish.send("sitebooks.payment.pull", [place.company_id, name], "interactive")
