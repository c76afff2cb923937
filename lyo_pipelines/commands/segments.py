"""`lyo segments`: every segment that the lake or Dagster knows, with its counts; `lyo segments remove` takes partitions back."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table

from lyo_pipelines.client.closing import close_when_idle
from lyo_pipelines.client.graphql import Client
from lyo_pipelines.client.home import StorageError, dagster_home, find_storage
from lyo_pipelines.client.server import start_server
from lyo_pipelines.commands.days import starting
from lyo_pipelines.commands.known_segments import known_segments, unknown_segment
from lyo_pipelines.commands.output import print_json
from lyo_pipelines.config.loading import load_config
from lyo_pipelines.config.settings import Settings
from lyo_pipelines.curation.segments import segment_counts
from lyo_pipelines.errors import LyoError
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.local_copies import fetched
from lyo_pipelines.training.plan import is_complete


class SegmentInUseError(LyoError):
    """A partition that data stands behind is not taken back: the sensor would add it again."""


@dataclass(frozen=True)
class SegmentLine:
    """A segment. interactions: read; examples: kept; partition: whether Dagster has one (None: nobody can tell)."""

    segment: str
    interactions: int
    examples: int
    adapters: int
    partition: bool | None
    note: str = ""


def list_segments(lake: Lake, partitions: frozenset[str] | None) -> list[SegmentLine]:
    """All segments, most examples first. partitions: those that Dagster has, None where its storage cannot be asked."""
    counts = segment_counts(lake)
    minimum = load_config(Settings.from_env().config_path).curation.segment_minimum_interactions
    lines = []
    for key in {*known_segments(lake), *(partitions or ())}:
        count = counts.get(key)
        read, kept = (count.read, count.kept) if count else (0, 0)
        adapters = sum(
            is_complete(fetched(lake, lake.adapter_dir(key, name))) for name in lake.names(lake.adapter_dir(key))
        )
        note = ""
        if partitions is not None and key in partitions and not read and not adapters:
            note = f"nothing stands behind it: `lyo segments remove {key}`"
        elif read and read < minimum:
            note = f"{minimum - read:,} more interactions until it is one of its own"
        lines.append(SegmentLine(key, read, kept, adapters, None if partitions is None else key in partitions, note))
    return sorted(lines, key=lambda line: (-line.examples, -line.interactions, line.segment))


def show_segments(console: Console, *, as_json: bool) -> None:
    """Print the table, or one JSON list."""
    partitions = None
    with suppress(StorageError):
        partitions = find_storage(dagster_home()).partitions("segments")
    lines = list_segments(Lake(Settings.from_env().data_dir), partitions)
    if as_json:
        print_json(console, [asdict(line) for line in lines])
        return
    if not lines:
        console.print("No segment yet: `lyo ingest PATH` reads logs.", highlight=False)
        return
    table = Table()
    for name in ("segment", "interactions", "examples", "adapters", "note"):
        table.add_column(name, justify="left" if name in ("segment", "note") else "right", no_wrap=name == "segment")
    for line in lines:
        table.add_row(line.segment, f"{line.interactions:,}", f"{line.examples:,}", str(line.adapters or ""), line.note)
    console.print(table)


def remove_segments(console: Console, keys: Sequence[str], *, port: int = 3000) -> None:
    """Take partitions back that were made by mistake. Raises SegmentInUseError where data stands behind one, UnknownSegmentError."""
    lake = Lake(Settings.from_env().data_dir)
    known = known_segments(lake)
    for key in keys:
        if known.get(key) or lake.names(lake.adapter_dir(key)):
            raise SegmentInUseError(
                f"{key} has {known.get(key, 0):,} examples or an adapter: its partition would come back",
                hint="Rows are taken out of their logs; an adapter is withdrawn by `lyo retire`.",
            )
    server = start_server(port, on_wait=starting(console))
    try:
        client = Client(server.url)
        there = client.segments()
        for key in keys:
            if key not in there:
                raise unknown_segment(key, dict.fromkeys(there, 0) | known)
        client.remove_segments(list(keys))
    finally:
        close_when_idle(server, console)
    console.print(f"Taken back: {', '.join(keys)}.", highlight=False)
