"""A dataset version, or preference data, in the formats that other tools read: each export is a folder with card and manifest.

`huggingface`: the three Parquet files as they are; the card's `configs` lets `datasets.load_dataset(folder)` find the splits.
`openai`: OpenAI's chat fine-tuning JSONL. `kto`, `dpo`: TRL's conversational JSONL. Nothing here changes a version.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, get_args

import orjson

from lyo_pipelines.contracts.dataset import MANIFEST
from lyo_pipelines.dataset.contract import SPLITS
from lyo_pipelines.dataset.errors import ExportError
from lyo_pipelines.dataset.preferences.card import preference_card
from lyo_pipelines.dataset.preferences.contract import SPLITS as PREFERENCE_SPLITS
from lyo_pipelines.dataset.preferences.versions import get_preferences, latest_preferences
from lyo_pipelines.dataset.versions import get_version, latest_version
from lyo_pipelines.json_types import RawRow
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.whole_files import whole_folder

ExportFormat = Literal["huggingface", "openai", "kto", "dpo"]
FORMATS: tuple[ExportFormat, ...] = get_args(ExportFormat)
_CARD = "README.md"
_BATCH = 4_096
_Line = Callable[[RawRow], Mapping[str, object] | None]
"""A row of Parquet as one line of JSON; None leaves it out."""


@dataclass(frozen=True)
class Export:
    """A finished export: its folder, what it was made from, and the rows of each split."""

    folder: Path
    segment: str
    fingerprint: str
    rows: dict[str, int]


def export_version(
    lake: Lake,
    segment: str,
    format: ExportFormat,
    folder: Path | None = None,
    *,
    fingerprint: str | None = None,
    minimum_weight: float = 0.0,
) -> Export:
    """Write one version (default: the newest) into `folder`, whole or not at all.

    folder: default lake/exports/<segment>/<fingerprint>/<format>.
    minimum_weight: examples that weigh less are left out of `openai`, whose lines cannot carry a fractional weight.
    A folder that an export wrote before is replaced; any other that holds something is left alone. A segment that is served by its
    parent exports the parent's version. Raises UnknownVersionError, ExportError.
    """
    if minimum_weight and format != "openai":
        raise ExportError(f"--minimum-weight belongs to the format openai, not to {format}.")
    if format in ("kto", "dpo"):
        preferences = get_preferences(lake, segment, fingerprint) if fingerprint else latest_preferences(lake, segment)
        segment, fingerprint, source = preferences.segment, preferences.fingerprint, preferences.path
        card = preference_card(preferences, format)
    else:
        version = get_version(lake, segment, fingerprint) if fingerprint else latest_version(lake, segment)
        if version is None:
            raise ExportError(f"{segment} has no dataset version.", hint=f"`lyo train {segment}` makes one.")
        segment, fingerprint, source = version.segment, version.fingerprint, version.path
        card = lake.read_text(f"{source}/{_CARD}")
    target = folder or lake.local(lake.path("exports", segment, fingerprint, format))
    _require_replaceable(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    with whole_folder(target) as temporary:
        rows = _WRITERS[format](lake, source, temporary, minimum_weight)
        (temporary / _CARD).write_text(card, encoding="utf-8")
        (temporary / MANIFEST).write_text(lake.read_text(f"{source}/{MANIFEST}"), encoding="utf-8")
        if target.exists():
            shutil.rmtree(target)
    return Export(target, segment, fingerprint, rows)


def _require_replaceable(target: Path) -> None:
    """Raise ExportError where something lies that no export wrote."""
    if target.is_file() or (target.is_dir() and any(target.iterdir()) and not (target / MANIFEST).exists()):
        raise ExportError(f"{target} holds something that is no export.", hint="Name an empty or a new folder.")


def _write_parquet(lake: Lake, source: str, folder: Path, minimum_weight: float) -> dict[str, int]:
    rows = {}
    for split in SPLITS:
        name = f"{split}.parquet"
        lake.fs.get_file(f"{source}/{name}", str(folder / name))
        with lake.open_table(f"{source}/{name}") as parquet:
            rows[split] = parquet.metadata.num_rows
    return rows


def _write_openai(lake: Lake, source: str, folder: Path, minimum_weight: float) -> dict[str, int]:
    """One line is {"messages": [{"role", "content"}, …]} ending with the assistant.

    A message may carry `weight` 0 or 1 in that form (learn from it or not): earlier assistant turns get 0, because only the last
    answer was chosen by curation. Rows that show pictures are left out: the card says how many there are.
    """

    def line(row: RawRow) -> Mapping[str, object] | None:
        if row["weight"] < minimum_weight or row.get("images"):
            return None
        *earlier, last = row["messages"]
        messages = [{**message, "weight": 0} if message["role"] == "assistant" else message for message in earlier]
        return {"messages": [*messages, last]}

    columns = ["messages", "weight", "images"]
    return {
        split: _write_lines(lake, f"{source}/{split}.parquet", columns, folder / f"{split}.jsonl", line)
        for split in SPLITS
    }


def _write_preferences(lake: Lake, source: str, folder: Path, minimum_weight: float, *, kind: str) -> dict[str, int]:
    """TRL's conversational form: `prompt` is the chat up to the question, completions are chats of one assistant message."""
    columns = {"kto": ("answer",), "dpo": ("chosen", "rejected")}[kind]
    extra = {"kto": ("label",), "dpo": ()}[kind]

    def line(row: RawRow) -> Mapping[str, object]:
        answers = {
            "completion" if name == "answer" else name: [{"role": "assistant", "content": row[name]}]
            for name in columns
        }
        return {"prompt": row["messages"], **answers, **{name: row[name] for name in extra}}

    return {
        split: _write_lines(
            lake, f"{source}/{kind}_{split}.parquet", ["messages", *columns, *extra], folder / f"{split}.jsonl", line
        )
        for split in PREFERENCE_SPLITS
    }


def _write_lines(lake: Lake, path: str, columns: list[str], target: Path, line: _Line) -> int:
    """Write a Parquet file as JSON lines, a batch in memory at a time; returns the lines. `line` may leave a row out (None)."""
    written = 0
    with lake.open_table(path) as parquet, target.open("wb") as handle:
        there = [name for name in columns if name in parquet.schema_arrow.names]  # files of before hold no pictures
        for batch in parquet.iter_batches(batch_size=_BATCH, columns=there):
            for row in batch.to_pylist():
                if (made := line(row)) is not None:
                    handle.write(orjson.dumps(made, option=orjson.OPT_APPEND_NEWLINE))
                    written += 1
    return written


_WRITERS: dict[str, Callable[[Lake, str, Path, float], dict[str, int]]] = {
    "huggingface": _write_parquet,
    "openai": _write_openai,
    "kto": partial(_write_preferences, kind="kto"),
    "dpo": partial(_write_preferences, kind="dpo"),
}
