"""Everything that this program reads from LYO_* environment variables, as one frozen value; docs/configuration.md has the table.

It is read when a command or an asset runs. Two things must be known when the definitions are loaded, so these read it then: the first
partition (defs/partitions.py), and whether sensors run by themselves (their default status). Variables that a configuration names
(a database's address, an endpoint's key, those of dagster.yaml) belong to their readers.
"""

from __future__ import annotations

import os
import secrets
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from lyo_pipelines.config.addresses import WithoutCredentials, refuse_credentials
from lyo_pipelines.config.alerts import AlertSecrets
from lyo_pipelines.errors import LyoError

PROJECT_ROOT = Path(__file__).resolve().parents[2]
PREFIX = "LYO_"


class SettingsError(LyoError):
    """An environment variable does not fit; the message names it, never its value."""


class MissingPseudonymKeyError(LyoError):
    """The keyed pseudonyms have no key."""


def _stripped(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def _word(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) else value


class Settings(BaseSettings):
    """Paths, keys and switches of one installation; a field is the variable LYO_<FIELD>, and an empty variable counts as not set.

    data_dir: root of inbox, lake, review queues; a local path or any fsspec URL.
    config: YAML with the values that differ from the packaged ones; None: `<data_dir>/config.yaml` if it is there; empty: none.
    pseudonym_key: secret of the keyed pseudonyms; None: the key file that the demo makes, if it is there.
    pseudonym_keys_before: the keys that were rotated (`lyo key rotate`), oldest first, separated by commas.
    first_day: first day that has a partition.
    triggers: whether the four triggers and the rollout sensor run unless somebody switches them in the UI.
    lock_dir: folder of this machine's device locks; None: one of this account below the temporary folder.
    shared_with: who else may read what is written: nobody, or the group of the account.
    training_wait_seconds: how long a training waits for a device that another one holds.
    local_dir: for a lake in object storage, where models, adapters and unfinished files lie on this machine; None: the user's cache.
    lease_seconds: term of a lock in object storage, after which a killed owner's ends.
    ray_address: where the Ray cluster of `cluster:` is: `local` (one on this machine, for the time of a run), `host:port` of a head
    (from one of its nodes), or `ray://host:port`.
    ray_jobs_address: that of its job server.
    traceback: whether errors that a person can mend show their traceback, too.
    pg_*: Dagster's state is kept in PostgreSQL once the host is set. The port is text, as libpq takes it.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True)

    data_dir: str = Field(default=str(PROJECT_ROOT / "data"), validate_default=True)
    config: str | None = None
    pseudonym_key: SecretStr | None = None
    pseudonym_keys_before: SecretStr | None = None
    first_day: date = date(2025, 1, 1)
    triggers: Annotated[Literal["on", "off"], BeforeValidator(_word)] = "off"
    smtp_password: SecretStr = SecretStr("")
    slack_webhook: Annotated[SecretStr, BeforeValidator(_stripped)] = SecretStr("")
    lock_dir: Path | None = None
    shared_with: Annotated[Literal["nobody", "group"], BeforeValidator(_word)] = "nobody"
    training_wait_seconds: float = Field(default=3600, ge=0)
    local_dir: Path | None = None
    lease_seconds: float = Field(default=60, ge=2)
    ray_address: WithoutCredentials = "local"
    ray_jobs_address: WithoutCredentials = Field(default="http://127.0.0.1:8265", pattern=r"^https?://")
    traceback: bool = False
    pg_host: str = ""
    pg_port: str = "5432"
    pg_user: str = "dagster"
    pg_password: SecretStr = SecretStr("")
    pg_db: str = "dagster"

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, value: str) -> str:
        if "://" in value:
            return refuse_credentials(value).rstrip("/")
        return str(Path(value).expanduser().resolve())

    @classmethod
    def from_env(cls, **given: Any) -> Self:
        """Read the environment; `given` fields go before it. Raises SettingsError that names the variables that do not fit."""
        try:
            return cls(**given)
        except ValidationError as error:
            wrong = [f"{variable(str(problem['loc'][0]))}: {problem['msg']}" for problem in error.errors()]
            raise SettingsError(
                f"the environment does not fit: {'; '.join(wrong)}.",
                hint="docs/configuration.md has a table of the variables.",
            ) from None  # pydantic's own message quotes the values

    @property
    def config_path(self) -> str | None:
        """The YAML with a user's configuration, or None when there is none."""
        if self.config is not None:
            return self.config or None
        default = Path(self.data_dir) / "config.yaml"
        return str(default) if "://" not in self.data_dir and default.exists() else None

    @property
    def known_pseudonym_key(self) -> str | None:
        """The key, from the environment or the key file, after those before it, one a line; or None."""
        given = self.pseudonym_key.get_secret_value() if self.pseudonym_key else ""
        newest = given or _key_file(self.data_dir)
        before = self.pseudonym_keys_before.get_secret_value() if self.pseudonym_keys_before else ""
        return newest and "\n".join([*(key for key in before.split(",") if key), newest])

    def require_pseudonym_key(self) -> str:
        """Return the key; without one, say how to get it (no raw user id may enter the lake)."""
        key = self.known_pseudonym_key
        if not key:
            raise MissingPseudonymKeyError(
                "LYO_PSEUDONYM_KEY is not set, so user ids cannot be pseudonymised and nothing is read.",
                hint="Set it to a long random secret (for instance `openssl rand -hex 32`) and keep it: "
                "with another key the same user gets another pseudonym.",
            )
        return key

    @property
    def local_folder(self) -> Path:
        """Where what a lake in object storage needs on this machine lies."""
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        return (self.local_dir or cache / "lyo_pipelines").expanduser().resolve()

    @property
    def group_reads(self) -> bool:
        """Whether the account's group may read what is written."""
        return self.shared_with == "group"

    @property
    def triggers_run(self) -> bool:
        """Whether the triggers run unless somebody switches them in the UI."""
        return self.triggers == "on"

    @property
    def alert_secrets(self) -> AlertSecrets:
        """What the channels of the alerts need beside their configuration."""
        return AlertSecrets(self.smtp_password, self.slack_webhook)

    def postgres_environment(self) -> dict[str, str]:
        """The LYO_PG_* variables with their defaults: Dagster's `{env: …}` knows none. Without a host, the host is left out."""
        values = {"host": self.pg_host, "port": self.pg_port, "user": self.pg_user, "db": self.pg_db}
        values["password"] = self.pg_password.get_secret_value()
        return {variable(f"pg_{name}"): value for name, value in values.items() if value or name == "password"}


def variable(field: str) -> str:
    """The environment variable of a field: `data_dir` -> LYO_DATA_DIR."""
    return f"{PREFIX}{field.upper()}"


def traceback_wanted() -> bool:
    """LYO_TRACEBACK; no when the environment itself does not fit, as that is then the error to be told."""
    try:
        return Settings.from_env().traceback
    except SettingsError:
        return False


def make_key_file(data_dir: str) -> str:
    """Create the demo's own key under `<data_dir>/.secrets` (mode 600) once and return it."""
    existing = _key_file(data_dir)
    if existing:
        return existing
    path = Path(data_dir) / ".secrets" / "pseudonym.key"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:  # two demos at once: the other one was faster
        return path.read_text().strip()
    with os.fdopen(descriptor, "w") as handle:
        handle.write(secrets.token_hex(32))
    return path.read_text().strip()


def _key_file(data_dir: str) -> str | None:
    if "://" in data_dir:
        return None
    path = Path(data_dir) / ".secrets" / "pseudonym.key"
    return path.read_text().strip() or None if path.exists() else None
