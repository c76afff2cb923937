"""`lyo mapping draft FILE`: a first mapping for a file that is in no known format, to be checked by a person."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from lyo_pipelines.commands.paths import require_path
from lyo_pipelines.config.loading import load_config
from lyo_pipelines.config.settings import Settings
from lyo_pipelines.errors import LyoError
from lyo_pipelines.interactions.conversion.blocks import Reading
from lyo_pipelines.interactions.conversion.converter import FileSpec
from lyo_pipelines.interactions.drafting.draft import draft_mapping
from lyo_pipelines.interactions.fields.mapping import Mapping
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.interactions.reading.source_file import InputFile
from lyo_pipelines.retraining.curriculum import load_curriculum
from lyo_pipelines.segments import segment_name
from lyo_pipelines.storage.lake import Lake

_ROWS = 2_000


class DraftError(LyoError):
    """No draft can be made, or not where it was asked for."""


def write_draft(console: Console, path: Path, output: Path | None) -> None:
    """Print a first mapping for a file, or write it to `output`, which must not be there yet."""
    require_path(path)
    if output is not None and output.exists():
        raise DraftError(f"{output} is there already", hint="Give another name with --output, or remove it first.")
    settings = Settings.from_env()
    config = load_config(settings.config_path).interactions
    source = InputFile.at(str(path))
    nothing = Mapping(fields={})
    spec = FileSpec("", "flat", nothing, config, Pseudonyms("no user is written"), None, 0, 0)
    with Reading(source, spec) as opened:
        rows = opened.sample[:_ROWS]
    if not rows:
        raise DraftError(f"{path}: no row of its beginning can be parsed")
    curriculum = load_curriculum(Lake(settings.data_dir))
    text = draft_mapping(path.name, rows, [segment_name(name) for name in curriculum.subjects])
    if output is None:
        console.print(text, end="", markup=False, highlight=False, soft_wrap=True)
        return
    output.write_text(text, encoding="utf-8")
    console.print(
        f"Wrote {output}: check its guesses, then `lyo ingest {path} --mapping {output} --dry-run`.", highlight=False
    )
