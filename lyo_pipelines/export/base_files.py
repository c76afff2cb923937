"""Base models as GGUF files, written once: what adapters stand on in llama.cpp, and what an export's noise is measured with."""

from __future__ import annotations

import fcntl
import hashlib
import re
from collections.abc import Callable
from pathlib import Path

from lyo_pipelines.export.architectures import Architecture
from lyo_pipelines.export.gguf_files import About, Quantise, write_adapter, write_model
from lyo_pipelines.export.source import SourceModel, read_source
from lyo_pipelines.storage.whole_files import whole_file

FORMAT = 1
"""Raised when the same model would be written otherwise, so that files of before are not taken for it."""


def base_folder(name: str, models_dir: Path, say: Callable[[str], None] = lambda _: None) -> Path:
    """The folder of a base model, out of the hub's cache where it is none. Raises MissingBaseModelError."""
    from lyo_pipelines.training.engine.base import resolve

    return Path(resolve(name, models_dir, say))


def base_file(
    folder: Path, models_dir: Path, quantise: Quantise, say: Callable[[str], None] = lambda _: None
) -> tuple[Path, SourceModel]:
    """The base's GGUF file below `<models>/gguf/`, written where it is not there yet; and the base it was read from.

    Safe for several processes at once. Raises CannotExportError.
    """
    source = read_source(folder)
    target = models_dir / "gguf" / f"{_name(folder)}.{quantise}.gguf"
    target.parent.mkdir(parents=True, exist_ok=True)
    with (target.parent / f".{target.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.is_file():
            say(f"writing {target} once")
            with whole_file(target) as temporary:
                write_model(source, temporary, quantise, About(folder.name), say)
    return target, source


def adapter_file(folder: Path, identity: str, architecture: Architecture, models_dir: Path) -> Path:
    """An adapter's GGUF file, written where it is not there yet. identity: changes with its weights. Raises CannotExportError."""
    target = models_dir / "gguf" / f"adapter-{identity}-{FORMAT}.gguf"
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.is_file():
        with whole_file(target) as temporary:
            write_adapter(folder, architecture, temporary, About(f"{folder.parent.name} {folder.name}"))
    return target


def _name(folder: Path) -> str:
    """The folder's name, and a hash that changes with what is in it."""
    parts = [str(folder.resolve()), str(FORMAT)]
    for path in sorted([*folder.glob("*.safetensors"), *folder.glob("*.json"), *folder.glob("*.jinja")]):
        told = path.stat()
        parts.append(f"{path.name} {told.st_size} {told.st_mtime_ns}")
    plain = re.sub(r"[^A-Za-z0-9._-]", "-", folder.name)
    return f"{plain}-{hashlib.sha256(chr(10).join(parts).encode()).hexdigest()[:12]}"
