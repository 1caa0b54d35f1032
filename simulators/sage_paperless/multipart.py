"""multipart/form-data as bytes: the JSON part 'metadata' and the parts 'file'."""

import hashlib
import re
from dataclasses import dataclass, field

from simulators.sage_paperless.problems import malformed

BOUNDARY = re.compile(r'boundary="?([^";]{1,70})"?', re.IGNORECASE)
NAME = re.compile(r'[; ]name="?([^";]*)"?')
FILENAME = re.compile(r'filename="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class File:
    """One file as it was sent."""

    name: str
    content_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class Parts:
    """What a form held: the metadata's bytes and every file, in order."""

    metadata: bytes
    files: tuple[File, ...] = ()

    def fingerprint(self) -> str:
        """The same for the same content, whatever the boundary."""
        whole = hashlib.sha256(self.metadata)
        for file in self.files:
            whole.update(hashlib.sha256(file.content).digest())
        return whole.hexdigest()


def read(content_type: str, body: bytes) -> Parts:
    """Raises Refusal validation_failed for a body that is no such form."""
    found = BOUNDARY.search(content_type)
    if not content_type.lower().startswith("multipart/form-data") or found is None:
        raise malformed("/headers/Content-Type", "must be multipart/form-data with a boundary")
    mark = b"--" + found[1].encode()
    if not body.startswith(mark) or not body.rstrip(b"\r\n").endswith(mark + b"--"):
        raise malformed("", "is not a whole form: its first or last boundary is missing")
    metadata, files = None, []
    at = len(mark) + 2
    while (end := body.find(b"\r\n" + mark, at)) >= 0:
        head, _, content = body[at:end].partition(b"\r\n\r\n")
        names = _names(head.decode("utf-8", "replace"))
        if names["name"] == "metadata" and metadata is None:
            metadata = content
        elif names["name"] == "file":
            files.append(File(names["filename"], names["type"], content))
        else:
            raise malformed(f"/{names['name']}", "is not a part of this form")
        at = end + len(mark) + 4
    if metadata is None:
        raise malformed("/metadata", "is missing")
    return Parts(metadata, tuple(files))


def _names(head: str) -> dict[str, str]:
    lines = {line.partition(":")[0].strip().lower(): line.partition(":")[2].strip() for line in head.split("\r\n")}
    disposition = lines.get("content-disposition", "")
    name, filename = NAME.search(disposition), FILENAME.search(disposition)
    kind = lines.get("content-type", "").partition(";")[0].strip().lower()
    return {"name": name[1] if name else "", "filename": filename[1] if filename else "", "type": kind}
