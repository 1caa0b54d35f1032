"""The secrets that this process has in its hands, and blanking them, and whatever looks like one, in any text."""

import json
import re
import threading
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

BLANK = "***"
#: Shorter ones would blank words that only happen to be equal.
SHORTEST = 6
#: The newest are kept: tokens are replaced all day, and a process lives for weeks.
MOST = 4000
#: Parts of credentials that are no secret, and that people need to see in a message.
OPEN = {
    "grant", "grant_type", "scope", "redirect_uri", "client_id", "email", "username", "tenant", "company_id", "vault_id",
    "folder",
}  # fmt: skip

NAMES = r"client_?secret|(?:access|refresh|api|id)_?token|password|passwd|secret_?keys?|api_?key|hook_?secrets?"
_SHAPES = re.compile(
    r"(?P<address>://[^\s:/@]*:)[^\s/]+(?=@)"  # user:password@ in any address
    # short ones only where a header is named: a bearer is also a beam, and may be 140x45
    r"|(?P<header>\bauthorization\b(?:\\?[\"'])?\s*[=:]\s*(?:\\?[\"'])?(?:Bearer|Basic)\s+)[^\s\"'\\,;}]+"
    r"|(?P<scheme>\b(?:Bearer|Basic)\s+)[^\s\"'\\,;}]{16,}"
    r"|(?P<link>/sign-in/)[\w-]{16,}"
    rf"|(?P<named>\b(?:{NAMES})\b(?:\\?[\"'])?\s*[=:]\s*(?:\\?[\"'])?)(?!null|true|false)[^\s\"'\\&,;)}}]+",
    re.IGNORECASE,
)
_known: dict[str, None] = {}
_lock = threading.Lock()


def remember(data: Any) -> Any:
    """Every text in this (a value, a list, a mapping of names to values) is a secret from now on; gives it back."""
    for value in _texts(data):
        if len(value) >= SHORTEST:
            with _lock:
                for form in dict.fromkeys((value, quote(value, safe=""), json.dumps(value)[1:-1])):
                    _known.pop(form, None)
                    _known[form] = None
                while len(_known) > MOST:
                    del _known[next(iter(_known))]
    return data


def blank(text: str) -> str:
    """The text without any secret that this process knows, and without what has the shape of one."""
    with _lock:
        found = [value for value in _known if value in text]
    for value in sorted(found, key=len, reverse=True):  # one may be the beginning of another
        text = text.replace(value, BLANK)
    return _SHAPES.sub(lambda hit: f"{next(filter(None, hit.groups()))}{BLANK}", text)


def blank_in(data: Any) -> Any:
    """The same in every text of plain data."""
    if isinstance(data, str):
        return blank(data)
    if isinstance(data, Mapping):
        return {name: blank_in(value) for name, value in data.items()}
    return [blank_in(value) for value in data] if isinstance(data, list | tuple) else data


def _texts(data: Any) -> Iterable[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, Mapping):
        for name, value in data.items():
            if name not in OPEN:
                yield from _texts(value)
    elif isinstance(data, list | tuple):
        for value in data:
            yield from _texts(value)
