"""Does anything leak between the splits, or from a benchmark? Checks on the written files, one pure function each.

What the builder believed is not consulted: groups, questions and near duplicates are found again from the files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import JsonValue

from lyo_pipelines.config.dataset import DatasetConfig
from lyo_pipelines.dataset.benchmark_overlap import BenchmarkIndex
from lyo_pipelines.dataset.benchmarks import Benchmark, registered_benchmarks
from lyo_pipelines.dataset.checks import DatasetCheckResult, Straddling, in_several_splits, values_in_two_splits
from lyo_pipelines.dataset.contamination import no_benchmark_overlap
from lyo_pipelines.dataset.contract import SPLITS
from lyo_pipelines.dataset.image_leak import no_shared_image
from lyo_pipelines.dataset.leak_search import content, near_pairs, wording
from lyo_pipelines.dataset.proportions import split_proportions
from lyo_pipelines.dataset.versions import get_version
from lyo_pipelines.dataset.written_files import require_whole
from lyo_pipelines.dataset.written_version import WrittenVersion, read_written
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.storage.arrow import give_back
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.working_space import IN_MEMORY, TextSpool

EVERYDAY = 0.8
"""Share of `common_share` from which a word is everybody's: somewhat below, so that the checks object to nothing that only sampling
makes a common part of."""
_AT_ONCE = 5_000
NEAR_CHARACTERS = 8
"""Letters (a number is one) that not everybody says, from which one letter more or less is a near duplicate."""


def leakage_checks(
    lake: Lake,
    segment: str,
    fingerprint: str,
    config: DatasetConfig,
    pseudonyms: Pseudonyms | None = None,
    *,
    mapped_from: int = IN_MEMORY,
) -> list[DatasetCheckResult]:
    """Run all checks on a finished version, against the benchmarks registered now. pseudonyms: as in registered_benchmarks.

    mapped_from: bytes of texts from which on they lie on disk meanwhile.

    Raises UnknownVersionError for a version that is not there, BenchmarkError for a benchmark that cannot be read.
    """
    version = get_version(lake, segment, fingerprint)
    require_whole(lake, version.path, version.manifest)
    return checks_of_folder(lake, version.path, config, registered_benchmarks(lake, pseudonyms), mapped_from)


def checks_of_folder(
    lake: Lake, folder: str, config: DatasetConfig, benchmarks: list[Benchmark], mapped_from: int = IN_MEMORY
) -> list[DatasetCheckResult]:
    """Run all checks on the split files in a folder."""
    written = read_written(lake, folder, EVERYDAY * config.common_share, mapped_from)
    give_back()
    texts = compared_texts(written, config)
    shared = no_shared_image(lake, folder, config.report_items)
    return [
        no_shared_group(written, config),
        *([shared] if shared is not None else []),
        no_shared_question(written, texts, config),
        no_near_duplicate_question(written, texts, config),
        no_benchmark_overlap(lake, folder, BenchmarkIndex(benchmarks, config), config),
        no_giant_group(written, config),
        split_proportions(written.rows["stratum"], written.rows["group_id"], written.split, config),
    ]


def no_shared_group(written: WrittenVersion, config: DatasetConfig) -> DatasetCheckResult:
    """No group and no conversation stands in two splits."""
    found = {
        name: values_in_two_splits(written.rows[name], written.split, written.rows["example_id"], config.report_items)
        for name in ("group_id", "conversation_id")
    }
    return _outcome("no_shared_group", found, "groups or conversations")


class Wordings(Sequence[tuple[str, str]]):
    """Wordings that may lie on disk: (letters, numbers) of each. select: of some of them, by position."""

    def __init__(self, letters: Any, numbers: Any, select: np.ndarray | None = None) -> None:
        """letters, numbers: Arrow texts."""
        self._columns = (letters, numbers)
        self._select = np.arange(len(letters)) if select is None else select

    def __len__(self) -> int:
        return len(self._select)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        for begin in range(0, len(self), _AT_ONCE):
            here = pa.array(self._select[begin : begin + _AT_ONCE])
            yield from zip(*(column.take(here).to_pylist() for column in self._columns), strict=True)

    def __getitem__(self, position: Any) -> Any:
        letters, numbers = self._columns
        row = int(self._select[position])
        return letters[row].as_py(), numbers[row].as_py()

    def at(self, positions: np.ndarray) -> Wordings:
        """Some of them."""
        return Wordings(*self._columns, self._select[positions])

    def digests(self) -> np.ndarray:
        """(N,) int64: the same for the same wording, and for no two others but by a chance of one in 2^64."""
        return np.fromiter((hash(one) for one in self), np.int64, len(self))


@dataclass(frozen=True)
class ComparedTexts:
    """Every text by which two rows can be the same exercise: its row, its wording, and how much of it not everybody says."""

    row: np.ndarray
    wording: Wordings
    content: np.ndarray


def no_shared_question(written: WrittenVersion, texts: ComparedTexts, config: DatasetConfig) -> DatasetCheckResult:
    """No source question id, no question and no exercise in the material stands in two splits, however short."""
    examples = written.rows["example_id"]
    held = np.flatnonzero(in_several_splits(texts.wording.digests(), written.split[texts.row]))
    keys, row = pa.array(["\x1f".join(one) for one in texts.wording.at(held)], pa.string()), texts.row[held]
    found = {
        "question_id": values_in_two_splits(written.rows["question_id"], written.split, examples, config.report_items),
        "text": _unnamed(
            values_in_two_splits(keys, written.split[row], examples.take(pa.array(row)), config.report_items)
        ),
    }
    return _outcome("no_shared_question", found, "questions")


def no_near_duplicate_question(
    written: WrittenVersion, texts: ComparedTexts, config: DatasetConfig
) -> DatasetCheckResult:
    """No question stands in another split but for a few letters; questions of other numbers are other questions."""
    places = np.flatnonzero(texts.content >= NEAR_CHARACTERS)
    split = written.split[texts.row[places]]
    digests = texts.wording.at(places).digests()
    order = np.lexsort((split, digests))  # of equal ones the first place comes first
    new = np.ones(len(order), bool)
    new[1:] = (np.diff(digests[order]) != 0) | (np.diff(split[order]) != 0)
    first = np.sort(order[new])
    places, splits = places[first], split[first].tolist()
    found = list(near_pairs(texts.wording.at(places), texts.content[places].tolist(), splits, written.mapped_from))
    named = sorted({one for pair in found for one in pair})
    ids = dict(zip(named, written.rows["example_id"].take(pa.array(texts.row[places[named]])).to_pylist(), strict=True))
    pairs = sorted(
        (sorted(pair, key=lambda one: (splits[one], ids[one])) for pair in found), key=lambda p: [ids[p[0]], ids[p[1]]]
    )
    items: list[Straddling] = [
        {
            "value": f"pair {number}",
            "splits": [SPLITS[splits[one]] for one in pair],
            "examples": [{"split": SPLITS[splits[one]], "example_id": ids[one]} for one in pair],
        }
        for number, pair in enumerate(pairs[: config.report_items], 1)
    ]
    return _outcome("no_near_duplicate_question", {"near": (len(pairs), items)}, "near-duplicate questions")


def compared_texts(written: WrittenVersion, config: DatasetConfig) -> ComparedTexts:
    """Choose the texts of a version that are compared."""
    enough, later = config.question_min_characters, config.later_question_min_characters
    measured: dict[str, tuple[tuple[str, str], int]] = {}

    def read(text: str) -> int:
        if text not in measured:
            found = wording(text)
            measured[text] = (found, content(text, found[0], written.everyday))
        return measured[text][1]

    rows, contents = list[np.ndarray](), list[np.ndarray]()
    letters, numbers = TextSpool(written.mapped_from), TextSpool(written.mapped_from)
    every = np.arange(len(written.split))
    for begin in range(0, len(every), _AT_ONCE):
        row, texts = list[int](), list[str]()
        for number, asked in enumerate(written.asked.at(every[begin : begin + _AT_ONCE]), begin):
            first, last = read(asked.first), read(asked.last)
            chosen = set[str]()
            if read(asked.context) >= enough:
                chosen.add(asked.context)
            if not asked.late and first >= enough:
                chosen.add(asked.first)
            if asked.alone and not asked.late and asked.last and not asked.context and (first or not asked.linked):
                chosen.add(asked.last)
            if last >= later:
                chosen.add(asked.last)
            row += [number] * len(chosen)
            texts += sorted(chosen)
        kept = [measured[text] for text in texts]
        letters.add(pa.array([one[0] for one, _ in kept], pa.large_string()))
        numbers.add(pa.array([one[1] for one, _ in kept], pa.large_string()))
        contents.append(np.array([size for _, size in kept], np.int32))
        rows.append(np.array(row, np.int64))
        measured.clear()
    wordings = Wordings(letters.texts(), numbers.texts())
    return ComparedTexts(np.concatenate(rows), wordings, np.concatenate(contents))


def _unnamed(found: tuple[int, list[Straddling]]) -> tuple[int, list[Straddling]]:
    """The findings without their texts: a report holds no user's words."""
    return found[0], [{**item, "value": f"text {number}"} for number, item in enumerate(found[1], 1)]


def no_giant_group(written: WrittenVersion, config: DatasetConfig) -> DatasetCheckResult:
    """No group holds more than its allowed share of the data: a giant one means that something ties unrelated examples."""
    total = written.rows.num_rows
    counts = written.rows.group_by("group_id").aggregate([("group_id", "count")])
    counts = counts.sort_by([("group_id_count", "descending"), ("group_id", "ascending")]).slice(0, 5).to_pylist()
    share = counts[0]["group_id_count"] / total if counts else 0.0
    passed = share <= config.largest_group_share
    message = f"the largest group holds {share:.1%} of the examples (allowed: {config.largest_group_share:.0%})"
    if not passed:
        message += f": {counts[0]['group_id']}. Look what its questions have in common; a boilerplate opening is the usual cause."
    largest: list[JsonValue] = [{"group_id": row["group_id"], "examples": row["group_id_count"]} for row in counts]
    details = {"largest": largest, "share": round(share, 6)}
    return DatasetCheckResult("no_giant_group", passed, message, details, blocking=False)  # lopsided, but nothing leaks


def _outcome(name: str, found: dict[str, tuple[int, list[Straddling]]], what: str) -> DatasetCheckResult:
    total = sum(count for count, _ in found.values())
    listed = [(kind, item) for kind, (_, items) in found.items() for item in items]
    if not listed:
        return DatasetCheckResult(name, True, f"no {what} in two splits", {"found": 0})
    kind, first = listed[0]
    examples = ", ".join(example["example_id"] for example in first["examples"])
    message = f"{total} {what} stand in two splits, for instance {kind} {first['value']} (examples {examples})"
    items: list[JsonValue] = [{"kind": kind, **item} for kind, item in listed]  # pyright: ignore[reportAssignmentType]
    return DatasetCheckResult(name, False, message, {"found": total, "items": items})
