"""The pages of docs/ that are made from the code: the catalogue of problems and the list of settings."""

import re
import tokenize
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

import connectors
from connectors.registry import all_connectors
from settings import environment, schedule
from settings.lentune import MIRRORED
from sync import problems

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"

OWNERS = {"accountant": "the accountant", "it": "whoever runs it", "developer": "a developer"}
SEVERITIES = {
    "error": "holds the record up",
    "warning": "does not hold anything up",
    "info": "not a fault: the record is not part of the sync for now",
}

#: Variables whose names say it all in the code.
WITHOUT_COMMENT = {
    "data_dir": "Where the local stack keeps everything; `.data` in the checkout otherwise",
    "log_format": "Form of the log lines, which go to the standard error output",
    "log_level": "What is logged from",
}

PROBLEMS = """\
# Problems

Every reason that Sitebooks can name, in the words that the console, the command line and the interface use too. The page
is made from the catalogue (`problems.yaml` in `sync/` and in each connector's folder); a test fails when it differs.

Words in *slanted letters* stand for the number, name or amount of the case at hand. What *clears by itself* is looked at
again when the thing it waits for changes, and at least every 30 minutes. For the others correct the object at its source,
or ask for another try (`./sitebooks retry NUMBER`, or *Send again* on the console). `./sitebooks list --code CODE` lists
the records that one problem stands against.
"""

ENVIRONMENT = """\
# Configuration

The page is made from `settings/`; a test fails when it differs.

## Environment

Read once per process, from environment variables only. All times are whole seconds. The local stack (`./sitebooks up`)
sets addresses and secrets by itself; for servers of your own set `DATABASE_URL`, `BROKER_URL`, `SECRET_KEY` and
`PUBLIC_URL`.
"""

TIMES = """\
The times only protect anything in this order, and a process that finds another one refuses to start: `REQUEST_SECONDS` <
`SOFT_LIMIT_SECONDS` < `HARD_LIMIT_SECONDS` < `LEASE_SECONDS`, and `VISIBILITY_SECONDS` over twice `HARD_LIMIT_SECONDS`.

Read where a process starts:
"""

CONNECTION = """\
## Settings of a connection: {system}

In `settings/{system}.py`; changed on the console under Systems, by `PUT /api/v1/connections/{system}/settings`, or with
`./sitebooks connect {system} --set NAME=VALUE`. A combination that cannot stand is refused as a whole.
"""

HEALING = {"alone": "clears by itself", "when_mended": "clears by itself once that is done", "never": "needs somebody here"}

#: Variables that are read where a process starts, before or beside settings/environment.py.
STARTING = {
    "PYTHON": "The Python that `./sitebooks` sets itself up with, if the first one found is not wanted.",
    "HOST, PORT": "Where the web process listens when it is started by the Procfile; 127.0.0.1 and 8700 otherwise.",
    "CHILDREN": "Processes of a worker started by the Procfile.",
    "FLOWER_BASIC_AUTH": "`user:password` for Flower; the Procfile refuses to start it without.",
    "FLOWER_HOST, FLOWER_PORT": "Where Flower listens when it is started by the Procfile; 127.0.0.1 and 5555 otherwise.",
    "PG_BIN": "Folder of PostgreSQL's own programs, used by the local stack instead of those it brings.",
    "VALKEY_SERVER": "The Valkey or Redis program, used by the local stack instead of the one it brings.",
    "XDG_DATA_HOME": "Where an installed `sitebooks` (not a checkout) keeps its data.",
    "SITEBOOKS_ROLE": "Set for each process by the local stack: its name in the list of processes and of database sessions.",
    "SITEBOOKS_TRACE": "Any value: a command that fails unexpectedly shows its traceback.",
    "NO_COLOR": "Any value: no colours on the terminal.",
    "SYSTEM_CLIENT_ID, SYSTEM_CLIENT_SECRET": "With the system's name for SYSTEM: what `connect` takes instead of asking.",
}


def pages() -> dict[Path, str]:
    """File -> what it must say."""
    return {DOCS / "problems.md": problems_page(), DOCS / "configuration.md": configuration_page()}


# problems.md


def problem_files() -> dict[str, Path]:
    """Heading -> problems.yaml."""
    shared = Path(problems.__file__).with_name("problems.yaml")
    own = sorted(Path(connectors.__path__[0]).glob("*/problems.yaml"))
    return {"Any system": shared} | {file.parent.name.replace("_", " ").capitalize(): file for file in own}


def problems_page() -> str:
    parts = [PROBLEMS]
    for heading, file in problem_files().items():
        entries: Mapping[str, Any] = yaml.safe_load(file.read_text())
        parts.append(f"## {heading}\n")
        parts += [_problem(code, entry) for code, entry in entries.items()]
    return "\n".join(parts)


def _problem(code: str, entry: Mapping[str, Any]) -> str:
    heals = HEALING[entry["heals"]]
    requirement = f"; requirement {entry['requirement']}" if entry.get("requirement") else ""
    steps = entry["fix"]
    fix = f"**Fix:** {_sentence(steps[0])}" if len(steps) == 1 else "**Fix:**\n" + "".join(f"\n- {_sentence(s)}" for s in steps)
    return (
        f"### {code}\n\n> {_sentence(entry['title'])}\n\n"
        f"{_sentence(entry['cause'])}\n\n{fix}\n\n"
        f"**What happens next:** {_sentence(entry['next'])}\n\n"
        f"Who: {OWNERS[entry['owner']]}. It {SEVERITIES[entry['severity']]} and {heals}{requirement}.\n"
    )


def _sentence(text: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda m: f"*{m[1].replace('_', ' ')}*", text).replace("|", "\\|")


# configuration.md


def configuration_page() -> str:
    parts = [
        ENVIRONMENT,
        _table(("variable", "default", "meaning"), _variables()),
        TIMES,
        _table(("variable", "meaning"), ((f"`{name}`", text) for name, text in STARTING.items())),
        "## Schedule\n",
        "In `settings/schedule.py`. Daily times are those of the company's time zone.\n",
        _table(("name", "when", "does"), _entries()),
    ]
    for system, declared in sorted(all_connectors().items()):
        parts += [
            CONNECTION.format(system=system),
            _table(("name", "on the screen", "default", "meaning"), _fields(system, declared.settings)),
        ]
    return "\n".join(parts)


def _table(heads: tuple[str, ...], rows: Iterator[tuple[str, ...]] | Any) -> str:
    lines = [f"| {' | '.join(heads)} |", f"| {' | '.join('---' for _ in heads)} |"]
    lines += [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def _variables() -> Iterator[tuple[str, str, str]]:
    comments = _comments(Path(environment.__file__))
    for name, field in environment.Environment.model_fields.items():
        meaning = comments.get(name) or WITHOUT_COMMENT.get(name, "")
        choices = ", ".join(f"`{one}`" for one in get_args(field.annotation))
        yield f"`{name.upper()}`", _default(field), _capital(meaning) + (f"; one of {choices}" if choices else "")


def _comments(file: Path) -> dict[str, str]:
    """Field name -> the comment behind it or in the lines just above it."""
    found: dict[str, str] = {}
    above: list[str] = []
    name = ""
    with tokenize.open(file) as source:
        for token in tokenize.generate_tokens(source.readline):
            if token.type == tokenize.COMMENT:
                words = token.string.lstrip("#: ").strip()
                if token.line.strip().startswith("#"):
                    above.append(words)
                else:
                    found[name] = words
            elif token.type == tokenize.NAME and token.start[1] == 4 and token.line[token.end[1]:].startswith(":"):
                name = token.string
                if above:
                    found[name] = " ".join(above)
                above = []
            elif token.type == tokenize.NEWLINE:
                above = []
    return found


def _entries() -> Iterator[tuple[str, str, str]]:
    for name, entry in schedule.ENTRIES.items():
        field = environment.Environment.model_fields
        if entry.daily_at:
            when = f"daily at {entry.daily_at}"
        elif entry.cron_setting:
            when = f"by the connection's `{entry.cron_setting}`, while `{entry.when_setting}` is on"
        elif entry.times_setting:
            when = f"daily at the times of the connection's `{entry.times_setting}`, while `{entry.when_setting}` is on"
        elif entry.queue:
            when = f"every `HEARTBEAT_SECONDS` ({field['heartbeat_seconds'].default})"
        elif name == "sweep":
            when = f"every `SWEEP_SECONDS` ({field['sweep_seconds'].default})"
        elif entry.every is None:
            when = f"every {entry.tick} s"
        else:
            when = f"every `SCAN_SECONDS` ({field['scan_seconds'].default})"
        yield f"`{name}`", when, entry.about


def _fields(system: str, model: type[BaseModel]) -> Iterator[tuple[str, ...]]:
    for name, field in model.model_fields.items():
        mirrored = " Held by Lentune: an edit is sent there first." if system == "lentune" and name in MIRRORED else ""
        yield f"`{name}`", str(field.title), _default(field), f"{field.description or ''}{mirrored}".strip()


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        return "none, must be given"
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, timedelta):
        return f"{int(value.total_seconds())} s"
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"`{value}`" if value not in ("", None, (), {}) else ""


def _capital(text: str) -> str:
    """Addresses and paths stay as they are written."""
    return text if re.match(r"\S*/", text) else text[:1].upper() + text[1:]
