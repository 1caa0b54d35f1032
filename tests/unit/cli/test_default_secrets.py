"""The doctor fails where a secret is one that everybody knows, and only there."""

import base64
import hashlib
from collections.abc import Iterator

import pytest

from cli.doctor import defaults
from settings.environment import environment

#: No key that anybody knows, and the same in every test process.
KEY = base64.urlsafe_b64encode(hashlib.sha256(b"of this test alone").digest()).decode()
GOOD = {
    "DATABASE_URL": "postgresql://sitebooks:kM3v-9fzQ@db.example/sitebooks",
    "BROKER_URL": "redis://:kM3v-9fzQ@broker.example:6379/0",
    "SECRET_KEY": KEY,
    "FLOWER_BASIC_AUTH": "ana:kM3v-9fzQ",
}


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    environment.cache_clear()
    yield
    environment.cache_clear()


@pytest.mark.parametrize(("name", "value", "weak"), [
    ("DATABASE_URL", GOOD["DATABASE_URL"], False),
    ("DATABASE_URL", "postgresql://sitebooks:Postgres@db.example/sitebooks", True),
    ("DATABASE_URL", "postgresql://sitebooks:sitebooks@db.example/books", True),
    ("DATABASE_URL", "postgresql://sitebooks@db.example/sitebooks", True),
    ("DATABASE_URL", "postgresql://sitebooks:postgres@127.0.0.1/sitebooks", False),
    ("DATABASE_URL", "postgresql://me@/sitebooks?host=/run/postgresql", False),
    ("BROKER_URL", "redis://broker.example:6379/0", True),
    ("BROKER_URL", "redis://localhost:6379/0", False),
    ("BROKER_URL", "amqp://guest:guest@broker.example//", True),
    ("SECRET_KEY", base64.urlsafe_b64encode(b"0" * 32).decode(), True),
    ("SECRET_KEY", f"{GOOD['SECRET_KEY']},{base64.urlsafe_b64encode(b'secret' * 6)[:43].decode()}=", True),
    ("FLOWER_BASIC_AUTH", "user:password", True),
    ("FLOWER_BASIC_AUTH", "ana:ana", True),
])  # fmt: skip
def test_what_everybody_knows_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str, weak: bool) -> None:
    for variable, good in GOOD.items():
        monkeypatch.setenv(variable, good)
    monkeypatch.setenv(name, value)
    (finding,) = defaults.check()
    assert finding.mark == ("fail" if weak else "ok")
    assert finding.said == (f"{name}: everybody knows it" if weak else "none is a known default")
    assert bool(finding.fix) is weak
