"""What a run must know of the system on the accounting side: one object per system, and nothing else of the mill names one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from tests.mill.workers import Place

if TYPE_CHECKING:
    from tests.mill.moments import Moment
    from tests.mill.people import Act, People
    from tests.mill.site import Site

#: The system that a run has when nobody names one.
FIRST = "lentune"


@dataclass(frozen=True, slots=True)
class World:
    """Beside Procore there is `system`; everything here is its own."""

    system: str
    #: Data of a company of the run, as both simulators read it; companies are counted from 0.
    dataset: Callable[[int], dict[str, Any]]
    #: Options of its simulator under the limits of a run.
    options: Callable[[Mapping[str, int]], dict[str, Any]]
    #: Rows of one of its pages.
    paged: Callable[[int], None]
    #: What people do: acts by name, and the names as often as each is drawn.
    acts: Mapping[str, "Act"]
    drawn: Sequence[str]
    #: What people do to the copies that we wrote.
    meddling: Sequence["Act"]
    #: Kinds for which a person's approval may be asked for; nothing for none.
    approvals: Sequence[str]
    #: Places of Procore's and its own that may be hit harder: where money is written.
    focus: Sequence[str]
    #: What is written when somebody does this.
    written: Sequence["Act"]
    #: Documents as the simulators' ledgers call them, with the kinds of their records.
    touched: Mapping[str, str]
    #: What to ring with for a document of that system and id that was never seen; nothing when only its webhook can tell.
    unseen: Callable[["Site", str, str], dict[str, Any]]
    #: A person changes the document of a record at its source once more; None when that cannot be.
    changed: Callable[["Site", dict[str, Any]], Callable[["People"], Any] | None]
    #: Where a worker stands still and where it dies, of what goes to Procore and of what comes from there.
    stands: tuple[tuple[Place, ...], tuple[Place, ...]]
    dies: tuple[tuple[Place, ...], tuple[Place, ...]]
    moments: Sequence[Callable[["Moment"], None]]
    #: Interesting paths (I13): rows of our tables by which each is told, and those that every campaign must have taken.
    counted: Mapping[str, str]
    must_reach: Sequence[str]
    #: Settings of the connection beside its address.
    connection: Callable[[int], dict[str, Any]] = lambda number: {}
    #: Codes of what somebody must say of a copy, and of what is simply asked for again.
    left_there: frozenset[str] = frozenset({"vanished_at_target", "not_as_sent"})
    asked_again: frozenset[str] = frozenset()
    #: Whether they ask for it also while it is held and would be looked at again by itself.
    asks_held: bool = False
    #: Whether people decide at the end also where nobody meddled: money in doubt comes right by their word only.
    decides: bool = False
    #: Entries of the schedule that are not ticked one by one while the quarantines pass.
    passes: tuple[str, ...] = ("changes",)
    #: Objects that a person finds in Procore for a record in doubt, by their id there.
    arrived: Callable[["Site", Any], str] = field(default=lambda site, record: "")
    #: The way into the system, where it has several; `others` are its further ones, each a world of its own.
    way: str = ""
    others: Sequence["World"] = ()
    #: Whether it is reached through a folder of the run and not at an address.
    shared: bool = False
    #: What goes on there by itself as time passes, and what is put right with everything else at the end of a run.
    works: Callable[["Site"], None] = field(default=lambda site: None)
    healed: Callable[["Site"], None] = field(default=lambda site: None)
    #: Paths that only the simulator can tell of, and how often each was taken.
    met: Callable[["Site"], Mapping[str, int]] = field(default=lambda site: {})

    def by(self, way: str) -> "World":
        """The world of one of its ways in. Raises LookupError."""
        found = next((one for one in (self, *self.others) if one.way == way), None)
        if found is None:
            raise LookupError(f"the mill does not drive {self.system} by {way}")
        return found

    @property
    def reached(self) -> tuple[str, ...]:
        """The paths that a campaign must have taken, by whatever way in."""
        return tuple(dict.fromkeys(path for one in (self, *self.others) for path in one.must_reach))

    @property
    def systems(self) -> tuple[str, str]:
        return ("procore", self.system)


def named(system: str) -> World:
    """Raises LookupError for a system that the mill does not drive."""
    if find_spec(f"tests.mill.world_{system}") is None:
        raise LookupError(f"the mill does not drive {system}")
    found: World = import_module(f"tests.mill.world_{system}").WORLD
    return found
