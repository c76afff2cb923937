"""Writing planned preference data: texts are read again for the chosen answers only, a day at a time."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
import pyarrow as pa

from lyo_pipelines.dataset.preferences.contract import SCHEMAS, SPLITS
from lyo_pipelines.dataset.read_examples import DayRows, later_pass
from lyo_pipelines.dataset.write import messages_of
from lyo_pipelines.interactions.contract import MESSAGE
from lyo_pipelines.storage.arrow import offsets_and_values, pc
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.tasks.base import TaskFormat
from lyo_pipelines.tasks.messages import MESSAGE_COLUMNS


def write_preferences(
    lake: Lake, folder: str, rows: DayRows, chosen: Mapping[str, pl.DataFrame], formats: Mapping[str, TaskFormat]
) -> None:
    """Write `<kind>_<split>.parquet` for both kinds and splits into `folder`; the same choice gives the same bytes."""
    ids = {value for frame in chosen.values() for value in frame["example_id"].to_list()}
    ids |= set(chosen["dpo"]["rejected_example_id"].to_list())
    wanted = np.fromiter((value in ids for value in rows.example_id.to_pylist()), bool, len(rows.example_id))

    def texts(table: pa.Table) -> pa.Table:
        prompts = without_answer(messages_of(table, formats))
        found = table.select(["example_id", "segment", "answer", "original_answer"])
        return found.append_column("messages", prompts)

    columns = ["example_id", "segment", "original_answer", "task", *MESSAGE_COLUMNS]
    whole = pa.concat_tables([*later_pass(lake, rows, wanted, columns, texts)]) if ids else None
    for kind, frame in chosen.items():
        for split in SPLITS:
            part = frame.filter(pl.col("split") == split).sort(["example_id", *frame.columns[:1]])
            table = SCHEMAS[kind].empty_table() if whole is None else _table(kind, part, whole)
            lake.write_table(table, f"{folder}/{kind}_{split}.parquet")


def without_answer(messages: pa.ListArray) -> pa.ListArray:
    """Chats without their last message."""
    offsets, flat = offsets_and_values(messages)
    keep = np.ones(len(flat), bool)
    keep[offsets[1:] - 1] = False
    shorter = pa.array((offsets - np.arange(len(offsets))).astype(np.int32))
    return pa.ListArray.from_arrays(shorter, flat.filter(pa.array(keep)).cast(MESSAGE))


def _table(kind: str, part: pl.DataFrame, whole: pa.Table) -> pa.Table:
    """Put the texts beside the choice."""
    places = {value: at for at, value in reversed(list(enumerate(whole["example_id"].to_pylist())))}
    here = whole.take(pa.array([places[value] for value in part["example_id"].to_list()], pa.int64()))
    told = part.to_arrow()
    made = {"segment": here["segment"], "messages": here["messages"]}
    if kind == "kto":
        made["answer"] = here["answer"]
    else:
        bad = whole.take(pa.array([places[value] for value in part["rejected_example_id"].to_list()], pa.int64()))
        edited = pl.Series(part["kind"] == "edit").to_arrow()
        made["chosen"] = here["answer"]
        made["rejected"] = pc.if_else(edited, here["original_answer"], bad["answer"])
    columns = [made[name] if name in made else told[name] for name in SCHEMAS[kind].names]
    return pa.table(columns, names=SCHEMAS[kind].names).cast(SCHEMAS[kind])
