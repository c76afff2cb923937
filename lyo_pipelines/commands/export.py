"""`lyo export SEGMENT`: a dataset version or preference data for other tools, with card and manifest."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from lyo_pipelines.commands.known_segments import near_names_told
from lyo_pipelines.commands.output import print_json
from lyo_pipelines.config.settings import Settings
from lyo_pipelines.dataset.export import ExportFormat, export_version
from lyo_pipelines.storage.lake import Lake

_LOADED_BY = {
    "huggingface": 'datasets.load_dataset("{folder}")',
    "openai": "upload train.jsonl and validation.jsonl as fine-tuning files",
    "kto": 'datasets.load_dataset("{folder}"), then trl.KTOTrainer',
    "dpo": 'datasets.load_dataset("{folder}"), then trl.DPOTrainer',
}


def export_segment(
    console: Console,
    segment: str,
    format: ExportFormat,
    *,
    version: str | None,
    output: Path | None,
    minimum_weight: float,
    as_json: bool = False,
) -> None:
    """Export and say what was written, where, and how it is loaded."""
    lake = Lake(Settings.from_env().data_dir)
    with near_names_told(lake, segment):
        made = export_version(lake, segment, format, output, fingerprint=version, minimum_weight=minimum_weight)
    loaded_by = _LOADED_BY[format].format(folder=made.folder)
    if as_json:
        told = {"asked": segment, "segment": made.segment, "version": made.fingerprint, "format": format}
        print_json(console, {**told, "rows": dict(made.rows), "folder": str(made.folder), "loaded_by": loaded_by})
        return
    if made.segment != segment:
        console.print(f"{segment} is too thin for a dataset of its own: this is its parent's, {made.segment}.")
    rows = ", ".join(f"{split} {count:,}" for split, count in made.rows.items())
    console.print(f"{made.segment}, version {made.fingerprint}: {rows} rows", highlight=False, soft_wrap=True)
    console.print(f"{made.folder}", highlight=False, soft_wrap=True)
    console.print(f"[dim]{loaded_by}[/]", highlight=False, soft_wrap=True)
