"""`lyo doctor`: is everything there that the pipelines need, and what to do where it is not."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

import psutil
from packaging.specifiers import SpecifierSet
from rich.console import Console

from lyo_pipelines.client.home import StorageError, dagster_home, find_storage, shipped_home
from lyo_pipelines.client.server import find_server
from lyo_pipelines.commands.output import print_json
from lyo_pipelines.config.loading import ConfigError, load_config
from lyo_pipelines.config.settings import Settings
from lyo_pipelines.errors import LyoError
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.local_copies import working_folder
from lyo_pipelines.storage.object_store import is_object_store
from lyo_pipelines.training.base_models import MissingBaseModelError, embedded_gguf

_TOGETHER = (
    "dagster",
    "dagster-webserver",
    "torch",
    "transformers",
    "peft",
    "trl",
    "datasets",
    "bitsandbytes",
)


@dataclass(frozen=True)
class MachineCheck:
    """One thing looked at; `advice` says what to do when it is not well."""

    name: str
    well: bool
    text: str
    advice: str = ""


def check_machine(console: Console, *, as_json: bool = False) -> bool:
    """Print every finding; return whether all are well."""
    findings = [finding for check in CHECKS for finding in check()]
    if as_json:
        print_json(console, [asdict(finding) for finding in findings])
        return all(finding.well for finding in findings)
    for finding in findings:
        console.print(
            f"{'[green]✓[/]' if finding.well else '[red]✗[/]'} {finding.name}: {finding.text}",
            highlight=False,
            soft_wrap=True,
        )
        if not finding.well:
            console.print(f"  → {finding.advice}", highlight=False, soft_wrap=True)
    return all(finding.well for finding in findings)


def _python() -> Iterator[MachineCheck]:
    version, wanted = ".".join(map(str, sys.version_info[:3])), python_wanted()
    yield MachineCheck(
        "Python",
        SpecifierSet(wanted).contains(version),
        version,
        f"use Python {wanted}: `make PYTHON=python3.12 install`",
    )


def python_wanted() -> str:
    """The versions of Python that the project is made for, as pyproject.toml says them."""
    return metadata.metadata("lyo_pipelines")["Requires-Python"] or ""


def _packages() -> Iterator[MachineCheck]:
    for name in _TOGETHER:
        try:
            yield MachineCheck(name, True, metadata.version(name))
        except metadata.PackageNotFoundError:
            yield MachineCheck(name, False, "not installed", "run `make install`")


def _settings() -> Iterator[MachineCheck]:
    settings = Settings.from_env()
    yield MachineCheck(
        "pseudonym key",
        bool(settings.known_pseudonym_key),
        "set" if settings.known_pseudonym_key else "not set",
        "set LYO_PSEUDONYM_KEY to a long random secret and keep it (`make demo` makes one for the demo)",
    )
    try:
        load_config(settings.config_path)
        yield MachineCheck("figures", True, settings.config_path or "the packaged defaults")
    except ConfigError as error:
        yield MachineCheck("figures", False, str(error), "fix the file that LYO_CONFIG names")


def _disk() -> Iterator[MachineCheck]:
    lake = Lake(Settings.from_env().data_dir)
    folder = working_folder(lake, lake.base)
    if is_object_store(lake.root):
        yield _bucket(lake)
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    writable = os.access(folder, os.W_OK)
    where = str(folder) if is_object_store(lake.root) else lake.base
    yield MachineCheck("data directory", writable, where, "make it writable, or set LYO_DATA_DIR elsewhere")
    yield MachineCheck(
        "free disk", free > 5e9, f"{free / 1e9:.0f} GB", "free at least 5 GB, or set LYO_DATA_DIR to a larger disk"
    )


def _bucket(lake: Lake) -> MachineCheck:
    """Whether the bucket answers."""
    try:
        lake.names(lake.base)
    except OSError as error:
        said = error.message if isinstance(error, LyoError) else error.strerror or str(error)
        return MachineCheck("object storage", False, said, "docs/object_storage.md says what is needed")
    return MachineCheck("object storage", True, lake.root)


def _memory() -> Iterator[MachineCheck]:
    total = psutil.virtual_memory().total
    yield MachineCheck("memory", total > 6e9, f"{total / 1e9:.0f} GB", "the demo needs about 6 GB")


def _base_model() -> Iterator[MachineCheck]:
    try:
        yield MachineCheck("embedded base model", True, Path(embedded_gguf()).name)
    except MissingBaseModelError as error:
        yield MachineCheck("embedded base model", False, "not found", str(error))


def _gpu() -> Iterator[MachineCheck]:
    driver = Path("/proc/driver/nvidia/version").exists()
    yield MachineCheck(
        "GPU",
        True,
        "NVIDIA driver found" if driver else "none: training runs on the CPU (the embedded model is meant for it)",
    )


def _dagster() -> Iterator[MachineCheck]:
    home = dagster_home()
    try:
        storage = find_storage(home)
        runs = storage.runs()
    except StorageError as error:
        yield MachineCheck("Dagster's state", False, error.message, error.hint)
    else:
        # DAGSTER_HOME goes before LYO_PG_HOST, which somebody may take to be at work
        ignored = bool(Settings.from_env().pg_host) and storage.kind == "SQLite"
        yield MachineCheck(
            "Dagster's state",
            not ignored,
            f"{storage.kind}, {storage.place} ({'new' if runs is None else f'{runs} runs'})"
            + (", though LYO_PG_HOST is set" if ignored else ""),
            f"unset DAGSTER_HOME, or put {shipped_home() / 'dagster.yaml'} into {home}",
        )
    server = find_server()
    yield MachineCheck("Dagster UI", True, server.url if server else "not running (`make ui` opens it)")


CHECKS: tuple[Callable[[], Iterator[MachineCheck]], ...] = (
    _python,
    _packages,
    _settings,
    _disk,
    _memory,
    _base_model,
    _gpu,
    _dagster,
)
