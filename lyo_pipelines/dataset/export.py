"""A dataset version in the shapes that other tools read. Nothing here changes a version."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from lyo_pipelines.dataset.contract import SPLITS
from lyo_pipelines.dataset.versions import get_version, read_split
from lyo_pipelines.dataset.written import read_batches
from lyo_pipelines.storage.lake import Lake

if TYPE_CHECKING:
    import datasets


def to_datasets(lake: Lake, segment: str, fingerprint: str) -> datasets.DatasetDict:
    """Return the version as a Hugging Face DatasetDict (train, validation, test), all columns included.

    Nothing is fetched and no cache is written: the three files are loaded as they stand. Raises UnknownVersionError.
    """
    import datasets

    return datasets.DatasetDict(
        {name: datasets.Dataset(read_split(lake, segment, fingerprint, name)) for name in SPLITS}
    )


def to_openai_jsonl(
    lake: Lake, segment: str, fingerprint: str, folder: str | Path, minimum_weight: float = 0.0
) -> dict[str, int]:
    """Write train.jsonl, validation.jsonl and test.jsonl in OpenAI's chat fine-tuning form; return the lines of each.

    One line is {"messages": [{"role", "content"}, …]} ending with the assistant. In that form a message may carry `weight` 0 or 1
    (learn from it or not): earlier assistant turns get 0, because only the last answer was chosen by curation. Our own example
    weight is a fraction and has no place in the form: examples below `minimum_weight` are left out, the others count alike.
    Raises UnknownVersionError.
    """
    version = get_version(lake, segment, fingerprint)
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    temporary = {name: target / f".tmp-{name}.jsonl" for name in SPLITS}
    lines: dict[str, int] = dict.fromkeys(SPLITS, 0)
    handles = {name: path.open("wb") for name, path in temporary.items()}
    try:
        for code, table in read_batches(lake, version.path, ["messages", "weight"]):
            for line in _openai_lines(table.to_pylist(), minimum_weight):
                handles[SPLITS[code]].write(line)
                lines[SPLITS[code]] += 1
    finally:
        for handle in handles.values():
            handle.close()
    for name, path in temporary.items():
        path.replace(target / f"{name}.jsonl")
    return lines


def _openai_lines(rows: list[dict[str, Any]], minimum_weight: float) -> Iterator[bytes]:
    for row in rows:
        if row["weight"] < minimum_weight:
            continue
        *earlier, last = row["messages"]
        messages = [{**message, "weight": 0} if message["role"] == "assistant" else message for message in earlier]
        yield orjson.dumps({"messages": [*messages, last]}, option=orjson.OPT_APPEND_NEWLINE)
