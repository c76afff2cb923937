"""Whether a table holds something that was not read: a look that reads no rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lyo_pipelines.config.interactions import TableConfig
from lyo_pipelines.interactions.tables.server import Source, connect_table
from lyo_pipelines.interactions.tables.state import read_state
from lyo_pipelines.storage.lake import Lake

_PATIENCE_SECONDS = 20.0


@dataclass(frozen=True)
class TableProbe:
    """What a look at a table found. signature: changes when the table does, or with how far it was read."""

    newer: bool
    signature: str


def probe_table(lake: Lake, table: TableConfig, env: Mapping[str, str]) -> TableProbe:
    """Look at a table. Raises TableError when nobody can.

    Newer is a table whose highest watermark is another than the one that was reached, or that has more (or fewer) rows in the overlap
    and without a watermark than the last reading met: so late commits show, too.
    """
    state = read_state(lake, table.name)
    with connect_table(table, env, patience_seconds=_PATIENCE_SECONDS) as connection:
        source = Source.of(connection, table, state.kind)
        if state.met is None and state.mark is None:
            return TableProbe(source.any_row(), f"{table.name} first {source.newest}")
        met = source.count(state.place)
    newer = met != state.met or (source.newest is not None and source.newest != state.mark)
    return TableProbe(newer, f"{table.name} {state.batch} {state.met} {source.newest} {met}")
