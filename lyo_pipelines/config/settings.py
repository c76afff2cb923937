"""Where things live on this machine: read from the environment once, then passed on as a frozen value."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from lyo_pipelines.errors import LyoError

PROJECT_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Settings:
    """Paths and keys of one installation.

    data_dir: root of inbox, lake, review queues; a local path or any fsspec URL.
    config_path: YAML with the figures that differ from the defaults, or None.
    pseudonym_key: secret for the keyed pseudonyms, or None when it is not set.
    """

    data_dir: str
    config_path: str | None = None
    pseudonym_key: str | None = None

    @classmethod
    def from_env(cls, env: dict[str, str] | None = None) -> Settings:
        """Read LYO_DATA_DIR, LYO_CONFIG and LYO_PSEUDONYM_KEY (or the key file that the demo makes)."""
        env = dict(os.environ) if env is None else env
        data_dir = env.get("LYO_DATA_DIR") or str(PROJECT_ROOT / "data")
        if "://" not in data_dir:
            data_dir = str(Path(data_dir).expanduser().resolve())
        config = env.get("LYO_CONFIG")
        if config is None and "://" not in data_dir and (default := Path(data_dir) / "config.yaml").exists():
            config = str(default)
        return cls(
            data_dir=data_dir, config_path=config, pseudonym_key=env.get("LYO_PSEUDONYM_KEY") or _key_file(data_dir)
        )

    def require_pseudonym_key(self) -> str:
        """Return the key; without one, say how to get it (no raw user id may enter the lake)."""
        if not self.pseudonym_key:
            raise MissingPseudonymKeyError(
                "LYO_PSEUDONYM_KEY is not set, so user ids cannot be pseudonymised and nothing is read.",
                hint="Set it to a long random secret (for instance `openssl rand -hex 32`) and keep it: "
                "with another key the same user gets another pseudonym.",
            )
        return self.pseudonym_key


def triggers_run(env: dict[str, str] | None = None) -> bool:
    """Whether the four retraining triggers run unless somebody switches them in the UI: LYO_TRIGGERS=on (default: off).

    Raises SettingsError for anything but on and off: a typing error must not start trainings.
    """
    value = (dict(os.environ) if env is None else env).get("LYO_TRIGGERS", "off").strip().lower()
    if value not in {"on", "off"}:
        raise SettingsError(f"LYO_TRIGGERS is {value!r}", hint="Set it to on or off.")
    return value == "on"


class SettingsError(LyoError):
    """An environment variable does not fit; the message names it."""


class MissingPseudonymKeyError(LyoError):
    """The keyed pseudonyms have no key."""


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
