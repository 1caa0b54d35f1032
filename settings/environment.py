"""What a process is told by its environment: addresses, secrets, times. Every variable of the product stands here."""

from functools import cache
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class NotSetUp(RuntimeError):
    """A variable that this process cannot do without is missing; the message names it and says how to set it."""


class Environment(BaseSettings):
    """One field per variable, named as the variable in lower case. All times are whole seconds."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    database_url: SecretStr = SecretStr("")  # postgresql://OWNER:PASSWORD@HOST/NAME, an ordinary role
    broker_url: SecretStr = SecretStr("")  # redis://, rediss:// (Redis or Valkey) or amqp:// (RabbitMQ)
    # Fernet keys, comma separated: the first encrypts, all decrypt, so a key is changed by putting a new one in front
    secret_key: SecretStr = SecretStr("")
    data_dir: Path = Path(".data")
    public_url: str = "http://127.0.0.1:8700"  # where outside systems and browsers reach the web process
    flower_url: str = ""  # what the console links to; empty: no link
    metrics_open: bool = False  # /metrics without a token, on loopback only
    log_format: Literal["text", "json"] = "text"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    # modules with further Celery tasks, comma separated: a company's own, or a test's
    extra_tasks: str = ""
    # a folder in which tests arm failpoints; never set where real data is
    failpoints: str = ""
    # set by the local stack: a pool child is killed with its worker, where no container or unit does that
    die_with_parent: bool = False

    # reliability: each is read together with the others, see check_ratios
    request_seconds: int = Field(60, gt=0)  # one outside request, connect to last byte
    soft_limit_seconds: int = Field(90, gt=0)  # raised inside the task
    hard_limit_seconds: int = Field(120, gt=0)  # the pool child is killed
    lease_seconds: int = Field(180, gt=0)  # a claimed record belongs to its worker that long
    visibility_seconds: int = Field(900, gt=0)  # Redis hands an unacknowledged message out again after this
    quarantine_seconds: int = Field(900, ge=0)  # after the lease's end, before an uncertain write is looked up
    sweep_seconds: int = Field(15, gt=0)  # how often due records are rung again
    rering_seconds: int = Field(40, gt=0)  # not more often than this for one record; with a sweep under a minute
    scan_seconds: int = Field(300, gt=0)  # how often changed objects are read, in case a webhook was missed
    recheck_seconds: int = Field(1800, gt=0)  # a held record is checked again at least this often
    second_look_seconds: int = Field(900, gt=0)  # after a write: how many stand there under its key? exactly one
    heartbeat_seconds: int = Field(60, gt=0)  # how often a message goes through each queue and back

    @model_validator(mode="after")
    def check_ratios(self) -> Self:
        """The times only protect anything in this order; tests shorten them with the ratios kept."""
        if not self.request_seconds < self.soft_limit_seconds < self.hard_limit_seconds < self.lease_seconds:
            raise ValueError(
                "times must rise in this order: REQUEST_SECONDS, SOFT_LIMIT_SECONDS, HARD_LIMIT_SECONDS, LEASE_SECONDS"
            )
        if self.visibility_seconds <= 2 * self.hard_limit_seconds:
            raise ValueError(
                "VISIBILITY_SECONDS must be over twice HARD_LIMIT_SECONDS, or a running task is sent twice"
            )
        return self

    def database(self) -> str:
        """The owner's database address. Raises NotSetUp."""
        return self._needed("DATABASE_URL", self.database_url)

    def broker(self) -> str:
        """The broker's address. Raises NotSetUp."""
        return self._needed("BROKER_URL", self.broker_url)

    def secret_keys(self) -> list[bytes]:
        """Fernet keys, the encrypting one first. Raises NotSetUp."""
        return [key.strip().encode() for key in self._needed("SECRET_KEY", self.secret_key).split(",") if key.strip()]

    @staticmethod
    def _needed(name: str, value: SecretStr) -> str:
        if not value.get_secret_value():
            raise NotSetUp(f"{name} is not set. Start the local stack (./sitebooks up), or set {name}.")
        return value.get_secret_value()


@cache
def environment() -> Environment:
    """Read once per process. Tests that change variables call environment.cache_clear()."""
    return Environment()
