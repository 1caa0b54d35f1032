"""Files inside a PDF, which its pages do not show and which joining would lose without a word."""

from collections.abc import Iterator

import pikepdf

from connectors.sage_paperless import kinds

#: As names of streams say it.
XML = ("/text/xml", "/application/xml")
MOST_NAMED = 5


def unseen(pdf: pikepdf.Pdf) -> str:
    """What the PDF carries besides its pages, in words, or nothing.

    A portfolio is refused whatever is in it: its own page is a cover sheet. An invoice with its figures as XML inside
    (PDF/A-3: Factur-X, ZUGFeRD) is accepted: the pages show what the XML says, and people pay by the pages. Any other file
    inside may be a document that somebody must see, so it is refused too.
    """
    names = sorted({kinds.safe(name) for name, xml in _files(pdf) if not xml})
    named = ", ".join(names[:MOST_NAMED]) + (f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else "")
    if "/Collection" in pdf.Root:
        return f"it is a portfolio of files: {named}" if named else "it is a portfolio of files"
    return f"it carries files that its pages do not show: {named}" if named else ""


def _files(pdf: pikepdf.Pdf) -> Iterator[tuple[str, bool]]:
    """(name, whether it is XML) of every file that is embedded anywhere."""
    for item in pdf.objects:
        if isinstance(item, pikepdf.Dictionary):
            yield from _named(item)
            yield from _pinned([item])
            notes = item.get("/Annots")
            yield from _pinned(list(notes) if isinstance(notes, pikepdf.Array) else [])
    for _, given in pdf.attachments.items():
        yield from _named(given.obj)


def _pinned(notes: list[object]) -> Iterator[tuple[str, bool]]:
    """Files that are pinned to a page."""
    for note in notes:
        if isinstance(note, pikepdf.Dictionary):
            yield from _named(note.get("/FS"))


def _named(spec: object) -> Iterator[tuple[str, bool]]:
    if not isinstance(spec, pikepdf.Dictionary) or not isinstance(inside := spec.get("/EF"), pikepdf.Dictionary):
        return
    name = next((str(said) for key in ("/UF", "/F") if isinstance(said := spec.get(key), pikepdf.String)), "")
    streams = [stream for stream in inside.values() if isinstance(stream, pikepdf.Stream)]
    xml = name.lower().endswith(".xml") or any(str(stream.get("/Subtype")) in XML for stream in streams)
    yield name, xml
