"""The one document made of an invoice's attachments: whose pages are where, and what was left out and why."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from objects.problem import Problem
from sync.views.records import text_of

Plain = Mapping[str, Any]
#: A file that is listed and by rule never part of the document (S-29).
SIGNED = "docusign_not_accessible"
SIGNED_WORDS = "Signed with DocuSign; nobody but DocuSign can hand it out"


@dataclass(frozen=True, slots=True)
class Part:
    """One attachment within the document; pages are counted from 1, `last_page` included."""

    name: str
    first_page: int
    last_page: int
    size: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What is no part of it, and why, in words."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Document:
    """`sha256` is empty while there is none. `files`: names of the attachments, in the source's order."""

    sha256: str
    name: str
    pages: int
    size: int
    parts: tuple[Part, ...]
    left_out: tuple[LeftOut, ...]
    files: tuple[str, ...]


def document_of(data: Plain | None, held: Plain | None, problems: Sequence[Plain]) -> Document | None:
    """As it was last made for sending, with what now keeps a file out. None: an object without files."""
    made = ((held or {}).get("metadata") or {}).get("document") or {}
    files = tuple(str(file.get("name") or file.get("source_id")) for file in (data or {}).get("attachments") or ())
    if not made and not files:
        return None
    left = [LeftOut(str(one["name"]), _reason(str(one["reason"]))) for one in made.get("excluded") or ()]
    left += [one for one in _named(problems) if one not in left]
    return Document(
        str(made.get("sha256") or ""), str(made.get("file_name") or ""), int(made.get("pages") or 0),
        int(made.get("bytes") or 0), tuple(_parts(made.get("parts") or ())), tuple(left), files,
    )  # fmt: skip


def _parts(stored: Sequence[Plain]) -> Iterator[Part]:
    for one in stored:
        first = int(one["first_page"])
        yield Part(str(one["name"]), first, first + int(one["pages"]) - 1, int(one.get("bytes") or 0))


def _named(problems: Sequence[Plain]) -> Iterator[LeftOut]:
    """Problems that name files are the reasons why these are no part of it."""
    for one in problems:
        if files := one["values"].get("files"):
            yield LeftOut(files, text_of(Problem(one["code"], one["values"])).title)


def _reason(code: str) -> str:
    return SIGNED_WORDS if code == SIGNED else text_of(Problem(code, {})).title
