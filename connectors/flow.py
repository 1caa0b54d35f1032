"""The declarations every connector makes: flows, checks, readers and doorbells."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, Protocol

from connectors.calls import Answer, NotUnderstood
from connectors.plan import Plan, Seen, Step
from connectors.ports import Client
from objects import Object
from objects.known import Known
from objects.problem import Problem

Direction = Literal["from_procore", "to_procore"]
Protection = Literal["server_key", "unique_rule", "look_first", "none"]
Approval = Literal["automatic", "automatic_when_checks_pass", "manual"]


@dataclass(frozen=True, slots=True)
class Need:
    """Something a rule will look at, named beforehand so that a batch is filled with one query.

    what: link | linked_from | snapshot | find_project | find_name | find_invoice | numbered. `value` is the id or name
    looked for.
    """

    what: str
    kind: str
    value: str
    system: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One rule of one requirement line. `run` gives the problem, or None when the rule holds."""

    name: str
    requirement: str
    run: Callable[[Any, Known], Problem | None]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a record, for the source to be told: problems (empty: written) and what it became."""

    problems: tuple[Problem, ...]
    remote_id: str | None
    held: Mapping[str, Any]
    run_id: str


def nothing(*_: Any) -> Iterable[Any]:
    """No needs, no steps."""
    return ()


@dataclass(frozen=True, slots=True)
class Flow:
    """One kind, one direction, one connection.

    `takes` says whether the object is any business of this flow; what it does not take gets no record.
    `scope` gives the reason (a catalogue code) why an object is not part of this sync, or None.
    `hold` builds what the target should hold as JSON-ready data; its "as" names the target's plan in writing.PLANS.
    Its arguments are the object, what is known, and the record's key (15 characters, allocated once, kept for ever).
    `claim` and `report` are steps at the source: taking the object before it is written, telling what came of it.
    """

    kind: str
    direction: Direction
    source: str
    target: str
    checks: tuple[Check, ...]
    hold: Callable[[Any, Known, str], dict[str, Any]]
    protected_by: Protection
    takes: Callable[[Any], bool] = lambda obj: True
    scope: Callable[[Any, Known], Problem | None] = lambda obj, known: None
    needs: Callable[[Any], Iterable[Need]] = nothing
    claim: Callable[[Any, str, int], Iterable[Step]] = nothing
    report: Callable[[Any, Verdict, str], Iterable[Step]] = nothing
    #: Fetches what the object needs besides itself, such as its attachments made into one document, and gives the object
    #: with it. Its arguments are the object, the source's client, the connection's settings and a folder for the files.
    #: Called outside any transaction, before the checks; raises CallFailed's subclasses.
    prepare: Callable[[Any, Client, Any, Path], Any] | None = None
    explain: Callable[[Problem, Any, Known], Problem] = lambda problem, obj, known: problem
    #: What the other side's amount is compared with, computed from the source's object.
    compared: Callable[[Any], Decimal | None] = lambda obj: getattr(obj, "amount", None)
    #: Whether the connection's settings let this flow run without a person asking (L-06).
    pushed: Callable[[Any], bool] = lambda settings: True
    batch: int = 1
    #: The plan, given an id, reads what stands there and sends nothing: a link that a person or a rebuild made is seen to
    #: hold what was sent.
    reads_links: bool = False
    approval: Approval = "automatic"


@dataclass(frozen=True, slots=True)
class Page:
    """Objects of one page of a list, ids the list says are gone, and rows left out with what was odd about them.

    One row that cannot be understood holds nothing else up: `odd` pairs its id with the reason.
    """

    objects: Sequence[Object]
    gone: Sequence[str] = ()
    odd: Sequence[tuple[str, NotUnderstood]] = ()


class Reader(Protocol):
    """Reads one kind from one system."""

    kind: str
    #: company: one list for the whole company. project: one list per project.
    scope: Literal["company", "project"]
    #: The list can be asked for what changed since a time of the source's own clock.
    filtered: bool
    #: The list lacks parts that `complete` fetches (Procore's contract lists carry no lines).
    headers_only: bool

    def pages(self, client: Client, project_id: str | None, since: datetime | None) -> Iterator[Page]:
        """Whole pages; with `since`, only what changed at or after it where `filtered`."""

    def complete(self, client: Client, obj: Any) -> Any:
        """The object with the parts its list lacks. The same object where nothing is missing."""

    def one(self, client: Client, ref: str, project_id: str) -> Object | None:
        """The object behind a source id, or behind a doorbell's `ref`. None: gone at the source, or not of this kind."""


@dataclass(frozen=True, slots=True)
class Doorbell:
    """What an event is about. `direct`: `ref` is the object's source id; otherwise only the reader can tell."""

    kind: str
    ref: str
    project_id: str = ""
    deleted: bool = False
    direct: bool = True
    company: str = ""  # Procore's id of the company the event names, where it names one


@dataclass(frozen=True, slots=True)
class Ignored:
    """An event that is none of our business, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Counted:
    """One record as it stands in a system, read for comparing: never taken from our own bookkeeping.

    `anchor`: the key by which it names its counterpart (Lentune's external key: a source id of ours; Procore's origin_id:
    our record key); empty when nobody linked it.
    """

    kind: str
    project_id: str
    remote_id: str
    number: str
    anchor: str
    amount: Decimal
    currency: str
    link: str = ""  # its id as a link keeps it, where that is another


@dataclass(frozen=True, slots=True)
class Looked:
    """One thing that must hold in the other system, looked at now. `problem` says what is wrong; None: it holds.

    `stops`: while it does not hold, nothing of this connection can be set here (S-01, S-02, S-08).
    """

    name: str
    requirement: str
    said: str
    problem: Problem | None = None
    stops: bool = False

    @property
    def good(self) -> bool:
        """Whether it holds."""
        return self.problem is None


@dataclass(frozen=True, slots=True)
class Consent:
    """How a person lets us in with a browser: authorization code flow.

    `address` is where the browser is sent, from the settings, our client id, our own address it comes back to, and the
    state. `person` is who let us in, `companies` (id, name) are the ones they let us into; neither names a company yet.
    """

    address: Callable[[Any, str, str, str], str]
    person: Callable[[Client], str]
    companies: Callable[[Client], Sequence[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class Connector:
    """All that one folder declares; `connectors.registry` collects them."""

    system: str
    connect: Callable[..., Client]
    readers: Mapping[str, Reader]
    #: "as" of what is held -> its plan; called with what should be held, the linked id, the key, and the version last seen.
    plans: Mapping[str, Callable[..., Plan]]
    #: An event that is about several objects rings for each.
    doorbell: Callable[[Mapping[str, Any]], Doorbell | Ignored | tuple[Doorbell, ...]]
    verify: Callable[[bytes, Mapping[str, str], Sequence[str], datetime], str | None]
    event_id: Callable[[Mapping[str, Any]], str]
    #: (client, url, secret); with `renew=True` also where it is registered already, so that the secret is the one in use
    subscribe: Callable[..., list[str]]
    settings: type[Any]
    flows: tuple[Flow, ...] = ()
    #: Kinds scanned in dependency order; the ones with no flow are only looked at.
    scans: tuple[str, ...] = ()
    #: Those of `scans` that are read only for companies where some connection's flow takes them.
    scanned_if_taken: frozenset[str] = frozenset()
    read_settings: Callable[[Client], tuple[dict[str, Any], str]] | None = None
    save_settings: Callable[[Client, dict[str, Any], str, str], Answer] | None = None
    #: Kind -> everything of that kind the system holds as a target, for the comparison. Its argument is the client and
    #: the ids of the projects (the system's own) whose lists must be read one by one.
    counts: Mapping[str, Callable[[Client, Sequence[str]], Iterator[Counted]]] = field(default_factory=dict)
    #: A plan's name -> everything that stands there under a record's key, looked for without knowing its id. Its
    #: arguments are the client, what the target should hold, and the key. More than one is a duplicate.
    sightings: Mapping[str, Callable[[Client, Mapping[str, Any], str], Sequence[Seen]]] = field(default_factory=dict)
    #: As `counts`, for every kind that carries a key of ours: what links are rebuilt from.
    anchored: Mapping[str, Callable[[Client, Sequence[str]], Iterator[Counted]]] = field(default_factory=dict)
    #: What the system can do and what it cannot, by kind, in words that people read (requirement Y-20).
    capabilities: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    #: Where a person signs in there instead of a service account.
    consent: Consent | None = None
    #: What must hold there besides the sign-in: licences, services, jobs. Reads only; raises CallFailed's subclasses.
    probe: Callable[[Client], Sequence[Looked]] | None = None
    #: Names of the secrets that a connection with these settings signs in with.
    secrets: Callable[[Any], Sequence[str]] = lambda settings: ("client_id", "client_secret")
    labels: Mapping[str, str] = field(default_factory=dict)
