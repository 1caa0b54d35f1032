"""What came of one request to an outside system: four outcomes, and a time-out is never 'failed'."""

from enum import StrEnum


class Outcome(StrEnum):
    """Every answer, and every missing answer, is exactly one of these."""

    confirmed = "confirmed"  # done, with an answer we understand
    refused = "refused"  # the system said no; nothing was changed
    not_applied = "not_applied"  # never reached it, or it said 'later': safe to do again
    uncertain = "uncertain"  # we do not know: it must be looked up, never sent again blindly
