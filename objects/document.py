"""Files attached to an object, and the one document that is made of them."""

from dataclasses import dataclass

#: The type of a file that was signed with DocuSign: linked to its object, and not reachable by anybody else (S-29).
DOCUSIGN = "application/vnd.docusign"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file as its source lists it, in the source's order. Its address is asked for when it is needed: it expires."""

    source_id: str
    name: str
    content_type: str = ""

    @property
    def reachable(self) -> bool:
        return self.content_type != DOCUSIGN


@dataclass(frozen=True, slots=True)
class Part:
    """One attachment within the document; pages are counted from 1, `last_page` included. `size` is that of the file."""

    source_id: str
    name: str
    sha256: str
    first_page: int
    last_page: int
    size: int = 0


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An attachment that is not part of the document, and why (a catalogue code)."""

    source_id: str
    name: str
    code: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """All attachments as one PDF. `sha256` names its content; `size` is in bytes."""

    sha256: str
    pages: int
    size: int
    parts: tuple[Part, ...]
    left_out: tuple[LeftOut, ...] = ()
