"""I6, I11 from the requests as they were sent: no blind second create, nothing into a window known to be shut."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

#: Creates that are looked for before they are sent again. No server keeps the first single for us. A sync action finds a
#: vendor by its origin id, and two invoices of one new supplier share that id: the other one's single look is enough.
CREATES = {("POST", "/rest/v1.1/requisitions"), ("PATCH", "/rest/v1.0/vendors/sync")}
SHARED = "/rest/v1.0/vendors/sync"
#: Money: nobody sends it again after a doubt, however often it was looked for, before a person has said so.
MONEY = ("POST", "/rest/v1.0/contract_payments")
LOOKED = {"/rest/v1.1/requisitions": "/rest/v1.1/requisitions", "/rest/v1.0/vendors/sync": "/rest/v1.0/vendors"}
#: What stands between an uncertain create and the next one (reliability 6.2): the quarantine, and two looks this far apart.
QUARANTINE, BETWEEN = timedelta(seconds=900), timedelta(seconds=60)


@dataclass(slots=True)
class Asked:
    """One request. `said`: done, refused, not_applied or uncertain, as its sender can tell; uncertain until it is told."""

    at: datetime
    sender: str
    system: str
    company: str
    method: str
    path: str
    query: Mapping[str, str]
    body: Any
    said: str = "uncertain"

    def key(self) -> str:
        """The origin id under which it creates."""
        body = self.body if isinstance(self.body, dict) else {}
        rows = body.get("updates") or [body.get("requisition") or body.get("contract_payment") or {}]
        return str(rows[0].get("origin_id") or "") if isinstance(rows[0], dict) else ""


class Requests:
    """Takes every request in turn and says what was wrong with it."""

    def __init__(
        self, deleted: Callable[[Asked], bool] = lambda before: False, said: Callable[[Asked], bool] = lambda before: False
    ) -> None:  # fmt: skip
        #: Whether a person has deleted what this one created: whether it may be made again is judged by the ledgers then.
        self.deleted = deleted
        #: Whether a person has said since that this payment is to be sent again.
        self.said = said
        self.paid: dict[tuple[str, str], Asked] = {}
        self.doubt: dict[tuple[str, str], Asked] = {}
        self.looks: dict[tuple[str, str], list[datetime]] = defaultdict(list)
        self.shut: dict[tuple[str, str, str], datetime] = {}
        self.found: list[str] = []

    def take(self, asked: Asked) -> None:
        """The next request, in the order in which they arrived."""
        self._window(asked)
        if (asked.method, asked.path) in CREATES and asked.key():
            self._create(asked, (asked.company, asked.key()))
        elif (asked.method, asked.path) == MONEY and asked.key():
            self._pay(asked, (asked.company, asked.key()))

    def answered(self, asked: Asked, status: int, shut_seconds: int = 0) -> None:
        """Its sender was told this much."""
        asked.said = said_of(status)
        if status == 429 and shut_seconds:
            self.shut[asked.sender, asked.system, asked.company] = asked.at + timedelta(seconds=shut_seconds)
        if asked.method == "GET" and asked.said == "done":
            for (company, key), before in self.doubt.items():
                if company == asked.company and asked.path == LOOKED[before.path] and key in asked.query.values():
                    self.looks[company, key].append(asked.at)

    def _create(self, asked: Asked, place: tuple[str, str]) -> None:
        before = self.doubt.get(place)
        if before is not None and before.said in ("uncertain", "done"):
            looks = [at for at in self.looks[place] if at - before.at >= QUARANTINE]
            twice = len(looks) >= 2 and max(looks) - min(looks) >= BETWEEN - timedelta(seconds=1)
            shared = asked.path == SHARED and self.looks[place]
            if not twice and not shared and not (before.said == "done" and self.deleted(before)):
                self.found.append(
                    f"I6: {asked.method} {asked.path} under {place[1]} at {asked.at:%H:%M:%S} follows one of {before.at:%H:%M:%S}"
                    f" whose outcome was {before.said}, with {len(looks)} looks after the quarantine"
                )
        self.doubt[place], self.looks[place] = asked, []

    def _pay(self, asked: Asked, place: tuple[str, str]) -> None:
        before = self.paid.get(place)
        if before is not None and before.said in ("uncertain", "done") and not self.said(before):
            self.found.append(
                f"I6: a payment was sent under {place[1]} at {asked.at:%H:%M:%S} after one of {before.at:%H:%M:%S} whose outcome"
                f" was {before.said}, and nobody had said so"
            )
        self.paid[place] = asked

    def _window(self, asked: Asked) -> None:
        """Known to be shut: whoever was told so itself sends nothing before it opens again."""
        place = (asked.sender, asked.system, asked.company)
        opens = self.shut.get(place)
        if opens is not None and asked.at < opens - timedelta(seconds=1):
            self.found.append(
                f"I11: {asked.sender} asked {asked.system} {asked.method} {asked.path} at {asked.at:%H:%M:%S};"
                f" it knew that the window is shut until {opens:%H:%M:%S}"
            )


def said_of(status: int) -> str:
    """The verdict of reliability 6.1 on an answer."""
    if 200 <= status < 300:
        return "done"
    if status == 429:
        return "not_applied"
    return "refused" if 400 <= status < 500 and status not in (408, 409) else "uncertain"
