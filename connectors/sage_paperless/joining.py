"""Attachments into one PDF (contract C.5): in their order, the same bytes for the same files, on disk and never in memory."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import Any

import pikepdf

from connectors.sage_paperless import kinds, office, pictures, textpages
from connectors.sage_paperless.pages import Unusable, pages_of
from objects.document import Document, LeftOut, Part


@dataclass(frozen=True, slots=True)
class File:
    """An attachment as it lies on disk."""

    source_id: str
    name: str
    content_type: str
    path: Path


#: A file, the PDFs made of it in their order, and how many pages they have.
Ready = tuple[File, list[Path], int]


def join(files: Sequence[File], folder: Path, paper: str, left_out: Sequence[LeftOut] = ()) -> Document:
    """The document, as `folder`/<sha256>.pdf. With a file that cannot be part of it, none is made: `left_out` says which.

    `left_out` given beforehand names what is not there by nature (DocuSign).
    """
    with tempfile.TemporaryDirectory(dir=folder, prefix="joining-") as work:
        ready: list[Ready] = []
        refused: list[LeftOut] = []
        for number, file in enumerate(files):
            try:
                paths = _as_pdf(file, Path(work, f"{number}.part"), paper)
                ready.append((file, paths, sum(map(pages_of, paths))))
            except Unusable as error:
                refused.append(LeftOut(file.source_id, kinds.safe(file.name), error.code, error.reason))
        if not refused and ready:
            try:
                return _whole(ready, folder, Path(work, "whole.pdf"), tuple(left_out))
            except Unusable as error:
                refused = [LeftOut(file.source_id, kinds.safe(file.name), error.code, error.reason) for file in files]
        return Document("", 0, 0, (), (*left_out, *refused))


def _as_pdf(file: File, made: Path, paper: str) -> list[Path]:
    """Where the file is as PDFs: itself, or `made` and others beside it. Raises Unusable."""
    if not file.path.stat().st_size:
        raise Unusable("attachment_empty", "it holds no bytes")
    said, found = kinds.said_by(file.name, file.content_type), kinds.found_in(file.path)
    if said == kinds.OTHER or (found == kinds.OTHER and said in ("", kinds.OFFICE)):
        raise Unusable("type_not_convertible", f"{file.content_type or 'its type'} cannot be made into pages")
    if said and said != found:
        called = "something else" if found == kinds.OTHER else found
        raise Unusable("attachment_not_what_it_says", f"it is said to be {said}, and its content is {called}")
    if found == kinds.PDF:
        return [file.path]
    if found == kinds.TEXT:
        textpages.to_pdf(file.path, made, paper)
    elif found == kinds.OFFICE:
        office.to_pdf(file.path, made)
    else:
        return pictures.to_pdf(file.path, made, paper)
    return [made]


def _whole(ready: Sequence[Ready], folder: Path, path: Path, left_out: tuple[LeftOut, ...]) -> Document:
    parts, last = [], 0
    for file, _, count in ready:
        size = file.path.stat().st_size
        parts.append(Part(file.source_id, kinds.safe(file.name), _sha256(file.path), last + 1, last + count, size))
        last += count
    _merged([pdf for _, pdfs, _ in ready for pdf in pdfs], parts, path)
    if (pages := pages_of(path)) != last:
        raise Unusable("attachment_unreadable", f"joined they have {pages} pages, and {last} one by one")
    made = _sha256(path)
    kept = path.replace(folder / f"{made}.pdf")
    return Document(made, last, kept.stat().st_size, tuple(parts), left_out)


def _merged(paths: Sequence[Path], parts: Sequence[Part], into: Path) -> None:
    """By qpdf's own job: it copies each stream from file to file, where pages appended one by one are held in memory."""
    job: Any = pikepdf.Job({  # its two halves carry no types
        "empty": "", "outputFile": str(into), "pages": [{"file": str(path), "range": "1-z"} for path in paths],
        "deterministicId": "", "compressStreams": "n", "decodeLevel": "none", "objectStreams": "disable", "suppressRecovery": "",
        "removeUnreferencedResources": "no",
    })  # fmt: skip
    try:
        with job.create_pdf() as whole:
            with whole.open_outline() as outline:
                outline.root.extend(pikepdf.OutlineItem(part.name, part.first_page - 1) for part in parts)
            job.write_pdf(whole)
    except (pikepdf.PdfError, RuntimeError) as error:
        raise Unusable("attachment_unreadable", f"they cannot be joined ({type(error).__name__})") from error
    if job.exit_code or job.has_warnings:
        raise Unusable("attachment_unreadable", "they cannot be joined without a doubt")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
