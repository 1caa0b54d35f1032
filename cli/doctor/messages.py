"""Messages that the workers dropped because nobody could carry them out."""

from cli.doctor import Finding, Findings
from workers.odd_messages import FIXES, lately

GROUP = "processes"


def check() -> Findings:
    """One finding for each kind of the last day. Raises psycopg.Error."""
    odd = list(lately())
    if not odd:
        yield Finding(GROUP, "messages", "ok", "every message of the last day was understood")
    for one in odd:
        about = f" for {one.name}" if one.name else ""
        said = f"{one.code}: {one.count} dropped{about}, the last at {one.last_at:%Y-%m-%d %H:%M} UTC; what is due was rung again"
        yield Finding(GROUP, "messages", "warn", said, FIXES[one.code])
