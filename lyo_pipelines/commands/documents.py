"""`lyo documents PATH --set NAME`: copy documents into a set, let Dagster read them, and say what became of them."""

from __future__ import annotations

import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lyo_pipelines.client.closing import close_when_idle
from lyo_pipelines.client.display import Display
from lyo_pipelines.client.follow import Follower, clock, new_stages
from lyo_pipelines.client.graphql import Client
from lyo_pipelines.client.server import start_server
from lyo_pipelines.commands.days import starting
from lyo_pipelines.commands.output import print_json
from lyo_pipelines.commands.paths import require_path
from lyo_pipelines.config.loading import Config, load_config
from lyo_pipelines.config.settings import Settings
from lyo_pipelines.documents.contract import DocumentSetError
from lyo_pipelines.documents.files import set_name, source_folder
from lyo_pipelines.documents.inputs import stale_sets
from lyo_pipelines.storage.lake import Lake

_SHOWN = 20


def add_documents(console: Console, path: Path | None, name: str | None, *, json_to: Console | None = None) -> None:
    """Copy a file or a folder into its set (without a path: nothing), read all sets that changed, and print them.

    json_to: where the sets are printed as JSON instead.
    """
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
    if json_to is not None:
        print_json(json_to, sets_told(lake, wanted))
        return
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
    """Let Dagster's own sensor read the sets, so that the UI shows it; wait until nothing is stale and its run has ended."""
    console.print("Reading the documents in Dagster …")
    server = start_server(3000, on_wait=starting(console))
    client, began = Client(server.url), time.time()
    try:
        with Display(console) as display:
            Follower(client, lake, new_stages("document_chunks"), display.show, since=began - 1).until(
                lambda: not stale_sets(lake, config.documents, config.curation),
                wait_seconds=600,
                what="reading the documents",
                jobs=("read_documents",),
            )
        console.print(f"Up to date after {clock(time.time() - began)}.", highlight=False)
    finally:
        close_when_idle(server, console)


def sets_told(lake: Lake, wanted: str | None) -> list[dict[str, object]]:
    """Each set (or one): its documents as they were read, and its examples by segment."""
    told = list[dict[str, object]]()
    for name in [name for name in lake.document_sets() if wanted in (None, name)]:
        read = lake.read_table(lake.documents(name, "documents"), ["path", "status", "says", "chunks"]).to_pylist()
        segments = lake.read_table(lake.documents(name), ["segment"])["segment"].value_counts().to_pylist()
        told.append({"set": name, "documents": read, "examples": {one["values"]: one["counts"] for one in segments}})
    return told


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
