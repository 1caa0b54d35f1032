"""Attachments into one PDF (contract C.5): in their order, the same bytes for the same files, on disk and never in memory."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path

import pikepdf

from connectors.sage_paperless import kinds, office, textpages
from connectors.sage_paperless.pages import Unusable, open_pdf, picture_to_pdf
from objects.document import Document, LeftOut, Part


@dataclass(frozen=True, slots=True)
class File:
    """An attachment as it lies on disk."""

    source_id: str
    name: str
    content_type: str
    path: Path


def join(files: Sequence[File], folder: Path, paper: str, left_out: Sequence[LeftOut] = ()) -> Document:
    """The document, as `folder`/<sha256>.pdf. With a file that cannot be part of it, none is made: `left_out` says which.

    `left_out` given beforehand names what is not there by nature (DocuSign) or could not be fetched.
    """
    with tempfile.TemporaryDirectory(dir=folder, prefix="joining-") as work, ExitStack() as opened:
        parts: list[tuple[File, pikepdf.Pdf]] = []
        refused: list[LeftOut] = []
        for number, file in enumerate(files):
            try:
                parts.append((file, opened.enter_context(_as_pdf(file, Path(work, f"{number}.part"), paper))))
            except Unusable as error:
                refused.append(LeftOut(file.source_id, kinds.safe(file.name), error.code, error.reason))
        if refused or not parts:
            return Document("", 0, 0, (), (*left_out, *refused))
        return _whole(parts, folder, Path(work, "whole.pdf"), tuple(left_out))


@contextmanager
def _as_pdf(file: File, made: Path, paper: str) -> Iterator[pikepdf.Pdf]:
    """The file as a PDF that is whole. Raises Unusable."""
    if not file.path.stat().st_size:
        raise Unusable("attachment_empty", "it holds no bytes")
    said, found = kinds.said_by(file.name, file.content_type), kinds.found_in(file.path)
    if said == kinds.OTHER or (found == kinds.OTHER and said in ("", kinds.OFFICE)):
        raise Unusable("type_not_convertible", f"{file.content_type or 'its type'} cannot be made into pages")
    if said and said != found:
        raise Unusable("attachment_not_what_it_says", f"it is said to be {said}, and its content is {_called(found)}")
    path = file.path
    if found != kinds.PDF:
        path = made
        if found == kinds.TEXT:
            textpages.to_pdf(file.path, made, paper)
        elif found == kinds.OFFICE:
            office.to_pdf(file.path, made)
        else:
            picture_to_pdf(file.path, made, paper)
    with open_pdf(path) as pdf:
        yield pdf


def _called(kind: str) -> str:
    return "something else" if kind == kinds.OTHER else kind


def _whole(parts: Sequence[tuple[File, pikepdf.Pdf]], folder: Path, path: Path, left_out: tuple[LeftOut, ...]) -> Document:
    listed = []
    with pikepdf.new() as whole:
        with whole.open_outline() as outline:
            for file, pdf in parts:
                first, name = len(whole.pages), kinds.safe(file.name)
                whole.pages.extend(pdf.pages)
                outline.root.append(pikepdf.OutlineItem(name, first))
                listed.append((file, name, first + 1, len(whole.pages)))
        whole.remove_unreferenced_resources()
        whole.save(
            path, deterministic_id=True, compress_streams=False, stream_decode_level=pikepdf.StreamDecodeLevel.none,
            object_stream_mode=pikepdf.ObjectStreamMode.disable,
        )  # fmt: skip
        pages = len(whole.pages)
    made = _sha256(path)
    kept = path.replace(folder / f"{made}.pdf")
    shown = tuple(
        Part(file.source_id, name, _sha256(file.path), first, last, file.path.stat().st_size)
        for file, name, first, last in listed
    )
    return Document(made, pages, kept.stat().st_size, shown, left_out)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
