"""Exit codes, and the one table that says what each failure is called, what to do about it and how the command ends."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

OK = 0
UNEXPECTED = 1
USAGE = 2
NEEDS_ATTENTION = 3
UNEXPLAINED = 4
PARTLY_DONE = 5
REFUSED = 6
UNREACHABLE = 7
NOT_AUTHORISED = 8
NOTHING_TO_DO = 9
INTERRUPTED = 130


@dataclass
class Failure(Exception):
    """A command cannot go on: a code for scripts, one sentence, what to do. `more` goes into the JSON answer."""

    code: str
    cause: str
    fix: str
    exit_code: int
    more: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.cause

    def plain(self) -> dict[str, Any]:
        """As --json shows it."""
        return {"error": {"code": self.code, "cause": self.cause, "fix": self.fix, "exit_code": self.exit_code}, **self.more}

    def lines(self) -> list[str]:
        """As people read it."""
        return [f"{self.code}  {self.cause}", f"Fix: {self.fix}"]


def wrong_usage(cause: str, fix: str, code: str = "wrong_usage", **more: Any) -> Failure:
    """The command was asked for something that does not exist or is not clear."""
    return Failure(code, cause, fix, USAGE, more)


_START = "Start the local stack in another terminal (./sitebooks up), or set DATABASE_URL and BROKER_URL."
_CONNECT = "Connect the system again with credentials that it accepts, then run: sitebooks connections test"
_LATER = "Nothing is lost. Try again in a minute; sitebooks doctor shows what answers and what does not."
_DATABASE = "Check DATABASE_URL and that Postgres runs, then run: sitebooks doctor"

#: Failure by the class's full name (naming it imports nothing): its code, its fix, its exit code.
TABLE: dict[str, tuple[str, str, int]] = {
    "cli.attach.NothingRuns": ("nothing_runs", _START, UNREACHABLE),
    "settings.environment.NotSetUp": ("not_set_up", _START, USAGE),
    "workers.local.places.Unusable": ("data_folder_unusable", "Choose another data folder with --data-dir.", REFUSED),
    "workers.local.server.DidNotStart": ("did_not_start", "Read the named log; sitebooks up says where it is.", UNEXPECTED),
    "tasks.queues.BrokerAway": ("broker_unreachable", _LATER, UNREACHABLE),
    "kombu.exceptions.OperationalError": ("broker_unreachable", _LATER, UNREACHABLE),
    "sqlalchemy.exc.OperationalError": ("database_unreachable", _DATABASE, UNREACHABLE),
    "sqlalchemy.exc.ProgrammingError": ("database_not_migrated", "Bring it to this release: sitebooks migrate", UNEXPECTED),
    "sync.clients.SwitchedOff": ("switched_off", "Switch it on first: sitebooks connections on SYSTEM", REFUSED),
    "connectors.calls.SignInRefused": ("reconnect_needed", _CONNECT, NOT_AUTHORISED),
    "connectors.calls.Forbidden": ("permission_missing", "Give our user the named permission there.", NOT_AUTHORISED),
    "connectors.calls.CallFailed": ("system_unreachable", _LATER, UNREACHABLE),
    "connectors.calls.NotUnderstood": (
        "not_understood",
        "Nothing of that answer was used. Report it with the path; an update is needed.",
        UNEXPECTED,
    ),
    "sync.approval.Changed": (
        "changed_after_you_looked",
        "Look again with sitebooks why, then decide on what is there now.",
        REFUSED,
    ),
    "sync.approval.NotWaiting": ("not_waiting_for_approval", "See what waits: sitebooks list --state awaiting_approval", REFUSED),
    "sync.refusal.Refused": ("settings_refused", "Change the named setting so that the combination is allowed.", REFUSED),
    "sync.secrets.WrongKey": ("wrong_key", "Put the key they were made with behind the new one in SECRET_KEY.", NOT_AUTHORISED),
    "models.states.IllegalMove": ("not_possible_now", "See what state it is in: sitebooks why NUMBER", REFUSED),
    "builtins.ConnectionError": ("unreachable", _LATER, UNREACHABLE),
}


def failure_of(error: Exception) -> Failure | None:
    """What the table says of this error, by its nearest class. None: nobody expected it."""
    if isinstance(error, Failure):
        return error
    for known in type(error).__mro__:
        entry = TABLE.get(f"{known.__module__}.{known.__qualname__}")
        if entry is not None:
            code, fix, exit_code = entry
            return Failure(code, first_line(str(error)), fix, exit_code)
    return None


def unexpected(error: Exception) -> Failure:
    """What nobody expected: named honestly, with its traceback on request."""
    cause = f"{type(error).__name__}: {first_line(str(error))}"
    return Failure("unexpected", cause, "Run it again with SITEBOOKS_TRACE=1 and report what it prints.", UNEXPECTED)


def first_line(said: str) -> str:
    """A driver's message can run over a page; its first line says what happened."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[0] if lines else "it gave no reason"
