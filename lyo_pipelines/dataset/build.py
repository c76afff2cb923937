"""Building a dataset version of one segment: decide, write, check, and only then call it a version."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from lyo_pipelines.config.curation import CurationConfig
from lyo_pipelines.config.dataset import DatasetConfig
from lyo_pipelines.config.documents import DocumentConfig
from lyo_pipelines.contracts.dataset import MANIFEST
from lyo_pipelines.contracts.document import DocumentError
from lyo_pipelines.curation.inputs import require_current_rules
from lyo_pipelines.dataset.benchmarks import registered_benchmarks
from lyo_pipelines.dataset.card import dataset_card
from lyo_pipelines.dataset.contract import SPLITS
from lyo_pipelines.dataset.errors import UnknownVersionError
from lyo_pipelines.dataset.leakage import checks_of_folder
from lyo_pipelines.dataset.manifest import make_manifest
from lyo_pipelines.dataset.plan import make_plan
from lyo_pipelines.dataset.row_figures import figures_digest, row_figures
from lyo_pipelines.dataset.scope import scope_of
from lyo_pipelines.dataset.split_memory import load_split_memory
from lyo_pipelines.dataset.versions import Version, get_version, latest_version, point_to_version
from lyo_pipelines.dataset.write import write_splits
from lyo_pipelines.dataset.written_files import file_damage, missing_files, recorded_files
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.storage.damage import DamagedFileError
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.tasks import task_format
from lyo_pipelines.validity import NOTHING_DECLARED, Validity


@dataclass(frozen=True)
class DatasetVersion(Version):
    """A finished version; `reused`: it was there already, made from the same examples."""

    reused: bool


def build_dataset(
    lake: Lake,
    segment: str,
    config: DatasetConfig,
    curation: CurationConfig,
    *,
    now: datetime,
    documents: DocumentConfig | None = None,
    pseudonyms: Pseudonyms | None = None,
    validity: Validity = NOTHING_DECLARED,
) -> DatasetVersion:
    """Build (or find again) the version that the examples of a segment, parent or mixture make today; point latest.json at it.

    pseudonyms: of the lake, so that benchmarks are met by the ids of their items, too.

    A version is written into its folder file by file, manifest.json last: a build that was killed leaves no version, and the
    next one writes the same bytes over it. So it does where a file of the version is missing, cut or cannot be opened.
    documents: figures of documents, where the segment holds some. validity: the editions of the curriculum; what holds no more on
    the day of `now` is not trained on.
    Raises StaleDaysError (a curated day was made by other figures than those given here), EmptySegmentError,
    SegmentTooSmallError, UnknownTaskFormatError, UnknownMixtureError, BenchmarkError or SegmentKeyError, each saying what to do.
    """
    require_current_rules(lake, curation)
    scope = scope_of(lake, segment, config.mixtures, config.teams.allowed)
    formats = {task: task_format(task) for task in scope.tasks}
    benchmarks = registered_benchmarks(lake, pseudonyms)
    memory, covered = load_split_memory(lake, scope)
    plan = make_plan(
        lake, scope, config, curation, benchmarks=benchmarks, memory=memory, validity=validity, day=now.date()
    )
    figures = row_figures(
        lake, segment, scope.tasks, config, curation, documents, validity=validity, segments=scope.segments
    )
    fingerprint = plan.fingerprint("+".join(task.version for task in formats.values()), figures_digest(figures))
    folder = lake.dataset_dir(segment, fingerprint)
    before = _version_before(lake, segment, fingerprint)
    reused = before is not None and _is_whole(lake, before)
    if not reused:
        parent = _parent(lake, segment)
        measures = write_splits(lake, folder, plan, formats, row_group_rows=config.row_group_rows)
        lake.write_table(plan.memory.to_table(), f"{folder}/groups.parquet")
        lake.write_table(plan.removed, f"{folder}/removed.parquet")
        checks = checks_of_folder(lake, folder, config, benchmarks, curation.mapped_from_bytes)
        manifest = make_manifest(
            segment=segment,
            fingerprint=fingerprint,
            formats=formats,
            plan=plan,
            measures=measures,
            checks=checks,
            benchmarks=benchmarks,
            parent=parent.fingerprint if parent and parent.segment == segment else None,
            covered=covered,
            files=recorded_files(lake, folder),
            config=config,
            figures=figures,
            now=before.manifest.created_at if before else now,
        )
        lake.write_text(dataset_card(manifest), f"{folder}/README.md")
        lake.write_text(manifest.to_json(), f"{folder}/{MANIFEST}")
    version = get_version(lake, segment, fingerprint)
    point_to_version(lake, segment, {"fingerprint": fingerprint})
    return DatasetVersion(version.segment, version.fingerprint, version.path, version.manifest, reused)


def _version_before(lake: Lake, segment: str, fingerprint: str) -> Version | None:
    """The version as it was made before; None when there is none or its manifest is damaged."""
    try:
        return get_version(lake, segment, fingerprint)
    except (UnknownVersionError, DocumentError):
        return None


def _is_whole(lake: Lake, version: Version) -> bool:
    """Whether every file of a version is there, as long as it was written and readable as a table."""
    names = [*(f"{split}.parquet" for split in SPLITS), "groups.parquet", "removed.parquet"]
    if missing_files(lake, version.path, names) or file_damage(lake, version.path, version.manifest):
        return False
    try:
        for name in names:
            lake.table_footer(f"{version.path}/{name}")
    except DamagedFileError:
        return False
    return True


def _parent(lake: Lake, segment: str) -> Version | None:
    """The version before this one, where anybody can tell."""
    try:
        return latest_version(lake, segment)
    except (DamagedFileError, DocumentError):
        return None
