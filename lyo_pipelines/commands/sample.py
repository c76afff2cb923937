"""`lyo sample TASK`: write a made-up log of one task, so that everything after it can be tried without data of one's own."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from lyo_pipelines.commands.output import print_json
from lyo_pipelines.config.settings import Settings
from lyo_pipelines.sample.tasks.generate import task_rows
from lyo_pipelines.sample.write import write_jsonl
from lyo_pipelines.storage.lake import Lake


def write_task_sample(
    console: Console,
    task: str,
    *,
    rows: int,
    language: str,
    seed: int,
    output: Path | None,
    with_subject: bool,
    as_json: bool = False,
) -> Path:
    """Write canonical JSONL into the inbox (or to `output`) and say what to do with it."""
    today = datetime.now(UTC).date()
    made = task_rows(task, n=rows, seed=seed, end=today, language=language, with_subject=with_subject)
    if output is None:
        lake = Lake(Settings.from_env().data_dir)
        output = Path(lake.local(lake.side("inbox"))) / f"sample-{task}-{language}.jsonl"
    path = write_jsonl(output, made)
    segments = sorted({".".join(filter(None, (task, language, row["subject"]))) for row in made})
    if as_json:
        print_json(console, {"file": str(path), "rows": len(made), "segments": segments})
        return path
    console.print(f"{len(made):,} synthetic interactions from the eight weeks before {today}: {path}", highlight=False)
    console.print(f"[dim]lyo ingest {path} && lyo train {segments[0]}[/]", highlight=False, soft_wrap=True)
    return path
