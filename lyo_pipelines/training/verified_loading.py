"""Loading an adapter only when its bytes are those that were published: safetensors only, every file by its sha256.

What is registered and who is served does not belong here; nothing here runs a model.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from lyo_pipelines.contracts.adapter import MANIFEST
from lyo_pipelines.contracts.hosted_model import HOSTED_FILE
from lyo_pipelines.errors import LyoError
from lyo_pipelines.training.plan import TrainingResult, read_adapter

_RUNS_CODE = re.compile(r"\.(bin|pt|pth|pkl|pickle|ckpt|joblib|npy)$", re.IGNORECASE)
"""Formats whose loading may run code that somebody put into the file."""
_DIGEST = re.compile(r"[0-9a-f]{64}")


class DamagedAdapterError(LyoError):
    """An adapter must not be loaded; the message names the file and what to do."""


class TaintedAdapterError(DamagedAdapterError):
    """An adapter learnt what nobody may be told, on purpose: it is a privacy audit's."""


def load_checked(adapter_dir: str | Path, files: Mapping[str, str] | None = None) -> TrainingResult:
    """Read a finished adapter after every one of its files was found to be as it was published.

    files: name -> sha256 as a registry remembers them, with or without the manifest; None: as the adapter's own manifest says.
    Raises DamagedAdapterError naming the file that differs, is missing, or is of a format that may run code, and TaintedAdapterError
    for an adapter of a privacy audit.
    """
    folder = Path(adapter_dir)
    adapter = read_adapter(folder)
    if not adapter.manifest.may_serve:
        raise TaintedAdapterError(
            f"{adapter.version} learnt secrets that a privacy audit planted: it must never serve anybody.",
            hint=f"Train {adapter.segment} for its own (`lyo train {adapter.segment}`).",
        )
    expected = dict(files) if files is not None else adapter.manifest.files
    if adapter.manifest.is_hosted:
        if HOSTED_FILE not in expected:
            raise DamagedAdapterError(f"{folder}: no {HOSTED_FILE} among its published files: `lyo hosted` writes it.")
    elif not any(name.endswith(".safetensors") for name in expected):
        raise DamagedAdapterError(f"{folder}: no .safetensors among its published files: train it again.")
    unsafe = sorted(path.name for path in folder.iterdir() if path.is_file() and _RUNS_CODE.search(path.name))
    if unsafe:
        raise DamagedAdapterError(
            f"{folder / unsafe[0]}: only safetensors are loaded, as this format may run code: remove it."
        )
    for name, digest in sorted(expected.items()):
        _require_same(folder, name, digest)
    return adapter


def published_files(adapter_dir: str | Path) -> dict[str, str]:
    """Name -> sha256 of everything a registry remembers of an adapter: its published files, verified now, and its manifest.

    Raises DamagedAdapterError as load_checked does.
    """
    folder = Path(adapter_dir)
    adapter = load_checked(folder)
    return {**adapter.manifest.files, MANIFEST: digest_of(folder / MANIFEST)}


def digest_of(path: Path) -> str:
    """The sha256 of a file."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _require_same(folder: Path, name: str, digest: str) -> None:
    path = folder / name
    if Path(name).name != name or not _DIGEST.fullmatch(digest):
        raise DamagedAdapterError(f"{folder}: {name!r} with {digest!r} is no file of an adapter and its sha256.")
    if not path.is_file():
        raise DamagedAdapterError(f"{path} is missing: restore it, or train the adapter again.")
    if (found := digest_of(path)) != digest:
        raise DamagedAdapterError(
            f"{path} differs from what was published (sha256 {found[:12]}… instead of {digest[:12]}…): restore it, or train again."
        )
