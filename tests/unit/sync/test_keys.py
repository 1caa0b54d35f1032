"""External keys: short, printable, the same for ever, different for everything that must not be taken for each other."""

import itertools
import re

from sync.keys import external_key


def test_a_key_is_fifteen_characters_that_fit_any_field_and_never_changes():
    key = external_key(b"salt", "to_procore", "invoice", "inv-1")
    assert re.fullmatch(r"[A-Z2-7]{15}", key)
    assert key == "ID6B52P774S43IA", "as it was first made: what stands outside is found by it"


def test_everything_it_is_made_of_counts():
    parts = itertools.product((b"one company", b"another"), ("to_procore", "from_procore"), ("invoice", "payment"), ("1", "11"))
    keys = [external_key(*p) for p in parts]
    assert len(set(keys)) == len(keys) == 16


def test_ten_thousand_objects_share_no_key():
    assert len({external_key(b"s", "to_procore", "invoice", str(n)) for n in range(10_000)}) == 10_000
