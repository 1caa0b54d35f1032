"""The judges: what must never be seen, computed from the simulators' ledgers and states and an independent model.

`cheap(sight)` after every step, `broken(sight)` when everything is mended and quiet. Both give sentences, each starting
with the id of the invariant (reliability section 5) and naming the object; none means that nothing is wrong.
"""

from collections.abc import Sequence
from weakref import WeakKeyDictionary

from tests.oracles import agree, approved, chain, companies, meddled, paperless, rest
from tests.oracles.once import Ledgers
from tests.oracles.sights import InProcess, OverHttp, Sight

_watched: "WeakKeyDictionary[Sight, Ledgers]" = WeakKeyDictionary()


def cheap(sight: Sight) -> list[str]:
    """What holds at every moment, judged by what the ledgers gained since the last call on this sight."""
    if sight not in _watched:
        _watched[sight] = Ledgers()
    ledgers = _watched[sight]
    ledgers.read(sight)
    return ledgers.broken()


def broken(sight: Sight, canaries: Sequence[str] = ()) -> list[str]:
    """Everything that can be judged once all is mended and quiet. `canaries`: secrets that must stand nowhere."""
    found = cheap(sight) + rest.unsettled(sight) + rest.endless(sight) + rest.overtaken(sight) + agree.disagreements(sight)
    found += approved.unapproved(sight) + paperless.sent_again(sight) + paperless.touched(sight) + paperless.torn(sight)
    found += meddled.remade(sight)
    return found + chain.unproved(sight) + companies.mixed(sight) + companies.leaked(sight, canaries)


__all__ = ["InProcess", "OverHttp", "Sight", "broken", "cheap"]
