"""Planting canaries in a copy of a dataset version: through the door, through curation, into its training split.

The copy lies in a lake of its own, whose key is thrown away with it. What curation would change or remove is screened out before
the canaries are drawn, secrets and controls alike, so that planting favours none of them.
"""

from __future__ import annotations

import json
import secrets
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import numpy as np
import pyarrow as pa

from lyo_pipelines.config.curation import CurationConfig
from lyo_pipelines.config.loading import Config
from lyo_pipelines.contracts.dataset import MANIFEST, DatasetManifest
from lyo_pipelines.curation.batch import curate_batch
from lyo_pipelines.curation.contract import EXAMPLE
from lyo_pipelines.curation.day import curate_day
from lyo_pipelines.curation.day import stale_days as stale_examples
from lyo_pipelines.curation.pool import apply_pool_rules
from lyo_pipelines.curation.wordlists import Wordlists, load_wordlists
from lyo_pipelines.dataset.contract import SPLIT_SCHEMA
from lyo_pipelines.dataset.image_ties import files_column
from lyo_pipelines.dataset.versions import Version
from lyo_pipelines.dataset.write import messages_of
from lyo_pipelines.dataset.written_files import record_of
from lyo_pipelines.errors import LyoError
from lyo_pipelines.interactions.contract import INTERACTION
from lyo_pipelines.interactions.days.build import build_day, stale_days
from lyo_pipelines.interactions.landing.land_file import land_file
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.privacy_audit.canaries import (
    LEAST_WORDS,
    Canary,
    Carrier,
    TooFewExamplesError,
    by_segment,
    canaries_by_part,
    common_words,
    draw_phrases,
    make_canaries,
)
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.tasks import task_format

CANARIES = "canaries"
"""Why the copy, and what learns from it, is tainted."""
_ROUNDS = 4
"""How often phrases are drawn anew for those that curation would not keep."""
_MOST_CARRIERS = 2_000
"""So many questions of a version are looked at at most: far more than canaries need."""
_RATING = 5.0


class CanariesLostError(LyoError):
    """Curation does not keep canaries in this dataset, so nothing can be said about it; the message names the rules."""


@dataclass(frozen=True)
class Planted:
    """A copy with canaries. rows: in at the door; kept: out of curation with their text unchanged; screened_out: phrases, by rule."""

    lake: Lake
    version: Version
    canaries: tuple[Canary, ...]
    pseudonyms: Pseudonyms
    rows: int
    kept: int
    screened_out: dict[str, int] = field(default_factory=dict)

    @property
    def people(self) -> list[str]:
        """Those in whose names canaries are planted."""
        return [canary.name for canary in self.canaries if canary.planted]


def plant_canaries(lake: Lake, copy: Lake, version: Version, config: Config, *, now: datetime) -> Planted:
    """Make the copy (an empty lake) of a version of `lake` with canaries in its training split.

    Raises TooFewExamplesError, CanariesLostError.
    """
    rng = np.random.default_rng(config.privacy.seed)
    lists = load_wordlists(lake)
    canaries, screened = _drawn(lake, version, config, lists, rng)
    own = lake.side("wordlists")
    if lake.exists(own):
        shutil.copytree(lake.local(own), copy.local(copy.side("wordlists")))
    pseudonyms = Pseudonyms(secrets.token_hex(32))
    rows = _landed(copy, canaries, config, pseudonyms, now)
    kept = _curated(copy, canaries, config.curation, pseudonyms, rows)
    planted = _copied(lake, copy, version, kept)
    return Planted(copy, planted, tuple(canaries), pseudonyms, rows, len(kept), dict(screened))


def _drawn(
    lake: Lake, version: Version, config: Config, lists: Wordlists, rng: np.random.Generator
) -> tuple[list[Canary], Counter[str]]:
    """The canaries, and what curation would not have kept of phrases that were drawn for them."""
    privacy = config.privacy
    carriers, answers = _carriers(lake, version, rng)
    screened = Counter[str]()
    parts = by_segment(carriers, max(privacy.repetitions))
    words = {key: common_words(answers[key]) for key in parts}
    parts = {key: part for key, part in parts.items() if len(words[key]) >= LEAST_WORDS}
    for key, part in parts.items():  # questions that keep an answer as it is
        phrase = draw_phrases(words[key], 1, privacy.words, np.random.default_rng(privacy.seed))[0]
        rows = _screened([(carrier, phrase) for carrier in part], config.curation, lists, Counter())
        parts[key] = [carrier for carrier, _ in rows]
    parts = by_segment((carrier for part in parts.values() for carrier in part), max(privacy.repetitions))
    if not parts:
        raise TooFewExamplesError(
            f"{version.segment} {version.fingerprint} is too small: a canary in {max(privacy.repetitions)} rows needs as "
            f"many different training questions of one segment, and {LEAST_WORDS} words that stand in two of their answers.",
            hint="Ask for fewer repetitions (--repetitions 1,2,4), or audit a larger version.",
        )
    wanted = canaries_by_part(parts, privacy.canaries * len(privacy.repetitions))
    phrases = {
        key: _kept_phrases(parts[key][0], words[key], count * (privacy.controls + 1), config, lists, rng, screened)
        for key, count in wanted.items()
    }
    return make_canaries(parts, phrases, wanted, privacy, rng), screened


def _carriers(
    lake: Lake, version: Version, rng: np.random.Generator
) -> tuple[list[Carrier], dict[tuple[str, str], list[str]]]:
    """Questions of the training split (a sample of a large one), and all answers by segment and language."""
    table = lake.read_table(f"{version.path}/train.parquet")
    found, answers = list[Carrier](), dict[tuple[str, str], list[str]]()
    for row in table.to_pylist():
        messages: list[dict[str, str]] = row["messages"]
        segment = row.get("segment") or version.segment
        if len(messages) < 2 or messages[-2]["role"] != "user":  # plain text of documents has no question
            continue
        values = {name: row.get(name) for name in ("subject", "topic", "grade")}
        found.append(Carrier(segment, row["language"] or "", question=messages[-2]["content"], **values))
        answers.setdefault((segment, row["language"] or ""), []).append(messages[-1]["content"])
    if len(found) > _MOST_CARRIERS:
        found = [found[int(place)] for place in np.sort(rng.choice(len(found), _MOST_CARRIERS, replace=False))]
    return found, answers


def _kept_phrases(
    carrier: Carrier,
    words: Sequence[str],
    count: int,
    config: Config,
    lists: Wordlists,
    rng: np.random.Generator,
    screened: Counter[str],
) -> list[str]:
    """So many phrases that curation keeps as they are, as answers to the carrier's question. Raises CanariesLostError."""
    found = dict[str, None]()
    for _ in range(_ROUNDS):
        drawn = [
            phrase
            for phrase in draw_phrases(words, count - len(found) + 16, config.privacy.words, rng)
            if phrase not in found
        ]
        kept = _screened([(carrier, phrase) for phrase in drawn], config.curation, lists, screened)
        found.update((phrase, None) for _, phrase in kept)
        if len(found) >= count:
            return list(found)[:count]
    told = ", ".join(f"{name} {number:,}" for name, number in screened.most_common(3)) or "changed texts"
    raise CanariesLostError(
        f"curation keeps too few canaries in {carrier.segment} ({len(found):,} of {count:,}; removed by {told}).",
        hint="A task whose answers have a schema cannot hold them; audit another segment.",
    )


def _screened(
    rows: Sequence[tuple[Carrier, str]], config: CurationConfig, lists: Wordlists, screened: Counter[str]
) -> list[tuple[Carrier, str]]:
    """The rows that curation keeps in their segment with both texts unchanged."""
    at = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
    table = pa.Table.from_pylist(
        [
            {**_values(carrier), "answer": phrase, "interaction_id": str(number), "source": CANARIES,
             "source_file": CANARIES, "occurred_at": at, "rating": _RATING}
            for number, (carrier, phrase) in enumerate(rows)
        ],
        schema=INTERACTION,
    )  # fmt: skip
    result = curate_batch(table, config, lists, {})
    screened.update(result.removed["rule"].to_pylist())
    whole = list[tuple[Carrier, str]]()
    for row in result.kept.select(["interaction_id", "segment", "question", "answer"]).to_pylist():
        carrier, phrase = rows[int(row["interaction_id"])]
        if (row["segment"], row["question"], row["answer"]) == (carrier.segment, carrier.question, phrase):
            whole.append((carrier, phrase))
        else:
            screened["changed"] += 1
    return whole


def _values(carrier: Carrier) -> dict[str, Any]:
    """A carrier as columns of an interaction."""
    return {
        "task": carrier.segment.partition(".")[0], "language": carrier.language, "subject": carrier.subject,
        "topic": carrier.topic, "grade": carrier.grade, "question": carrier.question,
    }  # fmt: skip


def planted_rows(canaries: Iterable[Canary], at: datetime) -> list[dict[str, Any]]:
    """What goes in at the door: a rated interaction for each carrier of each canary that is planted."""
    return [
        {**_values(carrier), "answer": canary.secret, "interaction_id": f"{canary.name}-{number}", "user_id": canary.name,
         "conversation_id": f"{canary.name}-{number}", "occurred_at": at.isoformat(), "rating": _RATING}
        for canary in canaries if canary.planted
        for number, carrier in enumerate(canary.carriers)
    ]  # fmt: skip


def _landed(copy: Lake, canaries: Sequence[Canary], config: Config, pseudonyms: Pseudonyms, now: datetime) -> int:
    """Let them in at the door and build their day; how many rows that were. Raises CanariesLostError."""
    rows = planted_rows(canaries, now - timedelta(days=1))
    path = copy.local(copy.side("inbox")) / f"{CANARIES}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    report = land_file(copy, str(path), pseudonyms=pseudonyms, config=config.interactions, format="canonical", now=now)
    if report.unreadable or report.accepted != len(rows):
        why = report.unreadable or ", ".join(report.rejected_by_reason)
        raise CanariesLostError(f"{len(rows) - report.accepted} of {len(rows)} planted rows did not land: {why}.")
    for day in stale_days(copy):
        build_day(copy, day)
    return len(rows)


def _curated(
    copy: Lake, canaries: Sequence[Canary], config: CurationConfig, pseudonyms: Pseudonyms, rows: int
) -> pa.Table:
    """The planted rows as examples, all of them and unchanged. Raises CanariesLostError, which names what removed some."""
    removed = Counter[str]()
    for day in stale_examples(copy, config):
        removed.update(curate_day(copy, day, config).removed_by_rule)
    tables = [copy.read_table(copy.examples(day)) for day in copy.days("examples")]
    pooled = apply_pool_rules(pa.concat_tables([EXAMPLE.empty_table(), *tables]), config, None)
    removed.update(pooled.removed_by_rule)
    secret_of = {pseudonyms.of(canary.name): canary.secret for canary in canaries}
    kept = pooled.kept
    whole = [
        secret_of.get(user) == answer
        for user, answer in zip(kept["user_pseudonym"].to_pylist(), kept["answer"].to_pylist(), strict=True)
    ]
    if len(kept) != rows or not all(whole):
        told = ", ".join(f"{name} {number}" for name, number in removed.items() if number) or "none by a rule"
        raise CanariesLostError(
            f"curation kept {sum(whole)} of {rows} planted rows as they were (removed: {told}): the audit would call clean what it "
            "never trained.",
            hint="Take another --seed.",
        )
    return kept


def _copied(lake: Lake, copy: Lake, version: Version, kept: pa.Table) -> Version:
    """The version in the copy's lake, with the kept rows in its training split."""
    digest = sha256(f"{CANARIES} in {version.fingerprint}".encode())
    for example in sorted(kept["example_id"].to_pylist()):
        digest.update(b"\n" + example.encode())
    fingerprint = digest.hexdigest()[:16]
    folder = copy.dataset_dir(version.segment, fingerprint)
    shutil.copytree(lake.local(version.path), copy.local(folder))
    train = f"{folder}/train.parquet"
    before = copy.read_table(train)
    after = pa.concat_tables([before, _split_rows(kept).select(before.column_names).cast(before.schema)])
    copy.write_table(after.combine_chunks(), train)
    manifest = version.manifest
    told: DatasetManifest = manifest.model_copy(
        update={
            "fingerprint": fingerprint,
            "counts": {**manifest.counts, "train": len(after)},
            "segments": dict(Counter(manifest.segments) + Counter(kept["segment"].to_pylist())),
            "files": {**manifest.files, "train.parquet": record_of(copy, train)},
            "tainted": CANARIES,
        }
    )
    copy.write_text(told.to_json(), f"{folder}/{MANIFEST}")
    return Version(version.segment, fingerprint, folder, told)


def _split_rows(examples: pa.Table) -> pa.Table:
    """Examples in the shape of split files; the rows of one canary are one group."""
    formats = {task: task_format(task) for task in sorted(set(examples["task"].to_pylist()))}
    groups = [sha256(str(user).encode()).hexdigest()[:16] for user in examples["user_pseudonym"].to_pylist()]
    made: Mapping[str, Any] = {
        "group_id": pa.array(groups, pa.string()),
        "messages": messages_of(examples, formats),
        "images": files_column(examples["images"].combine_chunks()),
        "validity": pa.nulls(len(examples), pa.string()),  # nothing says that a canary ends
    }
    columns = [made[name] if name in made else examples[name] for name in SPLIT_SCHEMA.names]
    return pa.table(columns, schema=SPLIT_SCHEMA)


def questions_to_score(canaries: Iterable[Canary]) -> list[dict[str, Any]]:
    """For each canary, planted or not: the chat before its answer as its first row has it, and its candidates."""
    found = list[dict[str, Any]]()
    for canary in canaries:
        carrier = canary.carriers[0]
        messages = task_format(carrier.segment.partition(".")[0]).to_messages(
            {**dict.fromkeys(EXAMPLE.names), **_values(carrier), "answer": canary.secret}
        )
        found.append({"name": canary.name, "messages": messages[:-1], "candidates": list(canary.candidates)})
    return found
