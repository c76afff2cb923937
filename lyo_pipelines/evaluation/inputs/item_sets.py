"""The items that collateral damage is looked for on: test items of other segments, and the general set. Asking is the engine's."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from lyo_pipelines.config.evaluation import CollateralConfig
from lyo_pipelines.contracts.dataset import DataManifest
from lyo_pipelines.dataset.scope import is_below
from lyo_pipelines.dataset.versions import latest_version
from lyo_pipelines.evaluation.inputs.items import Item, TestSplitError, choose_items, read_items
from lyo_pipelines.segments import SegmentKeyError, parse_parent
from lyo_pipelines.storage.lake import Lake, NotLocalError
from lyo_pipelines.storage.local_copies import fetched_files

GENERAL = "general"
_FILE = Path(__file__).parent / "general.yaml"


@dataclass(frozen=True)
class ItemSet:
    """Items that the candidate was not trained for. name: a segment, or GENERAL; answers: whether they are asked, not only read."""

    name: str
    items: tuple[Item, ...]
    answers: bool = False


@cache
def general_set() -> ItemSet:
    """The fixed set of general questions; every one is a group of its own."""
    rows = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    items = [
        Item(
            item_id=f"general-{row['id']}",
            group_id=f"general-{row['id']}",
            prompt=(("user", row["question"]),),
            reference=row["answer"],
            language=row["language"],
            reference_answer=row["result"],
        )
        for row in rows
    ]
    return ItemSet(GENERAL, tuple(items), answers=True)


def item_sets(lake: Lake | None, manifest: DataManifest, config: CollateralConfig) -> tuple[ItemSet, ...]:
    """The sets for one candidate. manifest: of its dataset; what that holds, and what lies above or below it, is no collateral."""
    others = other_segments(lake, manifest)[: config.segments] if lake is not None else []
    sets = [ItemSet(key, tuple(choose_items(read_items(folder), config.items))) for key, folder in others]
    return (*sets, *([general_set()] if config.general else []))


def other_segments(lake: Lake, manifest: DataManifest) -> list[tuple[str, Path]]:
    """Every other segment with a test set, and the folder of its dataset: one of each task and language first, by name."""
    ours = {manifest.segment, *manifest.segments}
    found: dict[tuple[str, str], list[tuple[str, Path]]] = {}
    for key in lake.names(lake.path("datasets")):
        if any(is_below(key, mine) or is_below(mine, key) for mine in ours) or (kind := _kind(key)) is None:
            continue
        if (folder := _dataset(lake, key)) is not None:
            found.setdefault(kind, []).append((key, folder))
    turns = max(map(len, found.values()), default=0)
    return [members[turn] for turn in range(turns) for _, members in sorted(found.items()) if turn < len(members)]


def _kind(key: str) -> tuple[str, str] | None:
    try:
        parsed = parse_parent(key)
    except SegmentKeyError:
        return None
    return parsed.task, parsed.language or ""


def _dataset(lake: Lake, key: str) -> Path | None:
    """The folder of a segment's own newest dataset, where it has test items."""
    version = latest_version(lake, key)
    if version is None or version.segment != key:  # a parent's would be counted twice
        return None
    try:
        folder = fetched_files(lake, version.path)
        read_items(folder)
    except (TestSplitError, NotLocalError):
        return None
    return folder
