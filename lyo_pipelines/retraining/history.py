"""What happened to a segment before: its last training, the launches, the last report. Reading and remembering, no decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import date, datetime
from itertools import takewhile
from typing import Any, Literal

from lyo_pipelines.contracts.dataset import DatasetManifest
from lyo_pipelines.contracts.document import DocumentError
from lyo_pipelines.contracts.report import Report
from lyo_pipelines.dataset.errors import UnknownVersionError
from lyo_pipelines.dataset.versions import Version, get_version
from lyo_pipelines.json_types import JsonObject
from lyo_pipelines.storage.damage import DamagedFileError
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.small_files import read_object
from lyo_pipelines.training.plan import TrainingResult
from lyo_pipelines.training.tainted import read_tainted, tainted_path
from lyo_pipelines.training.versions import DamagedPointerError, NoAdapterError, latest_adapter

RunStatus = Literal["running", "succeeded", "failed", "canceled"]
"""canceled: a person stopped it, so it is not tried again."""

_TRAINED = "trained.json"
_REPORTED = "reported.json"


@dataclass(frozen=True)
class Training:
    """The segment's last training: when its dataset was made, of how many curated examples, of which topics and grades.

    by_day: the same examples by day; empty where the dataset is older than that it was kept. tainted_since: when somebody was erased
    from whom it had learnt, "" where nobody was. learnt: examples of the train split (0: not known); expires: last day on which they
    hold -> how many of them, where anybody says.
    """

    at: datetime
    version: str
    fingerprint: str
    examples: int
    topics: dict[str, int] = field(default_factory=dict)
    grades: dict[str, int] = field(default_factory=dict)
    by_day: dict[str, int] = field(default_factory=dict)
    tainted_since: str = ""
    learnt: int = 0
    expires: dict[str, int] = field(default_factory=dict)

    def expired_before(self, today: date) -> list[tuple[date, int]]:
        """(last day, examples) of what holds no more today, oldest first."""
        days = sorted((date.fromisoformat(day), count) for day, count in self.expires.items())
        return [(day, count) for day, count in days if day < today]


@dataclass(frozen=True)
class Launch:
    """One retraining that a trigger launched; `causes` are the identities of its causes, `kinds` their kinds."""

    launch: str
    attempt: int
    segment: str
    at: datetime
    status: RunStatus
    causes: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    run_id: str = ""


@dataclass(frozen=True)
class Reported:
    """What the last report says of languages: share of `n` test answers in the right one, and which the adapter made worse."""

    version: str
    language_match: float
    n: int
    worse_languages: tuple[str, ...] = ()


@dataclass(frozen=True)
class TrainingHistory:
    """All that `decide` knows of the past of one segment.

    launches: newest first. running: a training of the segment is queued or runs, whoever launched it. covered_subjects,
    covered_languages: of the adapters of all segments. new: curated examples that were not in the last training, where it is known
    by day.
    """

    training: Training | None = None
    launches: tuple[Launch, ...] = ()
    running: bool = False
    reported: Reported | None = None
    covered_subjects: frozenset[str] = frozenset()
    covered_languages: frozenset[str] = frozenset()
    new: int | None = None

    def new_examples(self, examples: int) -> int | None:
        """How many of the segment's examples its last training has not seen (all of them, when it was never trained).

        None: fewer are there than it was trained on, so some went, and how many came since is not known.
        """
        more = examples - (self.training.examples if self.training else 0)
        known = more if more >= 0 else None
        return known if self.new is None else self.new

    @property
    def failed_in_row(self) -> int:
        """Launches that failed since the last one that did not."""
        failed = takewhile(lambda launch: launch.status == "failed", self.launches)
        return sum(1 for _ in failed)

    @property
    def last(self) -> datetime | None:
        """When the segment was last trained or launched (failed launches do not count)."""
        times = [launch.at for launch in self.launches if launch.status != "failed"]
        return max([*times, *([self.training.at] if self.training else [])], default=None)


def record_training(lake: Lake, adapter: TrainingResult, dataset: Version) -> None:
    """Keep the few figures of a finished training that every tick needs, so that no tick opens whole manifests."""
    _remember(lake, adapter.segment, _learnt(adapter.version, dataset))


def record_report(lake: Lake, segment: str, version: str, report: Report) -> None:
    """Keep what triggers need of a finished report."""
    found = report.models["candidate"].get("language_match")
    if found is not None and found.value is not None:
        told = {
            "version": version,
            "language_match": found.value,
            "n": found.n,
            "worse_languages": _worse(report),
        }
        lake.write_json(told, f"{lake.report_dir(segment)}/{_REPORTED}")


def _worse(report: Report) -> list[str]:
    """Languages on whose slice the adapter was found worse than the base or the champion in anything."""
    slices = [part for part in report.slices if part.dimension == "language"]
    return sorted({p.value for p in slices if any(c.a == "candidate" and c.verdict == "worse" for c in p.comparisons)})


def read_trainings(lake: Lake, troubles: dict[str, str] | None = None) -> dict[str, Training]:
    """The last training of every segment that has an adapter. troubles: is told, by segment, why nobody can tell which it was."""
    found, tainted = {}, _tainted(lake, troubles)
    for segment in lake.names(lake.path("adapters")):
        try:
            training = _last(lake, segment)
        except (DamagedPointerError, DocumentError, DamagedFileError) as error:
            if troubles is not None:
                troubles[segment] = str(error)
            continue
        if training is not None:
            since = tainted.get(f"{segment}/{training.version}", "")
            found[segment] = replace(training, tainted_since=since)
    return found


def _tainted(lake: Lake, troubles: dict[str, str] | None) -> dict[str, str]:
    """`<segment>/<version>` -> since when it is tainted."""
    try:
        return {name: str(told.get("since", "")) for name, told in read_tainted(lake).items()}
    except DamagedFileError as error:
        if troubles is not None:
            troubles[tainted_path(lake)] = str(error)
        return {}


def read_reports(lake: Lake, segments: Sequence[str], troubles: dict[str, str] | None = None) -> dict[str, Reported]:
    """What the last report said, for those of the segments that have one. troubles: is told, by segment, what cannot be read."""
    found = {}
    for segment in segments:
        path = f"{lake.report_dir(segment)}/{_REPORTED}"
        try:
            found[segment] = _reported(read_object(lake, path))
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (DamagedFileError, ValueError, TypeError, KeyError) as error:
            if troubles is not None:
                says = error.message if isinstance(error, DamagedFileError) else f"{path} is damaged: {error}"
                troubles[segment] = f"{says}. Languages are not judged until its next report."
    return found


def _reported(told: JsonObject) -> Reported:
    values: dict[str, Any] = {one.name: told[one.name] for one in fields(Reported) if one.name in told}
    worse = tuple(map(str, values.get("worse_languages", ())))
    match, n = float(values["language_match"]), int(values["n"])
    return Reported(**{**values, "language_match": match, "n": n, "worse_languages": worse})


def _last(lake: Lake, segment: str) -> Training | None:
    try:
        return _training(read_object(lake, f"{lake.adapter_dir(segment)}/{_TRAINED}"))
    except (
        FileNotFoundError,
        NotADirectoryError,
        DamagedFileError,
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
    ):
        pass  # missing or broken: made anew
    try:  # trained by hand, or by an earlier version of this project
        adapter = latest_adapter(lake, segment)
        training = _learnt(adapter.version, get_version(lake, segment, adapter.dataset_fingerprint))
    except DamagedPointerError:
        raise
    except (NoAdapterError, UnknownVersionError):
        return None
    with suppress(OSError):  # a full disk, or a folder in its place: it is worked out again next time
        _remember(lake, segment, training)
    return training


def _counts(told: Mapping[str, Any]) -> dict[str, int]:
    return {name: int(n) for name, n in told.items()}


def _training(told: JsonObject) -> Training:
    """A training as its file tells it; what a later version of this project added is left out."""
    values: dict[str, Any] = {one.name: told[one.name] for one in fields(Training) if one.name in told}
    at = datetime.fromisoformat(values["at"])
    if at.tzinfo is None:
        raise ValueError("a time without a zone")
    counts = {name: _counts(value) for name, value in values.items() if isinstance(value, dict)}
    return Training(**{**values, **counts, "at": at, "examples": int(values["examples"])})


def _remember(lake: Lake, segment: str, training: Training) -> None:
    lake.write_json({**asdict(training), "at": training.at.isoformat()}, f"{lake.adapter_dir(segment)}/{_TRAINED}")


def _learnt(version: str, dataset: Version) -> Training:
    manifest = dataset.manifest
    return Training(
        at=manifest.created_at,
        version=version,
        fingerprint=dataset.fingerprint,
        examples=manifest.examples_read,
        topics=_marginal(manifest, "topic"),
        grades=_marginal(manifest, "grade"),
        by_day=manifest.examples_read_by_day,
        learnt=manifest.counts.get("train", 0),
        expires=manifest.expires,
    )


def _marginal(manifest: DatasetManifest, dimension: str) -> dict[str, int]:
    """Examples per value of one dimension of the dataset's strata ("en · math · 10 · arithmetic")."""
    names = manifest.strata_by
    if dimension not in names:
        return {}
    at, found = names.index(dimension), dict[str, int]()
    for stratum, sizes in manifest.strata.items():
        parts = stratum.split(" · ")
        if len(parts) == len(names):
            found[parts[at]] = found.get(parts[at], 0) + sum(sizes.values())
    return found
