"""Where a person is: rows, feedback, versions of data, adapters, reports, exports, originals. Only looking; nothing is changed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pyarrow as pa

from lyo_pipelines.contracts.adapter import MANIFEST as ADAPTER_MANIFEST
from lyo_pipelines.contracts.adapter import AdapterManifest
from lyo_pipelines.contracts.dataset import MANIFEST
from lyo_pipelines.contracts.document import DocumentError
from lyo_pipelines.dataset.contract import SPLITS
from lyo_pipelines.dataset.preferences.contract import KINDS
from lyo_pipelines.dataset.preferences.contract import SPLITS as PREFERENCE_SPLITS
from lyo_pipelines.erasure.needles import told_apart
from lyo_pipelines.erasure.originals import Originals, find_originals
from lyo_pipelines.interactions.contract import MATCH_KEYS
from lyo_pipelines.interactions.pseudonyms import Pseudonyms, is_pseudonym
from lyo_pipelines.interactions.store.tombstones import read_tombstones
from lyo_pipelines.registry.log import read_all
from lyo_pipelines.registry.state import Release
from lyo_pipelines.storage.arrow import pc
from lyo_pipelines.storage.lake import Lake, NotLocalError

_IDS = ("interaction_id", "user_pseudonym")
_CURATED = ("/part.parquet", "/disliked.parquet")


@dataclass(frozen=True)
class TaintedAdapter:
    """An adapter that learnt from an erased person. examples: of theirs; serves: whom ("": nobody); seconds, cost: of training."""

    segment: str
    version: str
    examples: int
    serves: str
    seconds: float
    cost: float
    currency: str

    @property
    def name(self) -> str:
        """Segment and version."""
        return f"{self.segment}/{self.version}"


@dataclass
class Reach:
    """All that was found. people: pseudonyms; names: ids as they were given that can be searched for in texts.

    unknown: given ids of whom nothing is known; again: of how many only a tombstone is left.

    landed: path -> rows; fed_back: the same of feedback about their interactions; days: of their interactions.
    curated: the same of curated rows of days whose interactions are gone (retention), which nobody can make again.
    versions, preferences: (segment, fingerprint) -> rows of theirs by split.
    """

    people: frozenset[str]
    names: frozenset[str] = frozenset()
    unknown: tuple[str, ...] = ()
    again: int = 0
    landed: dict[str, int] = field(default_factory=dict[str, int])
    fed_back: dict[str, int] = field(default_factory=dict[str, int])
    curated: dict[str, int] = field(default_factory=dict[str, int])
    days: set[date] = field(default_factory=set[date])
    interactions: set[str] = field(default_factory=set[str])
    examples: set[str] = field(default_factory=set[str])
    keys: np.ndarray = field(default_factory=lambda: np.empty(0, np.uint64))
    versions: dict[tuple[str, str], dict[str, int]] = field(default_factory=dict[tuple[str, str], dict[str, int]])
    preferences: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    adapters: list[TaintedAdapter] = field(default_factory=list[TaintedAdapter])
    originals: Originals = field(default_factory=Originals)

    @property
    def needles(self) -> frozenset[str]:
        """What stands for them in texts."""
        return self.people | self.names

    @property
    def rows(self) -> int:
        """Landed interactions."""
        return sum(self.landed.values())


def find_reach(lake: Lake, users: Sequence[str], pseudonyms: Pseudonyms) -> Reach:
    """Look everywhere. users: raw ids or pseudonyms."""
    named = {user: user if is_pseudonym(user) else pseudonyms.of(user.strip()) or "" for user in users if user.strip()}
    reach = Reach(frozenset(named.values()), told_apart(named))
    met = _find_rows(lake, reach)
    met |= _find_examples(lake, reach)
    _find_versions(lake, reach)
    _find_adapters(lake, reach)
    reach.originals = find_originals(lake, reach.landed, reach.fed_back, reach.keys, reach.people, reach.needles)
    tombstones = read_tombstones(lake)
    again = {user for user, one in named.items() if one not in met and tombstones.holds(one, pseudonyms)}
    reach.again = len(again)
    reach.unknown = tuple(user for user, one in named.items() if one not in met and user not in again)
    return reach


def theirs(table: pa.Table, column: str, values: frozenset[str] | set[str]) -> np.ndarray:
    """Mask of the rows whose column holds one of the values."""
    found = pc.is_in(table[column], value_set=pa.array(sorted(values), pa.string()))
    return found.to_numpy(zero_copy_only=False).astype(bool)


def days_tables(lake: Lake, stage: str) -> Iterator[tuple[date, str]]:
    """(day, path) of every Parquet file of a stage."""
    for day in lake.days(stage, name=""):
        folder = lake.path(stage, f"date={day.isoformat()}")
        for name in lake.names(folder):
            if name.endswith(".parquet"):
                yield day, f"{folder}/{name}"


def _find_rows(lake: Lake, reach: Reach) -> set[str]:
    """Fill in landed rows, their keys and the feedback about them; which of the people were met."""
    met, keys, shared = set[str](), list[np.ndarray](), list[np.ndarray]()
    for day, path in days_tables(lake, "landing"):
        table = lake.read_table(path, columns=[*_IDS, *MATCH_KEYS])
        mask = theirs(table, "user_pseudonym", reach.people)
        if not mask.any():
            continue
        mine, others = table.filter(pa.array(mask)), table.filter(pa.array(~mask))
        reach.landed[path] = len(mine)
        reach.days.add(day)
        reach.interactions |= set(mine["interaction_id"].to_pylist())
        met |= set(mine["user_pseudonym"].to_pylist())
        keys += [mine[name].drop_null().to_numpy() for name in MATCH_KEYS]
        shared += [others[name].drop_null().to_numpy() for name in MATCH_KEYS[1:]]
    for day, path in days_tables(lake, "interactions"):
        table = lake.read_table(path, columns=list(_IDS))
        mine = table.filter(pa.array(theirs(table, "user_pseudonym", reach.people)))
        if len(mine):
            reach.days.add(day)
            reach.interactions |= set(mine["interaction_id"].to_pylist())
            met |= set(mine["user_pseudonym"].to_pylist())
    for name in lake.names(lake.path("rejected")):
        raw = " ".join(filter(None, lake.read_table(lake.path("rejected", name), columns=["raw"])["raw"].to_pylist()))
        met |= {one for one in reach.people if one in raw}
    if keys:
        everyones = np.concatenate([np.empty(0, np.uint64), *shared])
        reach.keys = np.setdiff1d(np.unique(np.concatenate(keys)), everyones)
    for stage in ("feedback", "feedback_for"):
        for _, path in days_tables(lake, stage):
            count = int(
                np.isin(lake.read_table(path, columns=["target_key"])["target_key"].to_numpy(), reach.keys).sum()
            )
            if count:
                reach.fed_back[path] = count
    return met


def _find_examples(lake: Lake, reach: Reach) -> set[str]:
    """Fill in their examples, and those of days without interactions; which of the people were met there."""
    met = set[str]()
    for day, path in days_tables(lake, "examples"):
        if not path.endswith(_CURATED):
            continue
        table = lake.read_table(path, columns=["example_id", *_IDS])
        mask = theirs(table, "user_pseudonym", reach.people) | theirs(table, "interaction_id", reach.interactions)
        mine = table.filter(pa.array(mask))
        reach.examples |= set(mine["example_id"].to_pylist())
        if len(mine) and not lake.exists(lake.interactions(day)):
            reach.curated[path] = len(mine)
            reach.interactions |= set(mine["interaction_id"].to_pylist())
            met |= set(mine["user_pseudonym"].to_pylist())
    return met


def _find_versions(lake: Lake, reach: Reach) -> None:
    for segment in lake.names(lake.path("datasets")):
        for fingerprint in lake.names(lake.dataset_dir(segment)):
            folder = lake.dataset_dir(segment, fingerprint)
            if not lake.exists(f"{folder}/{MANIFEST}"):
                continue
            found = Counter[str]()
            for split in SPLITS:
                table = lake.read_table(f"{folder}/{split}.parquet", columns=["example_id", "interaction_id"])
                mask = theirs(table, "interaction_id", reach.interactions) | theirs(table, "example_id", reach.examples)
                found[split] = int(mask.sum())
                reach.examples |= set(table.filter(pa.array(mask))["example_id"].to_pylist())
            if found.total():
                reach.versions[segment, fingerprint] = dict(found)
    for segment in lake.names(lake.path("preferences")):
        for fingerprint in lake.names(lake.preferences_dir(segment)):
            folder = lake.preferences_dir(segment, fingerprint)
            if not lake.exists(f"{folder}/{MANIFEST}"):
                continue
            count = 0
            for kind in KINDS:
                for split in PREFERENCE_SPLITS:
                    count += int(preferences_mask(lake.read_table(f"{folder}/{kind}_{split}.parquet"), reach).sum())
            if count:
                reach.preferences[segment, fingerprint] = count


def preferences_mask(table: pa.Table, reach: Reach) -> np.ndarray:
    """Rows of preference data in which one of the answers is theirs."""
    mask = theirs(table, "example_id", reach.examples)
    if "rejected_example_id" in table.column_names:
        mask |= theirs(table, "rejected_example_id", reach.examples)
    return mask


def _find_adapters(lake: Lake, reach: Reach) -> None:
    """Adapters that were trained or tuned on their examples, or that started from such a one."""
    manifests = dict[tuple[str, str], AdapterManifest]()
    try:
        root = lake.local(lake.path("adapters"))
    except NotLocalError:
        return
    for segment in lake.names(lake.path("adapters")):
        for version in lake.names(lake.adapter_dir(segment)):
            path = root / segment / version / ADAPTER_MANIFEST
            if path.is_file():
                try:
                    manifests[segment, version] = AdapterManifest.read(path)
                except DocumentError:
                    continue
    learnt: dict[tuple[str, str], int] = defaultdict(int)
    for key, manifest in manifests.items():
        data = reach.versions.get((key[0], manifest.dataset_fingerprint), {})
        learnt[key] += data.get("train", 0) + data.get("validation", 0)
        if manifest.preference_fingerprint:
            learnt[key] += reach.preferences.get((key[0], manifest.preference_fingerprint), 0)
    for _ in manifests:  # from parent to child, however long the line is
        for key, manifest in manifests.items():
            if manifest.start_from and not learnt[key]:
                learnt[key] = learnt[key[0], manifest.start_from]
    releases = {segment: history.release for segment, history in read_all(lake)[0].items()}
    reach.adapters = [
        TaintedAdapter(
            *key, learnt[key], _serves(releases.get(key[0]), key[1]), manifest.metrics.seconds, manifest.cost.amount,
            manifest.cost.currency,
        )
        for key, manifest in sorted(manifests.items())
        if learnt[key]
    ]  # fmt: skip


def _serves(release: Release | None, version: str) -> str:
    if release is None:
        return ""
    if release.champion == version:
        return "everybody" if not release.in_canary else f"everybody but the {release.share:.0%} of the release"
    if release.candidate == version and release.in_canary:
        return f"{release.share:.0%} of the people (a release in progress)"
    return "nobody now, and does not come back" if version in release.formers else ""
