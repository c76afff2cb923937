"""How much of what an adapter learnt expires on which day, by the curriculum of today. What follows from it is rules/business.py's.

Counted from the examples of its train split once per dataset and curriculum, and kept beside the adapter: no tick opens them again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from hashlib import sha256

import polars as pl
import pyarrow as pa

from lyo_pipelines.curation.segments import SegmentCount, segment_counts
from lyo_pipelines.dataset.expiry import EXPIRY_COLUMNS, row_validity
from lyo_pipelines.dataset.scope import DOCUMENTS, is_below
from lyo_pipelines.dataset.versions import get_version
from lyo_pipelines.errors import LyoError
from lyo_pipelines.json_types import is_dict
from lyo_pipelines.retraining.history import Training
from lyo_pipelines.retraining.signals import Signals
from lyo_pipelines.storage.damage import DamagedFileError
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.small_files import read_object
from lyo_pipelines.validity import Validity

_COUNTED = "expires.json"


def with_expiries(
    lake: Lake, trainings: Mapping[str, Training], validity: Validity, troubles: dict[str, str]
) -> dict[str, Training]:
    """The trainings, each with how many of the examples it learnt from hold until which day, by the editions that are declared now.

    troubles: is told, by segment, why nobody can tell (its dataset is gone or damaged); what was counted when it was made counts then.
    """
    found = dict(trainings)
    for segment, training in trainings.items():
        about = [one for one in validity.editions if any(is_below(key, segment) for key in one.segments)]
        if not about and not training.expires:
            continue
        digest = sha256("\n".join([training.fingerprint, *sorted(one.told for one in about)]).encode()).hexdigest()[:16]
        try:
            found[segment] = replace(training, expires=_counted(lake, segment, training, validity, digest))
        except (LyoError, OSError, ValueError, KeyError) as error:
            troubles[segment] = f"what of {training.version} expired cannot be told: {error}"
    return found


def _counted(lake: Lake, segment: str, training: Training, validity: Validity, digest: str) -> dict[str, int]:
    """Last day (ISO) -> examples; out of the file of an earlier look where that saw the same."""
    path = f"{lake.adapter_dir(segment)}/{_COUNTED}"
    try:
        told = read_object(lake, path)
        expires = told.get("expires")
        if told.get("of") == digest and is_dict(expires):
            return {day: int(count) for day, count in expires.items()}
    except (FileNotFoundError, NotADirectoryError, DamagedFileError, ValueError, TypeError):
        pass  # missing, damaged or of another version: counted anew
    expires = _count(_learnt(lake, segment, training), validity)
    lake.write_json({"of": digest, "expires": expires}, path)
    return expires


def _learnt(lake: Lake, segment: str, training: Training) -> pa.Table:
    """The columns of the train split that say what its rows are about."""
    version = get_version(lake, segment, training.fingerprint)  # or what stands for it since an erasure
    with lake.open_table(f"{version.path}/train.parquet") as parquet:
        there = parquet.schema_arrow.names
        wanted = [name for name in (*EXPIRY_COLUMNS, "occurred_at") if name in there]
        table = parquet.read(columns=wanted)
    for name in EXPIRY_COLUMNS:
        if name not in there:
            kind = pa.date32() if name.startswith("valid_") else pa.string()
            table = table.append_column(name, pa.nulls(table.num_rows, kind))
    return table


def _count(table: pa.Table, validity: Validity) -> dict[str, int]:
    if not table.num_rows:
        return {}
    last = row_validity(table, validity, date.min).valid_until.drop_null().to_pylist()
    return {day.isoformat(): count for day, count in sorted(Counter(last).items())}


def replayed_expiries(kept: pl.DataFrame, segment: str, validity: Validity) -> dict[str, int]:
    """The same for a training that is replayed. kept: curated examples (columns day, topic, grade, kept) as health counts them.

    Health knows no boards, so editions of one board alone are not replayed.
    """
    if not validity.touches(segment):
        return {}
    found = Counter[date]()
    for day, topic, grade, count in kept.select("day", "topic", "grade", "kept").iter_rows():
        _, last = validity.of_question(segment, topic or None, grade or None, None, day)
        if last is not None:
            found[last] += count
    return {day.isoformat(): count for day, count in sorted(found.items())}


def with_documents(
    lake: Lake, signals: Mapping[str, Signals], trainings: Mapping[str, Training], today: date
) -> dict[str, Signals]:
    """The signals, and empty ones of document sets that an adapter learnt and that expire: nobody asks about them in a log."""
    wanted = [
        key for key, one in trainings.items() if key not in signals and one.expires and key.startswith(f"{DOCUMENTS}.")
    ]
    if not wanted:
        return dict(signals)
    counts = segment_counts(lake)
    return {**signals, **{key: Signals(key, today, examples=_kept(counts, key)) for key in wanted}}


def _kept(counts: Mapping[str, SegmentCount], key: str) -> int:
    return sum(one.kept for name, one in counts.items() if is_below(name, key))
