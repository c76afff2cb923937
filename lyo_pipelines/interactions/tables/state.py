"""How far a table was read, in `lake/tables/<name>/`: `state.json`, and the rows of the overlap in `seen-<batch>.parquet`.

Each batch's ledger entry holds the state after it too, and is what makes the batch count: killed between the entry and `state.json`,
the next reading takes the state from the entry. So a state never says more than what has landed, and never less than a batch.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import pyarrow as pa

from lyo_pipelines.interactions.landing.stage import take_back_file
from lyo_pipelines.interactions.store.landed_parts import forget_files, noted_days
from lyo_pipelines.interactions.store.ledger import Reached, batch_name, entry_path, forget_marks, read_entry
from lyo_pipelines.interactions.tables.new_rows import Place, Seen
from lyo_pipelines.storage.lake import Lake

_STATE = "state.json"


@dataclass(frozen=True)
class TableState:
    """What is known of a table after a batch.

    batch: number of the last one. kind: of its watermark. mark, position: how far. format, found: how its rows are read.
    reading: digest of its configuration. met: rows that a reading from here on met when the last one came to its end, else None.
    taking_back: number of the last batch that is being taken back, else 0.
    """

    batch: int = 0
    kind: str = ""
    mark: str | None = None
    position: int = 0
    format: str = ""
    found: str = ""
    reading: str = ""
    met: int | None = None
    taking_back: int = 0

    @property
    def place(self) -> Place | None:
        """How far the table was read."""
        return None if self.mark is None else Place(self.mark, self.position)

    def at(self, place: Place | None) -> TableState:
        """The same with another place."""
        return self if place is None else replace(self, mark=place.mark, position=place.position)

    def said(self) -> Reached:
        """As JSON."""
        return asdict(self)


def read_state(lake: Lake, name: str) -> TableState:
    """The state of a table, also after a kill: what has landed is known."""
    path = lake.table_state(name, _STATE)
    state = TableState(**lake.read_json(path)) if lake.exists(path) else TableState()
    while not state.taking_back and (entry := read_entry(lake, batch_name(name, state.batch + 1))):
        if entry.reached is None:
            break
        state = TableState(**entry.reached)
    return state


def write_state(lake: Lake, name: str, state: TableState) -> None:
    """Write a state after all that it speaks of, then remove what no state needs any more."""
    lake.write_json(state.said(), lake.table_state(name, _STATE))
    folder, kept = lake.table_state(name, ""), (_STATE, _seen_name(state.batch))
    for other in lake.names(folder):
        if other not in kept:
            lake.fs.rm(lake.table_state(name, other))


def read_seen(lake: Lake, name: str, state: TableState) -> Seen:
    """The rows of the overlap after a state."""
    path = lake.table_state(name, _seen_name(state.batch))
    if not lake.exists(path):
        return Seen.nothing()
    table = lake.read_table(path)
    return Seen(table["position"].to_numpy(), table["digest"].to_numpy())


def write_seen(lake: Lake, name: str, batch: int, seen: Seen) -> None:
    """Write the rows of the overlap after a batch, before anything says that the batch is there."""
    table = pa.table({"position": seen.positions, "digest": seen.digests})
    lake.write_table(table, lake.table_state(name, _seen_name(batch)))


def _seen_name(batch: int) -> str:
    return f"seen-{batch}.parquet"


def take_table_back(lake: Lake, name: str, state: TableState) -> TableState:
    """Take back every batch of a table, so that it is read anew; the state after it. Killed, it is finished by the next reading.

    Call it under `landing_lock`.
    """
    last = state.taking_back or state.batch + 1  # a killed landing may have left one more
    lake.write_json(TableState(taking_back=last).said(), lake.table_state(name, _STATE))
    forget_files(lake, {batch_name(name, number) for number in range(1, last + 1)}, noted_days(lake))
    for number in range(1, last + 1):
        batch = batch_name(name, number)
        if lake.exists(entry_path(lake, batch)):
            lake.fs.rm(entry_path(lake, batch))
        take_back_file(lake, batch)
        forget_marks(lake, batch)
    write_state(lake, name, TableState())
    return TableState()
