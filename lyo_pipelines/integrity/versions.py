"""What is kept by segment: dataset versions, preference data, adapters, reports, and the registry's events."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from lyo_pipelines.contracts.adapter import MANIFEST as ADAPTER_MANIFEST
from lyo_pipelines.contracts.adapter import AdapterManifest
from lyo_pipelines.contracts.dataset import MANIFEST, DataManifest, DatasetManifest, PreferenceManifest
from lyo_pipelines.contracts.document import DocumentError
from lyo_pipelines.contracts.report import Report
from lyo_pipelines.dataset.written_files import file_damage
from lyo_pipelines.errors import LyoError
from lyo_pipelines.integrity.findings import Verification
from lyo_pipelines.integrity.tables import table_damage
from lyo_pipelines.registry.log import read_intact, registered_segments
from lyo_pipelines.storage.damage import DamagedFileError
from lyo_pipelines.storage.lake import Lake, NotLocalError
from lyo_pipelines.storage.local_copies import fetched
from lyo_pipelines.storage.small_files import read_object
from lyo_pipelines.training.verified_loading import DamagedAdapterError, load_checked

_HELD_OUT = (
    "It says what was held out for tests: restore it from a backup, or remove the version's folder and train anew what was compared "
    "on its test items."
)
_POINTER = "latest.json"


def verify_segments(lake: Lake, told: Verification, segment: str | None) -> None:
    """Compare all versions of every segment, or of one."""
    for key in _keys(lake, "datasets", segment):
        _verify_data(lake, told, key, lake.dataset_dir, DatasetManifest, f"Build it again: `lyo train {key}`.")
    for key in _keys(lake, "preferences", segment):
        _verify_data(lake, told, key, lake.preferences_dir, PreferenceManifest, f"Build it again: `lyo prefer {key}`.")
    for key in _keys(lake, "adapters", segment):
        _verify_adapters(lake, told, key)
    for key in _keys(lake, "reports", segment):
        _verify_reports(lake, told, key)
    for key in registered_segments(lake):
        if segment in (None, key):
            told.checked["registries"] += 1
            damage = read_intact(lake, key)[1]
            if damage is not None:
                path = lake.path("registry", key)
                told.add(
                    {path: str(damage)}, "source", "Restore that file: releases of this segment stand still until then."
                )


def _keys(lake: Lake, stage: str, segment: str | None) -> list[str]:
    return [name for name in lake.names(lake.path(stage)) if segment in (None, name)]


def _verify_data(
    lake: Lake,
    told: Verification,
    key: str,
    folder_of: Callable[[str, str], str],
    kind: type[DataManifest],
    hint: str,
) -> None:
    _verify_pointer(lake, told, f"{folder_of(key, '')}/{_POINTER}", hint)
    for version in lake.names(folder_of(key, "")):
        folder = folder_of(key, version)
        path = f"{folder}/{MANIFEST}"
        if not lake.exists(path):
            continue
        told.checked["versions of data"] += 1
        found = dict[str, str]()
        try:
            manifest = kind.parse(lake.read_bytes(path), path)
        except DocumentError as error:
            told.add({path: error.message.removeprefix(path).strip()}, "derived", hint)
        else:
            found = file_damage(lake, folder, manifest, deep=told.deep)
        for name in lake.names(folder):
            file = f"{folder}/{name}"
            if name.endswith(".parquet") and file not in found and (said := table_damage(lake, file, deep=told.deep)):
                found[file] = said
        for file, said in found.items():
            held_out = file.endswith("/groups.parquet")
            told.add({file: said}, "source" if held_out else "derived", _HELD_OUT if held_out else hint)


def _verify_adapters(lake: Lake, told: Verification, key: str) -> None:
    hint = f"Restore it from a backup, or train {key} again."
    _verify_pointer(lake, told, f"{lake.adapter_dir(key)}/{_POINTER}", hint)
    for version in lake.names(lake.adapter_dir(key)):
        try:
            path = fetched(lake, lake.adapter_dir(key, version)) / ADAPTER_MANIFEST
        except NotLocalError:
            return
        except DamagedFileError as error:
            told.add({lake.adapter_dir(key, version): error.message}, "source", hint)
            continue
        if not path.is_file():
            continue
        told.checked["adapters"] += 1
        try:
            manifest = AdapterManifest.read(path)
            missing = {
                str(path.parent / name): "is gone" for name in manifest.files if not (path.parent / name).is_file()
            }
            if told.deep and not missing:
                load_checked(path.parent)
        except (DocumentError, DamagedAdapterError) as error:
            missing = {str(path.parent): error.message}
        told.add(missing, "source", hint)


def _verify_reports(lake: Lake, told: Verification, key: str) -> None:
    for version in lake.names(lake.report_dir(key)):
        path = f"{lake.report_dir(key, version)}/report.json"
        if not lake.exists(path):
            continue
        told.checked["reports"] += 1
        try:
            Report.parse(lake.read_bytes(path), path)
        except LyoError as error:
            says = error.message.removeprefix(path).strip()
            told.add({path: says}, "derived", f"Materialize eval_report for {key} again.")


def _verify_pointer(lake: Lake, told: Verification, path: str, hint: str) -> None:
    with suppress(FileNotFoundError, NotADirectoryError):
        try:
            read_object(lake, path)
        except DamagedFileError as error:
            told.add({path: error.message.removeprefix(path).strip()}, "derived", hint)
