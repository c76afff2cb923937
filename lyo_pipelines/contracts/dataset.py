"""manifest.json of a folder of training data: what it was made of, so that no program has to open its Parquet files.

Two kinds of folder have one: a dataset version (three splits) and preference data (labels and pairs). Training needs only what
both say, and reads either as a DataManifest. Making them and showing them to people belongs to dataset/.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import AfterValidator, ConfigDict, Field, JsonValue, PlainSerializer

from lyo_pipelines.contracts.document import Document, DocumentError, DocumentPart
from lyo_pipelines.json_types import JsonObject

MANIFEST = "manifest.json"
"""Its name in the folder. It is written last: a folder without it is no finished version."""

Moment = Annotated[
    datetime,
    AfterValidator(lambda moment: moment if moment.tzinfo else moment.replace(tzinfo=UTC)),
    PlainSerializer(lambda moment: moment.isoformat(), return_type=str),
]
"""A point in time, in UTC where the text names no zone."""

_UNKNOWN_TIME = datetime(1970, 1, 1, tzinfo=UTC)


class FileRecord(DocumentPart):
    """One Parquet file of the folder as it was written."""

    rows: int
    bytes: int
    sha256: str


class DataManifest(Document):
    """What every folder of training data says of itself.

    segment: the key that it was made for (a segment, a parent or a mixture); segments: curated examples of each segment in it, empty
    in files written before parents existed. remembers: the versions whose decisions about splits it took over, as
    `<key>/<fingerprint>` or `preferences:<key>/<fingerprint>`. row_figures: every figure that chose, changed, weighed or split the
    rows, `section.name` -> value. files: name -> what was written; empty in files of before. tainted: why nothing that learns from it
    may serve anybody ("canaries": it is a privacy audit's copy); "" for every other one.
    """

    KIND: ClassVar[str] = "manifest of training data"
    VERSION: ClassVar[int] = 1
    VERSION_FIELD: ClassVar[str] = "manifest_version"
    IF_MISSING: ClassVar[str] = "Its build did not finish: materialize it again."

    manifest_version: int = VERSION
    segment: str
    fingerprint: str
    created_at: Moment = _UNKNOWN_TIME  # a folder that was put together by hand does not say
    segments: dict[str, int] = Field(default_factory=dict)
    remembers: tuple[str, ...] = ()
    row_figures: JsonObject = Field(default_factory=dict)  # not named at first
    files: dict[str, FileRecord] = Field(default_factory=dict, exclude_if=lambda files: not files)
    tainted: str = Field(default="", exclude_if=lambda why: not why)

    def require_files(self, folder: Path) -> None:
        """Raise DocumentError, which names the file, where one of the folder is missing or not as long as it was written."""
        for name, file in self.files.items():
            path = folder / name
            size = path.stat().st_size if path.is_file() else None
            if size != file.bytes:
                found = "is missing" if size is None else f"has {size:,} bytes instead of {file.bytes:,}"
                raise DocumentError(f"{path} {found}.", hint="Build it again: the same examples give the same files.")

    @classmethod
    def upgraded(cls, data: JsonObject, version: int) -> JsonObject:
        """Names that stand alone in `remembers` are versions of the same key: that was all there was before parents existed."""
        named = data.get("remembers", [])
        if isinstance(named, list):
            named = [name if "/" in str(name) else f"{data['segment']}/{name}" for name in named]
        return {**data, "remembers": named}

    @property
    def segment_keys(self) -> tuple[str, ...]:
        """Keys of the segments in it, sorted; its own key where it names none."""
        return tuple(sorted(self.segments)) or (self.segment,)

    @property
    def tasks(self) -> frozenset[str]:
        """Tasks of the segments in it."""
        return frozenset(key.partition(".")[0] for key in self.segment_keys)


class TaskFormatRecord(DocumentPart):
    """The task formats that the chats were written in; several are joined by "+"."""

    task: str
    version: str


class LargeGroup(DocumentPart):
    """One of the largest groups; share: of all examples."""

    group_id: str
    split: str
    examples: int
    share: float


class GroupCounts(DocumentPart):
    """Groups (what is never in two splits): how many, by split, and where their split comes from."""

    groups: int
    by_split: dict[str, int]
    new: int
    known: int
    merged_into_held_out: int
    largest: tuple[LargeGroup, ...]


class NearDuplicateCounts(DocumentPart):
    """Clusters of near-duplicate question texts. largest: texts in the largest cluster."""

    distinct_texts: int
    clusters_of_several: int
    texts_in_them: int
    largest: int


class FunnelStep(DocumentPart):
    """What one rule removed, and what remained after it."""

    rule: str = ""
    removed: int
    remaining: int


class CheckRecord(DocumentPart):
    """The outcome of one check of the written files. details: each check's own evidence."""

    name: str
    passed: bool
    message: str
    details: JsonObject = Field(default_factory=dict)
    blocking: bool = True


class BenchmarkRecord(DocumentPart):
    """A benchmark that was registered when the version was made."""

    name: str
    items: int
    on_overlap: str


class RuleVersions(DocumentPart):
    """The rules of that time: version of curation's, names of the pool's."""

    curation: int
    pool: tuple[str, ...]


class DatasetSettings(DocumentPart):
    """The dataset's configuration as it was then; only what the card shows is named, all of it is kept."""

    model_config = ConfigDict(extra="allow")  # those of another version of this program

    licence: str = ""
    contact: str = ""


class DatasetManifest(DataManifest):
    """One dataset version. counts: examples by split; strata: by stratum (largest first), then by split; lengths: quantiles.

    validity: by split, how many are current, expired, not_yet valid or "not said" (they hold always); empty where nobody says anything
    of any. expires: last day on which they hold (ISO) -> examples of the train split. images: by split, how many show pictures; empty
    where none does.
    """

    KIND: ClassVar[str] = "manifest of a dataset version"

    task_format: TaskFormatRecord
    parent: str | None
    counts: dict[str, int]
    strata_by: tuple[str, ...]
    strata: dict[str, dict[str, int]]
    strata_not_listed: int
    examples_by_day: dict[str, int]
    lengths: dict[str, dict[str, float]]
    groups: GroupCounts
    near_duplicates: NearDuplicateCounts
    source_days: tuple[str, ...]
    document_sets: tuple[str, ...] = ()  # there were none before documents could be read
    interactions_read: int | None
    examples_read_by_day: dict[str, int] = Field(default_factory=dict)  # not counted by day at first
    funnel: tuple[FunnelStep, ...]
    removed_by_rule: dict[str, int]
    leakage: tuple[CheckRecord, ...]
    benchmarks: tuple[BenchmarkRecord, ...]
    rule_versions: RuleVersions
    figures: DatasetSettings
    validity: dict[str, dict[str, int]] = Field(default_factory=dict, exclude_if=lambda validity: not validity)
    expires: dict[str, int] = Field(default_factory=dict, exclude_if=lambda expires: not expires)
    images: dict[str, int] = Field(default_factory=dict, exclude_if=lambda images: not images)

    @classmethod
    def upgraded(cls, data: JsonObject, version: int) -> JsonObject:
        """A folder that was put together by hand (no version) may say its key and fingerprint alone."""
        data = super().upgraded(data, version)
        return {**_BY_HAND, **data} if version == 0 else data

    @property
    def examples_read(self) -> int:
        """Examples that it was made from, before its first rule removed any."""
        return self.funnel[0].removed + self.funnel[0].remaining if self.funnel else 0


def figure_text(value: JsonValue) -> str:
    """A figure as people read it: lists by commas, an empty one as "none"."""
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(figure_text(one) for one in value) or "none"
    return str(value)


class PreferenceSettings(DocumentPart):
    """The configuration that chose the preferences, as it was then."""

    model_config = ConfigDict(extra="allow")  # those of another version of this program

    good_rating: float | None = None
    bad_rating: float | None = None


class PreferenceManifest(DataManifest):
    """Preference data. answers: read; held_out: of them, left out as test items. expired: left out of the train split as they hold
    no more, or not yet; pictured: left out as their questions show pictures, which no preference tuning here sees. The others:
    {split: {kind: how many}}.

    kto: labels, kto_before_balancing: before good and bad ones were made as many as each other; dpo: pairs.
    """

    KIND: ClassVar[str] = "manifest of preference data"

    answers: int
    held_out: int
    expired: int = Field(default=0, exclude_if=lambda expired: not expired)
    pictured: int = Field(default=0, exclude_if=lambda pictured: not pictured)
    kto: dict[str, dict[str, int]]
    kto_before_balancing: dict[str, dict[str, int]]
    dpo: dict[str, dict[str, int]]
    figures: PreferenceSettings

    @property
    def by_method(self) -> dict[str, dict[str, dict[str, int]]]:
        """What each method learns from: {method: {split: {kind: how many}}}."""
        return {"kto": self.kto, "dpo": self.dpo}


_BY_HAND: Mapping[str, JsonValue] = {
    "task_format": {"task": "", "version": ""},
    "parent": None,
    "counts": {},
    "strata_by": [],
    "strata": {},
    "strata_not_listed": 0,
    "examples_by_day": {},
    "lengths": {},
    "groups": {"groups": 0, "by_split": {}, "new": 0, "known": 0, "merged_into_held_out": 0, "largest": []},
    "near_duplicates": {"distinct_texts": 0, "clusters_of_several": 0, "texts_in_them": 0, "largest": 0},
    "source_days": [],
    "interactions_read": None,
    "funnel": [],
    "removed_by_rule": {},
    "leakage": [],
    "benchmarks": [],
    "rule_versions": {"curation": 0, "pool": []},
    "figures": {},
}
"""What a dataset version says of itself when nothing was counted."""
