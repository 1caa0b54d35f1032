"""Text as people typed it, made safe to compare and to fit: NFC, no NUL, cut only between whole characters."""

import unicodedata

import regex


def clean(value: object) -> str:
    """NFC text without NUL and without space at its ends; None is empty.

    JSON may carry half of a surrogate pair, which no database stores: it becomes the replacement character.
    """
    if value is None:
        return ""
    whole = str(value).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return unicodedata.normalize("NFC", whole).replace("\x00", "").strip()


def same_name(left: str, right: str) -> bool:
    """Names are compared as written, apart from letter case and runs of space (L-35, L-36)."""
    return folded(left) == folded(right)


def folded(value: str) -> str:
    """The form in which two names are compared."""
    return " ".join(clean(value).casefold().split())


def shorten(value: str, limit: int) -> str:
    """At most `limit` code points, cut between grapheme clusters: a description may be shortened, an identifier never."""
    if len(value) <= limit:
        return value
    kept, length = [], 0
    for cluster in regex.findall(r"\X", value):
        if length + len(cluster) > limit - 1:
            break
        kept.append(cluster)
        length += len(cluster)
    return "".join(kept).rstrip() + "…"
