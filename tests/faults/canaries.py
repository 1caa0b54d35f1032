"""Every secret of a running stack, and every place in which none of them may be found."""

import base64
import binascii
import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

from cryptography.fernet import Fernet

from tests.faults.careless import WAYS
from tests.faults.stand import TIMES, Stand
from workers.local.places import ROOT, Secrets

#: Made up by the test: given wrongly, in every way a person or a program can.
FALSE = {
    name: f"Canary7x-{name.replace(' ', '-')}-4f1d9c"
    for name in ("webhook secret", "api token", "sign-in link", "client secret", "database password", "broker password")
}
ENCRYPTED = re.compile(r"[A-Za-z0-9+/]{60,}={0,2}")


def true_secrets(stand: Stand) -> dict[str, str]:
    """What the stack itself keeps secret, as it stands now."""
    own = Secrets.of(stand.run.folder)
    found = {"owner": own.owner, "superuser": own.superuser, "broker": own.broker, "flower": own.flower, "key": own.secret_key}
    found["api token"] = stand.ready["api_token"]
    box = Fernet(own.secret_key)
    for row in stand.rows("SELECT n.*, c.secrets, c.token FROM credential c JOIN connection n ON n.id = c.connection_id"):
        kept = json.loads(box.decrypt(bytes(row["secrets"])))
        found |= {f"{row['system']} {name}": kept[name] for name in ("client_secret", "password") if name in kept}
        for n, one in enumerate(json.loads(box.decrypt(bytes(row["hook_secrets"])))):
            found[f"{row['system']} webhook {n}"] = one
        for one in filter(None, json.loads(box.decrypt(bytes(row["token"]))) if row["token"] else ()):
            found[f"{row['system']} token {one[-4:]}"] = one
    return found


class Ears:
    """Everything that goes through the broker's channels (events to Flower, remote control) from now on."""

    def __init__(self, stand: Stand) -> None:
        self.channels = stand.broker.pubsub()
        self.channels.psubscribe("*")
        self.heard: list[str] = []

    def listen(self) -> list[str]:
        while (message := self.channels.get_message(timeout=0.01)) is not None:
            data = message["data"]
            self.heard.append(data.decode(errors="replace") if isinstance(data, bytes) else str(data))
        return self.heard


def in_broker(stand: Stand) -> Iterator[tuple[str, str]]:
    """(key, contents) of all that the broker holds."""
    broker = stand.broker
    readers = {
        b"list": lambda key: broker.lrange(key, 0, -1), b"hash": broker.hgetall, b"set": broker.smembers,
        b"zset": lambda key: broker.zrange(key, 0, -1), b"string": broker.get, b"none": lambda key: "",
    }  # fmt: skip
    for key in broker.scan_iter("*"):
        yield f"broker {key!r}", repr(readers[broker.type(key)](key))


def unfolded(text: str) -> str:
    """With what stands in it as base64 behind it: messages carry their bodies so."""
    parts = [text]
    for hit in ENCRYPTED.findall(text):
        try:
            parts.append(base64.b64decode(hit + "=" * (-len(hit) % 4)).decode(errors="replace"))
        except binascii.Error:
            continue
    return "\n".join(parts)


def in_files(stand: Stand) -> Iterator[tuple[str, str]]:
    """Every log of ours, what `up` printed, and what Flower and beat keep. A simulator's first line is its credentials."""
    folder = stand.run.folder
    for file in sorted((folder / "logs").iterdir()):
        if not file.name.startswith("simulator-"):
            yield f"log {file.name}", file.read_text(errors="replace")
    yield "the terminal", stand.run.said.read_text()
    for file in folder.glob("*.db*"):
        yield file.name, file.read_bytes().decode("latin-1")


def in_database(stand: Stand) -> Iterator[tuple[str, str]]:
    """All rows of all tables as text; binary columns as the bytes they are."""
    for table in stand.rows("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'"):
        for row in stand.rows(f'SELECT * FROM "{table["name"]}"'):
            shown = {k: bytes(v).decode("latin-1") if isinstance(v, bytes | memoryview) else v for k, v in row.items()}
            yield f"table {table['name']}", json.dumps(shown, default=str, ensure_ascii=False)


def get(url: str, **headers: str) -> str:
    """Status, headers and body, whatever the answer is."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=20) as answer:
            return f"{answer.status} {answer.headers} {answer.read().decode(errors='replace')}"
    except urllib.error.HTTPError as error:
        return f"{error.code} {error.headers} {error.read().decode(errors='replace')}"


def in_answers(stand: Stand, record: int) -> Iterator[tuple[str, str]]:
    """The API, its refusals, metrics, and Flower."""
    bearer = {"Authorization": f"Bearer {stand.ready['api_token']}"}
    paths = ["status", "records?limit=200", "problems", "events?limit=200", "approvals", "connections/procore"]
    paths += ["connections/lentune", f"records/{record}", f"records/{record}/why"]
    paths += ["records/999999999", "records?limit=x", "connections/none"]
    for path in paths:
        yield f"API {path}", get(f"{stand.web}/api/v1/{path}", **bearer)
    for path in ("metrics", "readyz", "api/openapi.json"):
        yield path, get(f"{stand.web}/{path}", **bearer)
    basic = base64.b64encode(f"admin:{Secrets.of(stand.run.folder).flower}".encode()).decode()
    for path in ("api/tasks", "api/workers?refresh=1", "tasks", "workers", "broker", "metrics"):
        yield f"Flower {path}", get(f"{stand.ready['flower']}/{path}", Authorization=f"Basic {basic}")


def in_commands(stand: Stand, number: str) -> Iterator[tuple[str, str]]:
    """What people send to somebody who shall help them."""
    for words in ("doctor", f"why {number}", "status", "connections", "connections test", "events", "list", "audit verify"):
        yield f"sitebooks {words}", command(stand, *words.split(), "--json")


def command(stand: Stand, *words: str, **env: str) -> str:
    """Both streams of a command on this stack; `env` changes its environment."""
    at = {
        "DATABASE_URL": stand.database_url, "BROKER_URL": stand.ready["broker_url"], "PUBLIC_URL": stand.web,
        "SECRET_KEY": Secrets.of(stand.run.folder).secret_key, "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-P", "-m", "cli", *words], env=os.environ | TIMES | at | env, cwd=ROOT, text=True, timeout=60,
        capture_output=True, check=False,
    )  # fmt: skip
    return f"{done.returncode}\n{done.stdout}\n{done.stderr}"


def found(canaries: dict[str, str], place: str, text: str) -> list[str]:
    """Which of them stand there. Named, never shown."""
    whole = unfolded(text)
    return [f"{name} in {place}" for name, secret in canaries.items() if secret in whole]


def wrong_environments(stand: Stand) -> list[dict[str, Any]]:
    """Settings as people get them wrong, each with a password in it."""
    return [
        {"DATABASE_URL": f"postgresqlx://me:{FALSE['database password']}@127.0.0.1/x"},
        {"DATABASE_URL": f"me:{FALSE['database password']}@127.0.0.1"},
        {"DATABASE_URL": re.sub(r":[^:@/]+@", f":{FALSE['database password']}@", stand.database_url)},
        {"BROKER_URL": f"redis://:{FALSE['broker password']}@127.0.0.1:1/0"},
        {"SECRET_KEY": FALSE["client secret"]},
    ]


__all__ = ["FALSE", "WAYS"]
