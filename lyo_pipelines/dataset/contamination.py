"""The check that no written example repeats a registered benchmark; it says which, where and how."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import partial

import pyarrow as pa
from pydantic import JsonValue

from lyo_pipelines.config.dataset import DatasetConfig
from lyo_pipelines.dataset.benchmark_overlap import BenchmarkIndex, Hit
from lyo_pipelines.dataset.benchmark_scan import message_hits
from lyo_pipelines.dataset.checks import DatasetCheckResult
from lyo_pipelines.dataset.contract import SPLITS
from lyo_pipelines.dataset.parallel import ordered_map
from lyo_pipelines.dataset.written_version import read_batches
from lyo_pipelines.json_types import JsonObject
from lyo_pipelines.storage.lake import Lake


@dataclass
class _Repeated:
    """A benchmark item that examples repeat: how it was found, and the split of each example."""

    benchmark: str
    item: int
    item_id: str | None
    question: str
    how: set[str] = field(default_factory=set)
    examples: dict[str, str] = field(default_factory=dict)
    conversations: set[str] = field(default_factory=set)

    def listed(self) -> JsonObject:
        """As the check's details name it, with a few of the places."""
        return {
            "benchmark": self.benchmark,
            "item": self.item,
            "item_id": self.item_id,
            "question": self.question,
            "how": [*sorted(self.how)],
            "conversations": [*sorted(self.conversations)[:5]],
            "examples": [{"example_id": one, "split": split} for one, split in sorted(self.examples.items())[:5]],
            "examples_in_all": len(self.examples),
        }


def no_benchmark_overlap(lake: Lake, folder: str, index: BenchmarkIndex, config: DatasetConfig) -> DatasetCheckResult:
    """Search every message of every split for every registered benchmark (words in a row, whole text, source id)."""
    name = "no_benchmark_overlap"
    registered = sorted({benchmark for benchmark, _, _ in index.items})
    if not registered:
        return DatasetCheckResult(
            name,
            True,
            "no benchmark is registered (put files into benchmarks/ of the data directory)",
            {"benchmarks": []},
        )
    found: dict[tuple[str, int], _Repeated] = {}
    examples, conversations, per_benchmark = set[str](), set[str](), Counter[str]()
    batches = read_batches(lake, folder, ["example_id", "conversation_id", "question_id", "messages"])
    for code, ids, hits in ordered_map(partial(_search, index=index), batches):
        for hit in hits:
            example = ids["example_id"][hit.row].as_py()
            conversation = ids["conversation_id"][hit.row].as_py() or example
            item = found.setdefault(
                (hit.benchmark, hit.item),
                _Repeated(hit.benchmark, hit.item, hit.item_id, hit.excerpt),
            )
            item.how.add(hit.how)
            item.examples[example] = SPLITS[code]
            item.conversations.add(conversation)
            examples.add(example)
            conversations.add(conversation)
    for benchmark, _ in found:
        per_benchmark[benchmark] += 1
    listed = [item for _, item in sorted(found.items())[: config.report_items]]
    details: JsonObject = {
        "benchmarks": [*registered],
        "items": len(found),
        "examples": len(examples),
        "conversations": len(conversations),
        "items_by_benchmark": dict[str, JsonValue](sorted(per_benchmark.items())),
        "overlaps": [item.listed() for item in listed],
    }
    if not found:
        return DatasetCheckResult(name, True, f"no overlap with {', '.join(registered)}", details)
    first = listed[0]
    counted = ", ".join(f"{benchmark} {count}" for benchmark, count in sorted(per_benchmark.items()))
    example, split = min(first.examples.items())
    message = (
        f"{len(examples)} examples in {len(conversations)} conversations repeat {len(found)} benchmark items ({counted}), for "
        f"instance {first.benchmark} item {first.item} ({first.question!r}) in example {example} "
        f"({split}). To leave such examples out, set on_overlap: exclude for that benchmark in "
        "benchmarks/benchmarks.yaml of the data directory and build again."
    )
    return DatasetCheckResult(name, False, message, details)


def _search(batch: tuple[int, pa.Table], index: BenchmarkIndex) -> tuple[int, pa.Table, list[Hit]]:
    """Return (split code, ids, hits) of one row group."""
    code, table = batch
    hits = message_hits(table["messages"].combine_chunks(), table["question_id"].combine_chunks(), index)
    return code, table.select(["example_id", "conversation_id"]), hits
