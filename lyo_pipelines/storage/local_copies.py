"""Folders that programs read and write as plain paths (adapters, reports, datasets, base models), where the lake is in object storage.

Each has a place on this machine (LYO_LOCAL_DIR). What is written there is published whole: its files first, and last `whole.json`,
which names each with its sha256; before that, nobody takes it for finished. What is read is fetched once, and again where it changed,
and every file is compared with that digest. On a local lake all of this is the lake's own folder.
"""

# fsspec brings no types, so what a listing holds is unknown here:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from lyo_pipelines.config.settings import Settings
from lyo_pipelines.json_types import is_dict
from lyo_pipelines.storage.damage import DamagedFileError
from lyo_pipelines.storage.lake import TEMPORARY, Lake
from lyo_pipelines.storage.object_store import is_object_store
from lyo_pipelines.storage.small_files import read_object
from lyo_pipelines.storage.whole_files import whole_file, write_whole

WHOLE = "whole.json"
_FETCHED = ".fetched.json"
_LEFT_OUT = ("checkpoint-", "checkpoints", TEMPORARY, ".")
"""Begins of names that stay on this machine: what only the training or evaluation itself goes on from."""


def working_folder(lake: Lake, path: str) -> Path:
    """Where a folder of the lake lies on this machine, whether or not it is there. Raises NotLocalError on other remote lakes."""
    if not is_object_store(lake.root):
        return lake.local(path)
    root = hashlib.sha256(lake.root.encode()).hexdigest()[:12]
    copies = Settings.from_env().local_folder / "copies"
    copies.mkdir(mode=0o700, parents=True, exist_ok=True)
    return copies / root / path.removeprefix(lake.base).strip("/")


def models_dir(lake: Lake) -> Path:
    """Where base models are kept on this machine; they are not published, as everybody can make or fetch them."""
    return working_folder(lake, lake.side("models"))


def publish_folder(lake: Lake, path: str) -> None:
    """Upload what lies in the working folder, whole; nothing on a local lake. Objects that are there no longer are removed."""
    if not is_object_store(lake.root):
        return
    folder, marker = working_folder(lake, path), f"{path}/{WHOLE}"
    files = {name: file for name, file in sorted(_files(folder)) if name != WHOLE}
    digests = {name: _digest(file) for name, file in files.items()}
    if lake.exists(marker):
        if read_object(lake, marker) == digests:
            return
        lake.fs.rm(marker)
    for name, file in files.items():
        lake.fs.upload(str(file), f"{path}/{name}")
    for found in lake.fs.find(path):
        if found[len(path) + 1 :] not in files:
            lake.fs.rm(found)
    lake.write_json(digests, marker)
    write_whole(folder / _FETCHED, json.dumps(digests, sort_keys=True))


def fetched(lake: Lake, path: str) -> Path:
    """The folder on this machine, as it was published; as it lies here where it was not. Raises DamagedFileError."""
    folder = working_folder(lake, path)
    if is_object_store(lake.root):
        try:
            wanted = read_object(lake, f"{path}/{WHOLE}")
        except FileNotFoundError:
            return folder
        _fetch(lake, path, folder, {name: str(digest) for name, digest in wanted.items()}, of=wanted)
    return folder


def fetched_files(lake: Lake, path: str) -> Path:
    """A folder that the lake itself writes (a dataset version) on this machine, as it is now. Its readers check the content."""
    folder = working_folder(lake, path)
    if is_object_store(lake.root):
        found: dict[str, Any] = lake.fs.find(path, detail=True)
        etags = {name[len(path) + 1 :]: str(info.get("ETag")) for name, info in found.items()}
        _fetch(lake, path, folder, dict.fromkeys(etags), of=etags)
    return folder


def _fetch(lake: Lake, path: str, folder: Path, wanted: dict[str, str] | dict[str, None], *, of: Any) -> None:
    """Bring the wanted files (name -> sha256, None: not known) here, unless what was fetched last was the same."""
    known = folder / _FETCHED
    told: Any = json.loads(known.read_text(encoding="utf-8")) if known.is_file() else {}
    told = told if is_dict(told) else {}
    for name, digest in wanted.items():
        target = folder / name
        if not target.resolve().is_relative_to(folder.resolve()):
            raise DamagedFileError(f"{path}/{WHOLE} is damaged: it names {name}", hint="Make what it belongs to again.")
        if target.is_file() and told.get(name) == of[name]:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(target) as temporary:
            lake.fs.get_file(f"{path}/{name}", str(temporary))
            if digest is not None and _digest(temporary) != digest:
                raise DamagedFileError(
                    f"{path}/{name} differs from what was published",
                    hint="If it is being published at this moment, try again; else make it again, or restore it from a backup.",
                )
    if told != of:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(known, json.dumps(of, sort_keys=True))


def _files(folder: Path) -> list[tuple[str, Path]]:
    found: list[tuple[str, Path]] = []
    for here, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(_LEFT_OUT)]
        found += [
            (str(Path(here, name).relative_to(folder)), Path(here, name))
            for name in names
            if not name.startswith(_LEFT_OUT)
        ]
    return found


def _digest(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
