"""Documents on this machine's disk: what no record names any more goes."""

import time
from contextlib import suppress

from sqlalchemy import text

from models import session
from sync.clients import documents

DAY_SECONDS = 86_400.0
#: What a record held or sent; its page opens that file, and an import that is tried again sends it.
NAMED = text("""
    SELECT DISTINCT made->'metadata'->'document'->>'sha256' FROM sync_record, LATERAL (VALUES (held), (sent)) AS v(made)
    WHERE made->'metadata'->'document'->>'sha256' IS NOT NULL
""")


def prune(company_id: int, keep_days: int = 30) -> int:
    """Files older than this that no record of the company names, half fetched ones among them; gives how many went.

    What is missing is made again from the attachments when it is needed.
    """
    folder, gone = documents(company_id), 0
    if not folder.is_dir():
        return 0
    with session(company_id) as db:
        named = {f"{digest}.pdf" for digest in db.scalars(NAMED)}
    before = time.time() - keep_days * DAY_SECONDS
    for path in folder.iterdir():
        with suppress(FileNotFoundError):  # a worker has just put it in its place under another name
            if path.name not in named and path.is_file() and path.stat().st_mtime < before:
                path.unlink()
                gone += 1
    return gone
