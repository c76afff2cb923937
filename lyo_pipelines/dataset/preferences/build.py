"""Building a segment's preference data: group and split as the dataset does, label, pair, write. No rule of its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from hashlib import sha256
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from lyo_pipelines.config.curation import CurationConfig
from lyo_pipelines.config.dataset import DatasetConfig
from lyo_pipelines.contracts.dataset import MANIFEST, PreferenceManifest, PreferenceSettings
from lyo_pipelines.contracts.document import DocumentError
from lyo_pipelines.curation.inputs import require_current_rules
from lyo_pipelines.curation.judgements import mean_ratings, with_shared_ratings
from lyo_pipelines.dataset.contract import SPLITS
from lyo_pipelines.dataset.errors import UnknownVersionError
from lyo_pipelines.dataset.expiry import EXPIRY_COLUMNS, joined_validity, may_expire, row_validity
from lyo_pipelines.dataset.group_keys import hex_ids
from lyo_pipelines.dataset.grouping import GROUPING_COLUMNS, all_ties, day_ties
from lyo_pipelines.dataset.image_ties import with_pictures
from lyo_pipelines.dataset.preferences import labels
from lyo_pipelines.dataset.preferences.versions import PreferenceVersion, get_preferences, point_to_preferences
from lyo_pipelines.dataset.preferences.write import write_preferences
from lyo_pipelines.dataset.question_texts import one_spaced
from lyo_pipelines.dataset.read_examples import DayRows, first_pass, later_pass
from lyo_pipelines.dataset.row_figures import figures_digest, row_figures
from lyo_pipelines.dataset.scope import Scope, scope_of
from lyo_pipelines.dataset.segments import explain_empty
from lyo_pipelines.dataset.split_memory import SplitMemory, load_split_memory
from lyo_pipelines.dataset.splits import assign_splits
from lyo_pipelines.dataset.teams import of_team, too_small_team
from lyo_pipelines.dataset.written_files import file_damage, recorded_files
from lyo_pipelines.storage.arrow import offsets_and_values, pc
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.tasks import task_format
from lyo_pipelines.validity import NOTHING_DECLARED, Validity

_PROMPT = ("system_prompt", "context", "question")
_COLUMNS = ("example_id", "rating", "user_pseudonym", *_PROMPT, "history", "images", "answer", "original_answer")
FORMAT_VERSION = "preferences-1"


@dataclass(frozen=True)
class PreferencePlan:
    """What will be written: chosen labels and pairs (see labels.py), and what the splits must remember from now on.

    answers: read; held_out: of them, left out as test items; expired: left out of the train split because they hold no more (or not
    yet); pictured: left out because their questions show pictures. Counts by split and kind.
    """

    rows: DayRows
    kto: pl.DataFrame
    dpo: pl.DataFrame
    memory: SplitMemory
    answers: int
    held_out: int
    expired: int
    pictured: int
    kto_counts: dict[str, dict[str, int]]
    kto_before_balancing: dict[str, dict[str, int]]
    dpo_counts: dict[str, dict[str, int]]


def build_preferences(
    lake: Lake,
    segment: str,
    config: DatasetConfig,
    curation: CurationConfig,
    *,
    now: datetime,
    validity: Validity = NOTHING_DECLARED,
) -> PreferenceVersion:
    """Build (or find again) the preference data of a segment from all curated days.

    An answer stands in the split of its question's group, as the dataset versions decided or will decide it; what belongs to the
    test split is left out. Raises StaleDaysError, EmptySegmentError, UnknownTaskFormatError or SegmentKeyError.
    """
    require_current_rules(lake, curation)
    scope = scope_of(lake, segment, config.mixtures, config.teams.allowed)
    formats = {task: task_format(task) for task in scope.tasks}
    memory, covered = load_split_memory(lake, scope)
    plan = plan_preferences(lake, scope, config, curation, memory, validity, now.date())
    figures = row_figures(lake, segment, scope.tasks, config, curation, validity=validity, segments=scope.segments)
    versions = [FORMAT_VERSION, *(task.version for task in formats.values()), figures_digest(figures)]
    fingerprint = _fingerprint(plan, versions)
    manifest = PreferenceManifest(
        segment=segment,
        fingerprint=fingerprint,
        created_at=now,
        segments={key: count.kept for key, count in sorted(scope.counts.items())},
        remembers=tuple(covered),
        row_figures=figures,
        answers=plan.answers,
        held_out=plan.held_out,
        expired=plan.expired,
        pictured=plan.pictured,
        kto=plan.kto_counts,
        kto_before_balancing=plan.kto_before_balancing,
        dpo=plan.dpo_counts,
        figures=PreferenceSettings.model_validate(
            {
                **config.preferences.model_dump(),
                "good_rating": curation.minimum_rating,
                "bad_rating": curation.bad_rating,
            }
        ),
    )
    folder = lake.preferences_dir(segment, fingerprint)
    if not _is_whole(lake, segment, fingerprint):
        write_preferences(lake, folder, plan.rows, {"kto": plan.kto, "dpo": plan.dpo}, formats)
        lake.write_table(plan.memory.to_table(), f"{folder}/groups.parquet")
        manifest = manifest.model_copy(update={"files": recorded_files(lake, folder)})
        lake.write_text(manifest.to_json(), f"{folder}/{MANIFEST}")
    point_to_preferences(lake, segment, fingerprint)
    return get_preferences(lake, segment, fingerprint)


def _is_whole(lake: Lake, segment: str, fingerprint: str) -> bool:
    """Whether the version was finished before and its files are as long as they were written."""
    try:
        version = get_preferences(lake, segment, fingerprint)
    except (UnknownVersionError, DocumentError):
        return False
    return not file_damage(lake, version.path, version.manifest)


def plan_preferences(
    lake: Lake,
    scope: Scope,
    config: DatasetConfig,
    curation: CurationConfig,
    memory: SplitMemory,
    validity: Validity,
    day: date,
) -> PreferencePlan:
    """Decide labels and pairs of a scope; writes nothing. Raises EmptySegmentError."""
    rows, table = first_pass(lake, scope, _COLUMNS, digested, scope.with_disliked(lake))
    if table is None:
        raise too_small_team(scope, config.teams, 0, 0) if scope.team else explain_empty(lake, scope.key)
    if scope.team:
        curation = of_team(scope, config.teams, curation, table)
    every = np.ones(table.num_rows, bool)
    days = later_pass(lake, rows, every, GROUPING_COLUMNS, partial(day_ties, config=config, known=memory.keys))
    ties = all_ties(days, config, curation)
    assignment = assign_splits(ties.own, ties.pairs, memory, config, ties.stratum)
    names = pa.array(SPLITS).take(pa.array(np.maximum(assignment.split, 0)))
    frame = with_shared_ratings(pl.DataFrame(pl.from_arrow(table)), mean_ratings(lake)).with_columns(
        split=pl.Series(names.to_pylist(), dtype=pl.String), group_id=pl.Series(hex_ids(assignment.group).to_pylist())
    )
    open_to_learning = frame.with_columns(gone=_gone(lake, rows, scope, validity, day)).filter(
        pl.Series(assignment.split >= 0) & (frame["split"] != "test")
    )
    usable = open_to_learning.filter(~pl.col("gone") | (pl.col("split") != SPLITS[0])).drop("gone")
    expired, pictured = open_to_learning.height - usable.height, int(usable["pictured"].sum())
    usable = usable.filter(~pl.col("pictured")).drop("pictured")
    answers = labels.merged(usable.unique("example_id", keep="first", maintain_order=True))
    judged = labels.capped(labels.labelled(answers, curation), curation.user_cap)
    kto, dpo = labels.balanced(judged), labels.pairs(answers, config.preferences, curation)
    return PreferencePlan(
        rows=rows,
        kto=kto,
        dpo=dpo.join(answers.select("example_id", "group_id"), on="example_id", how="left"),
        memory=assignment.memory,
        answers=frame.height,
        held_out=frame.height - open_to_learning.height,
        expired=expired,
        pictured=pictured,
        kto_counts=_sizes(kto, "label", {True: "good", False: "bad"}),
        kto_before_balancing=_sizes(judged, "label", {True: "good", False: "bad"}),
        dpo_counts=_sizes(dpo, "kind", {}),
    )


def _gone(lake: Lake, rows: DayRows, scope: Scope, validity: Validity, day: date) -> pl.Series:
    """Of every row, whether what it teaches holds no more, or not yet."""
    every = np.ones(len(rows.example_id), bool)
    if not may_expire(scope, validity):
        return pl.Series("gone", ~every)
    work = partial(row_validity, validity=validity, day=day)
    return pl.Series("gone", joined_validity(later_pass(lake, rows, every, EXPIRY_COLUMNS, work)).left_out)


def digested(table: pa.Table) -> pa.Table:
    """Return examples (_COLUMNS) with digests in place of all texts: `prompt`, `answer` and `original_answer`."""
    history = table["history"].combine_chunks()
    offsets, flat = offsets_and_values(history)
    turns = pa.ListArray.from_arrays(pa.array(offsets.astype("int32")), pc.fill_null(flat.field("content"), ""))
    asked = pl.DataFrame(
        [_folded(table[name], name) for name in _PROMPT]
        + [pl.Series("history", pl.from_arrow(pc.binary_join(turns, "\x1d")))]
    )
    edited = _folded(table["original_answer"], "original_answer")
    digests = {
        "prompt": _digest(asked),
        "answer": _digest(pl.DataFrame([_folded(table["answer"], "text")])),
        "original_answer": pl.select(
            pl.when(edited != "").then(_digest(pl.DataFrame([edited.alias("text")])))
        ).to_series(),
    }
    kept = table.select(["example_id", "occurred_at", "rating", "user_pseudonym"])
    kept = kept.append_column("pictured", pa.array(with_pictures(table["images"])))
    for name, values in digests.items():
        kept = kept.append_column(name, values.cast(pl.String).to_arrow().cast(pa.string()))
    return kept


def _folded(column: pa.ChunkedArray, name: str) -> pl.Series:
    """Texts with case and spacing aside."""
    text = one_spaced(pc.utf8_lower(pc.fill_null(column.combine_chunks(), "")))
    return pl.Series(name, pl.from_arrow(text), dtype=pl.String).str.strip_chars()


def _digest(frame: pl.DataFrame) -> pl.Series:
    """128 bits of each row's texts."""
    first, second = (frame.hash_rows(seed=seed).cast(pl.String) for seed in (17, 19))
    return first + "-" + second


def _sizes(frame: pl.DataFrame, column: str, names: dict[Any, str]) -> dict[str, dict[str, int]]:
    """{split: {kind: n}}."""
    found: dict[str, dict[str, int]] = {}
    for split, kind, n in frame.group_by("split", column).len().sort("split", column).iter_rows():
        found.setdefault(split, {})[names.get(kind, str(kind))] = n
    return found


def _fingerprint(plan: PreferencePlan, versions: list[str]) -> str:
    digest = sha256("+".join(versions).encode())
    for frame, columns in ((plan.kto, ("example_id", "label", "split")), (plan.dpo, labels.PAIR_COLUMNS)):
        for row in sorted(frame.select(columns).iter_rows()):
            digest.update(("\n" + "\x1f".join(map(str, row))).encode())
    return digest.hexdigest()[:16]
