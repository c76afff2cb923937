"""Rows without the erased: landed parts, feedback, rejected rows, review lines, originals, and whatever else names them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, replace

import numpy as np
import pyarrow as pa

from lyo_pipelines.curation.review import Review, queue_path, queue_text, read_queue
from lyo_pipelines.erasure.blanking import blanked
from lyo_pipelines.erasure.needles import needle_pattern
from lyo_pipelines.erasure.originals import hash_of, named_in, rewritten_files, rewritten_path, rewritten_text
from lyo_pipelines.erasure.reach import Reach, days_tables, theirs
from lyo_pipelines.interactions.landing.inbox_listing import REASON, SET_ASIDE
from lyo_pipelines.interactions.store.landed_parts import mark_path, part_at, rewritten_part
from lyo_pipelines.interactions.store.ledger import entry_path, read_entry
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.rewriting import Rewriting
from lyo_pipelines.storage.texts import TEXT_ENDINGS, files_below, replaced_texts, texts_of

ERASED = "[erased]"
_ASIDE = (
    "Somebody who was erased stands in this file, and their rows could not be taken out of it so that all others stay as they are.\n"
    "What it brought is in the lake, without them. Take them out and move it back, or remove it.\n"
)
DERIVED = ("interactions", "examples", "health")
"""Stages that are made again without them, from the same days."""
_ELSEWHERE = (
    *DERIVED,
    *(
        "adapters",
        "datasets",
        "erased",
        "exported",
        "exports",
        "feedback",
        "feedback_for",
        "hosted",
        "image_texts",
        "images",
        "keys",
        "landed",
        "landing",
        "merged",
    ),
    *("preferences", "quarantine", "registry", "rejected", "reports", "retention", "rewriting", "searches", "staging"),
)
"""Folders of the lake that are dealt with by name, or that hold nobody."""


def stage_rows(lake: Lake, reach: Reach, rewriting: Rewriting) -> Counter[str]:
    """Stage everything that is rows; how much of what."""
    done, gone = Counter[str](), Counter[str]()
    for path in reach.landed:
        table = lake.read_table(path)
        mask = theirs(table, "user_pseudonym", reach.people)
        gone[_hash_of(path)] += int(mask.sum())
        _stage_part(lake, rewriting, path, _unnamed(table.filter(pa.array(~mask)), reach))
        done["interactions"] += int(mask.sum())
    for path in reach.fed_back:
        table = lake.read_table(path)
        mask = np.isin(table["target_key"].to_numpy(), reach.keys)
        _stage_part(lake, rewriting, path, _unnamed(table.filter(pa.array(~mask)), reach))
        if "/feedback/" in path:
            gone[_hash_of(path)] += int(mask.sum())
            done["rows of feedback"] += int(mask.sum())
    for path in _others_naming(lake, reach):
        _stage_part(lake, rewriting, path, _unnamed(lake.read_table(path), reach))
    _stage_ledger(lake, reach, rewriting, gone)
    done["rejected rows"] = _stage_rejected(lake, reach, rewriting)
    done["review lines"] = _stage_review(lake, reach, rewriting)
    for day in reach.days:
        for stage in DERIVED:
            folder = lake.path(stage, f"date={day.isoformat()}")
            if lake.exists(folder):
                rewriting.remove(folder)
        rewriting.remove(lake.path("keys", "interactions", f"date={day.isoformat()}"))
    for path, rows in reach.curated.items():
        _stage_curated_day(lake, reach, rewriting, path.rpartition("/")[0])
        done["curated rows of days whose interactions are gone"] += rows
    if lake.exists(lake.path("quarantine")):
        rewriting.remove(lake.path("quarantine"))
    _stage_originals(lake, reach, rewriting, done)
    for path in files_below(lake, lake.path(), without=_ELSEWHERE):
        done["other files"] += stage_unnamed(lake, reach, rewriting, path)
    return done


def _stage_curated_day(lake: Lake, reach: Reach, rewriting: Rewriting, folder: str) -> None:
    """A day of examples that cannot be made again: every file of it without their rows."""
    for name in lake.names(folder):
        path = f"{folder}/{name}"
        if not name.endswith(".parquet") or path in rewriting:
            continue
        table = lake.read_table(path)
        for column, values in (("user_pseudonym", reach.people), ("interaction_id", reach.interactions)):
            if column in table.column_names:
                table = table.filter(pa.array(~theirs(table, column, values)))
        rewriting.replace_table(path, _unnamed(table, reach))


def _stage_originals(lake: Lake, reach: Reach, rewriting: Rewriting, done: Counter[str]) -> None:
    """Files of the inbox without their lines, or as a whole in `inbox/set_aside`, where nobody reads them."""
    originals, renamed = reach.originals, dict[str, str]()
    for path, lines in originals.blanked.items():
        told = blanked(lake.read_bytes(path), path, set(lines))
        rewriting.replace_bytes(path, told)
        renamed[hash_of(told)] = originals.landed_as[path]
        done["rows of inbox files"] += len(lines)
    if renamed:
        rewriting.replace_bytes(rewritten_path(lake), rewritten_text(rewritten_files(lake), renamed))
    for path in originals.aside:
        target = aside_path(lake, path)
        rewriting.replace_bytes(target, lake.read_bytes(path))
        rewriting.replace_bytes(target + REASON, _ASIDE)
        rewriting.remove(path)
        done["inbox files set aside"] += 1


def aside_path(lake: Lake, path: str) -> str:
    """Where a file of the inbox lies once it was set aside for an erasure; the same however often it is asked."""
    name = path.removeprefix(lake.side("inbox")).lstrip("/")
    return lake.side("inbox", SET_ASIDE, "erased", name)


def stage_unnamed(lake: Lake, reach: Reach, rewriting: Rewriting, path: str) -> bool:
    """Stage a file that only names them, with the names gone; whether it did."""
    if path in rewriting:
        return False
    if path.endswith(".parquet"):
        table = lake.read_table(path)
        told = _unnamed(_without_their_rows(table, reach), reach)
        if told is not table:
            rewriting.replace_table(path, told)
            return True
    elif path.endswith(TEXT_ENDINGS):
        text = lake.read_bytes(path).decode("utf-8", "surrogateescape")
        if pattern_of(reach).search(text):
            rewriting.replace_bytes(path, pattern_of(reach).sub(ERASED, text))
            return True
    return False


def pattern_of(reach: Reach) -> re.Pattern[str]:
    """What finds any of them in a text."""
    return needle_pattern(reach.needles)


def _without_their_rows(table: pa.Table, reach: Reach) -> pa.Table:
    for field in table.schema:
        if pa.types.is_string(field.type):
            mask = theirs(table, field.name, reach.people)
            if mask.any():
                table = table.filter(pa.array(~mask))
    return table


def _unnamed(table: pa.Table, reach: Reach) -> pa.Table:
    """Others' rows in which an erased person is named, with a mark in that place; the same table where nobody is."""
    return replaced_texts(table, pattern_of(reach), lambda _: ERASED)[0]


def _others_naming(lake: Lake, reach: Reach) -> Iterator[str]:
    """Landed parts without a row of theirs in which they are named all the same."""
    for stage in ("landing", "feedback", "feedback_for"):
        for _, path in days_tables(lake, stage):
            if path in reach.landed or path in reach.fed_back:
                continue
            if any(pattern_of(reach).search(text) for text in texts_of(lake.read_table(path))):
                yield path


def _stage_part(lake: Lake, rewriting: Rewriting, path: str, table: pa.Table) -> None:
    staged = rewriting.replace_table(path, table)
    part = part_at(lake, path)
    if part is not None:
        rewriting.remove(mark_path(lake, part))
        rewriting.replace_bytes(mark_path(lake, rewritten_part(lake, part, staged)), "")


def _stage_ledger(lake: Lake, reach: Reach, rewriting: Rewriting, gone: Counter[str]) -> None:
    for file_hash, rows in gone.items():
        entry = read_entry(lake, file_hash)
        if entry is not None and rows:
            told = replace(entry, accepted=entry.accepted - rows, erased=entry.erased + rows)
            text = json.dumps(asdict(told), ensure_ascii=False, indent=2, default=str) + "\n"
            rewriting.replace_bytes(entry_path(lake, file_hash), pattern_of(reach).sub(ERASED, text))


def _stage_rejected(lake: Lake, reach: Reach, rewriting: Rewriting) -> int:
    """Rejected rows keep their line and reason, as they are counted, and lose all else."""
    total = 0
    for name in lake.names(lake.path("rejected")):
        path = lake.path("rejected", name)
        table = lake.read_table(path)
        mask = named_in(table["raw"], reach.needles) | named_in(table["detail"], reach.needles)
        if mask.any():
            for column in ("detail", "raw"):
                values = [
                    None if hit else value for value, hit in zip(table[column].to_pylist(), mask.tolist(), strict=True)
                ]
                index = table.schema.get_field_index(column)
                table = table.set_column(index, table.schema.field(index), pa.array(values, pa.string()))
            rewriting.replace_table(path, table)
            total += int(mask.sum())
    return total


def _stage_review(lake: Lake, reach: Reach, rewriting: Rewriting) -> int:
    """Lines about their answers go; what somebody decided about a phrase stays, without the excerpt."""
    queue, kept = read_queue(lake), list[Review]()
    for line in queue:
        if line.interaction_id not in reach.interactions:
            kept.append(line)
        elif line.decision and line.phrase:
            kept.append(replace(line, interaction_id=ERASED, excerpt="", note=""))
    if kept == queue:
        return 0
    rewriting.replace_bytes(queue_path(lake), queue_text(kept))
    return sum(line.interaction_id in reach.interactions for line in queue)


def _hash_of(path: str) -> str:
    return path.rsplit("/", 1)[-1].removesuffix(".parquet").partition("-")[0]
