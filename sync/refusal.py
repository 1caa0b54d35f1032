"""What cannot be stored: refused as a whole, with a code and a sentence for people."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import IntegrityError


class Refused(ValueError):
    """It cannot stand like this; `code` names the rule, the text is for people. Nothing was stored."""

    def __init__(self, code: str, reason: str, fix: str = "") -> None:
        super().__init__(reason)
        self.code, self.reason, self.fix = code, reason, fix


@contextmanager
def one_vault() -> Iterator[None]:
    """The database's refusal of a second vault for a company (S-15), as a sentence that names the other one (S-16)."""
    try:
        yield
    except IntegrityError as error:
        about = getattr(error.orig, "diag", None)
        if about is None or about.constraint_name != "one_company_one_vault":
            raise
        said = str(about.message_primary)
        fix = "Free it there first (switch that connection off), or pick another company."
        raise Refused("company_already_bound", f"S-16: {said}. One company has one vault.", fix) from None
