"""`lyo merge SEGMENT`: a segment's adapter merged into its base model, as a plain transformers folder."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from lyo_pipelines.commands.known_segments import near_names_told
from lyo_pipelines.commands.output import print_json, still_at_work
from lyo_pipelines.config.settings import Settings
from lyo_pipelines.segments import parse_segment
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.local_copies import models_dir
from lyo_pipelines.training.plan import TrainingResult
from lyo_pipelines.training.versions import NoAdapterError, chosen_adapter


def merge_segment(
    console: Console, segment: str, *, version: str | None, output: Path | None, json_to: Console | None = None
) -> Path:
    """Merge the newest adapter of a segment, or the named version; returns the folder (default: lake/merged/<segment>/<version>).

    json_to: where the result is printed for a program; `console` is then for what is said on the way.
    """
    lake = Lake(Settings.from_env().data_dir)
    parse_segment(segment)
    with near_names_told(lake, segment):
        adapter = find_adapter(lake, segment, version)
    folder = output or lake.local(lake.path("merged", segment, adapter.version))
    from lyo_pipelines.training.engine.merge import merge_adapter

    def say(text: str) -> None:
        console.print(text, highlight=False, soft_wrap=True)

    with still_at_work(console, f"merging {adapter.version}"):
        merge_adapter(adapter, folder, models_dir(lake), say)
    size = sum(path.stat().st_size for path in folder.iterdir())
    console.print(f"{folder} ({size / 1e9:.2f} GB)", highlight=False, soft_wrap=True)
    if json_to is not None:
        told = {"segment": adapter.segment, "version": adapter.version, "folder": str(folder), "bytes": size}
        print_json(json_to, told)
    return folder


def find_adapter(lake: Lake, segment: str, version: str | None) -> TrainingResult:
    """The segment's newest adapter, or the one with this version. Raises NoAdapterError naming those that are there."""
    found = chosen_adapter(lake, segment, version or "")
    if found.manifest.is_hosted:
        raise NoAdapterError(f"{version} is a provider's model: its weights are not here.")
    return found
