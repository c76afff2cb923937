"""`lyo documents PATH --set NAME`: copy documents into a set, let Dagster read them, and say what became of them."""

from __future__ import annotations

import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lyo_pipelines.client.follow import RunFailedError
from lyo_pipelines.client.graphql import Client
from lyo_pipelines.client.server import start_server
from lyo_pipelines.commands.paths import require_path
from lyo_pipelines.config.loading import Config, load_config
from lyo_pipelines.config.settings import Settings
from lyo_pipelines.documents.contract import DocumentSetError
from lyo_pipelines.documents.files import set_name, source_folder
from lyo_pipelines.documents.inputs import stale_sets
from lyo_pipelines.storage.lake import Lake

_SHOWN = 20


def add_documents(console: Console, path: Path | None, name: str | None) -> None:
    """Copy a file or a folder into its set (without a path: nothing), read all sets that changed, and print them."""
    settings = Settings.from_env()
    lake, config = Lake(settings.data_dir), load_config(settings.config_path)
    if path is not None:
        copied, same = copy_in(lake, path, name)
        console.print(f"{copied} files copied, {same} already there.", highlight=False)
    if stale_sets(lake, config.documents, config.curation):
        _read(console, lake, config)
    else:
        console.print("Every document set is up to date.")
    wanted = set_name(name) if name else None
    print_sets(console, lake, wanted)


def copy_in(lake: Lake, path: Path, name: str | None) -> tuple[int, int]:
    """Copy documents into `data/documents/<set>`, keeping their folders; how many were copied, and how many were there unchanged."""
    require_path(path)
    if name is None and not path.is_dir():
        raise DocumentSetError(
            f"{path.name} is one file", hint="Say which set it belongs to, for instance --set notes."
        )
    target = source_folder(lake, set_name(name or path.resolve().name))
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    copied = same = 0
    for file in files:
        inside = file.name if path.is_file() else file.relative_to(path).as_posix()
        if any(part.startswith(".") for part in inside.split("/")):
            continue
        data, goal = file.read_bytes(), f"{target}/{inside}"
        if lake.exists(goal) and lake.fs.cat_file(goal) == data:
            same += 1
            continue
        with lake.replacing(goal) as temporary, lake.fs.open(temporary, "wb") as handle:
            handle.write(data)
        copied += 1
    return copied, same


def _read(console: Console, lake: Lake, config: Config) -> None:
    """Let Dagster's own sensor read the sets, so that the UI shows it; wait until nothing is stale."""
    console.print("Reading the documents in Dagster …")
    server = start_server(3000)
    client, began = Client(server.url), time.time()
    try:
        while stale_sets(lake, config.documents, config.curation):
            runs = client.runs(limit=5, pipelineName="read_documents")
            failed = [run for run in runs if run.failed and (run.end or 0) >= began]
            if failed:
                raise RunFailedError(f"the documents could not be read: {client.failure(failed[0].run_id)}")
            time.sleep(1)
        console.print(f"Up to date after {time.time() - began:.0f} s.", highlight=False)
    finally:
        server.stop()


def print_sets(console: Console, lake: Lake, wanted: str | None) -> None:
    """What each set (or one) holds, and which documents were set down."""
    sets = [name for name in lake.document_sets() if wanted in (None, name)]
    summary = Table("set", "documents", "set down", "chunks", "examples by segment")
    set_down = Table("set", "document", "why")
    left = 0
    for name in sets:
        documents = lake.read_table(lake.documents(name, "documents"), ["path", "status", "says", "chunks"]).to_pylist()
        segments = lake.read_table(lake.documents(name), ["segment"])["segment"].value_counts().to_pylist()
        rejected = [row for row in documents if row["status"] == "rejected"]
        numbers = (len(documents), len(rejected), sum(row["chunks"] for row in documents))
        examples = ", ".join(f"{one['values']} {one['counts']:,}" for one in segments)
        summary.add_row(name, *(f"{number:,}" for number in numbers), examples)
        for row in rejected:
            if set_down.row_count < _SHOWN:
                set_down.add_row(name, row["path"], row["says"])
            else:
                left += 1
    console.print(summary)
    if set_down.row_count:
        console.print(set_down)
        if left:
            console.print(f"… and {left} more: lake/documents/<set>/documents.parquet names them all.", highlight=False)
