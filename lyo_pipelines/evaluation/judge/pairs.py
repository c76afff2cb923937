"""Pairs of answers of which people said which is better: what a judge has to agree with. They come from preference data."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass

from lyo_pipelines.dataset.errors import UnknownVersionError
from lyo_pipelines.dataset.preferences.contract import SPLITS
from lyo_pipelines.dataset.preferences.versions import latest_preferences
from lyo_pipelines.segments import parse_parent
from lyo_pipelines.storage.lake import Lake


@dataclass(frozen=True)
class RatedPair:
    """Two answers to one question; people rated `better` well and `worse` badly, or made the one out of the other."""

    key: str
    group_id: str
    task: str
    language: str
    question: str
    better: str
    worse: str


def rated_pairs(lake: Lake, segment: str, maximum: int) -> tuple[RatedPair, ...]:
    """At most so many pairs of the segment's newest preference data, spread over its languages; none where there is no such data.

    Preference data holds no test item.
    """
    try:
        version = latest_preferences(lake, segment)
    except UnknownVersionError:
        return ()
    by_language: dict[str, list[RatedPair]] = defaultdict(list)
    for split in SPLITS:
        for row in lake.read_table(f"{version.path}/dpo_{split}.parquet").to_pylist():
            of = parse_parent(row["segment"] or segment)
            said = [message["content"] for message in row["messages"] if message["role"] == "user"]
            key = hashlib.sha256(f"{row['example_id']} {row['rejected_example_id']} {row['kind']}".encode()).hexdigest()
            language, question = of.language or "unknown", said[-1] if said else ""
            pair = RatedPair(key, row["group_id"], of.task, language, question, row["chosen"], row["rejected"])
            by_language[language].append(pair)
    members = [sorted(found, key=lambda pair: pair.key) for _, found in sorted(by_language.items())]
    turns = max(map(len, members), default=0)
    spread = [found[turn] for turn in range(turns) for found in members if turn < len(found)]
    return tuple(spread[:maximum])
