"""The ledger: every decision, fired or held, with its evidence (`lake/decisions/date=…/*.parquet`). Launches stand in claims.py."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import fields
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import TypedDict

import polars as pl
import pyarrow as pa

from lyo_pipelines.json_types import RawRow, TableRow
from lyo_pipelines.retraining.decide import RetrainingDecision
from lyo_pipelines.retraining.findings import TriggerFinding
from lyo_pipelines.storage.arrow import pc
from lyo_pipelines.storage.lake import Lake

DECISION = pa.schema(
    [
        pa.field("at", pa.timestamp("us", tz="UTC"), nullable=False, metadata={"doc": "when it was decided"}),
        pa.field(
            "day", pa.date32(), nullable=False, metadata={"doc": "day of judgement; yesterday is the last day seen"}
        ),
        pa.field("segment", pa.string(), nullable=False),
        pa.field("outcome", pa.string(), nullable=False, metadata={"doc": "fire, hold or not_enough_evidence"}),
        pa.field("says", pa.string(), nullable=False, metadata={"doc": "the decision in words"}),
        pa.field("causes", pa.list_(pa.string()), nullable=False),
        pa.field("kinds", pa.list_(pa.string()), nullable=False),
        pa.field("held_by", pa.list_(pa.string()), nullable=False, metadata={"doc": "why causes did not launch"}),
        pa.field(
            "cause_hash", pa.string(), nullable=False, metadata={"doc": "names the launch; runs carry it as lyo/cause"}
        ),
        pa.field("attempt", pa.int32(), nullable=False),
        pa.field("examples", pa.int64(), nullable=False, metadata={"doc": "curated examples that were counted"}),
        pa.field("findings", pa.string(), nullable=False, metadata={"doc": "what each rule found, with figures: JSON"}),
        pa.field("policy", pa.string(), nullable=False, metadata={"doc": "digest of the configuration that held"}),
        pa.field(
            "digest",
            pa.string(),
            nullable=False,
            metadata={"doc": "a decision with the same digest is not written again"},
        ),
    ]
)


class DecisionRow(TypedDict):
    """A row of DECISION as it is read back, with `findings` parsed: fields of Finding, those that say nothing left out."""

    at: datetime
    day: date
    segment: str
    outcome: str
    says: str
    causes: list[str]
    kinds: list[str]
    held_by: list[str]
    cause_hash: str
    attempt: int
    examples: int
    findings: list[RawRow]
    policy: str
    digest: str


_FINDING = tuple(field.name for field in fields(TriggerFinding))


def digest(decision: RetrainingDecision, policy: str) -> str:
    """What must change for a decision to be news: its day, outcome, causes, what holds it, or what a rule concludes."""
    told = [
        decision.day.isoformat(), decision.outcome, decision.causes, decision.held_by, decision.attempt, policy,
        [(finding.cause, finding.outcome) for finding in decision.findings],
    ]  # fmt: skip
    return sha256(json.dumps([decision.segment, told]).encode()).hexdigest()[:16]


def record_decisions(
    lake: Lake, decisions: Sequence[RetrainingDecision], examples: dict[str, int], *, policy: str, now: datetime
) -> list[RetrainingDecision]:
    """Write the decisions that are news, and return them. Two sensors that see the same write it once."""
    newest = latest_decisions(lake)
    before = {row["segment"]: row for row in newest.select("segment", "digest", "at").to_dicts()}
    news = [d for d in decisions if d.segment not in before or before[d.segment]["digest"] != digest(d, policy)]
    if not news:
        return []
    rows = [_row(decision, examples.get(decision.segment, 0), policy, now) for decision in news]
    table = pa.Table.from_pylist(rows, schema=DECISION)
    # named after the change itself: the same for all who see it, another one when a decision comes back to what it was
    changed = [f"{row['digest']} {before.get(row['segment'], {}).get('at')}" for row in rows]
    name = sha256("\n".join(changed).encode()).hexdigest()[:16]
    path = lake.path("decisions", f"date={now.date().isoformat()}", f"{name}.parquet")
    if not lake.exists(path):
        lake.write_table(table, path)
    with suppress(OSError):  # a folder in its place: the days hold it all, and it is made anew out of them
        _write_latest(
            lake, pl.concat([newest.filter(~pl.col("segment").is_in([d.segment for d in news])), _frame(table)])
        )
    return news


def latest_decisions(lake: Lake, troubles: dict[str, str] | None = None) -> pl.DataFrame:
    """The newest decision about every segment (columns of DECISION); empty before the first.

    A damaged file is kept in `lake/quarantine/` and made anew out of the days. troubles: is told, by file, what could not be read.
    """
    path, troubles = _latest_path(lake), {} if troubles is None else troubles
    if not lake.exists(path):
        return _frame(pa.Table.from_batches([], DECISION))
    table = _read(lake, path, troubles)
    if table is not None:
        return _frame(table)
    with suppress(OSError):  # a folder in its place, or a full disk: decided is decided all the same
        troubles[path] += f" It is kept as {lake.set_aside(path)} and was made anew out of the days."
    found = [_frame(table) for day in lake.days("decisions", "") for table in _of_day(lake, day, troubles)]
    made = pl.concat([_frame(pa.Table.from_batches([], DECISION)), *found]).sort("at", "digest")
    made = made.unique("segment", keep="last", maintain_order=True)
    with suppress(OSError):
        _write_latest(lake, made)
    return made.sort("segment")


def read_decisions(
    lake: Lake, segment: str, *, since: date | None = None, troubles: dict[str, str] | None = None
) -> list[DecisionRow]:
    """All decisions about a segment, newest first, as rows of DECISION with `findings` parsed.

    troubles: is told, by file, what could not be read.
    """
    found: list[TableRow] = []
    for day in lake.days("decisions", ""):
        if since is not None and day < since:
            continue
        for table in _of_day(lake, day, {} if troubles is None else troubles):
            found += table.filter(pc.equal(table["segment"], segment)).to_pylist()
    rows = [DecisionRow(**{**row, "findings": json.loads(row["findings"])}) for row in found]
    return sorted(rows, key=lambda row: row["at"], reverse=True)


def _of_day(lake: Lake, day: date, troubles: dict[str, str]) -> Iterator[pa.Table]:
    """What was written on a day, file by file; a damaged file is told and passed over."""
    folder = lake.path("decisions", f"date={day.isoformat()}")
    for name in lake.names(folder):
        if name.endswith(".parquet") and (table := _read(lake, f"{folder}/{name}", troubles)) is not None:
            yield table


def _read(lake: Lake, path: str, troubles: dict[str, str]) -> pa.Table | None:
    """One file of decisions; None for a damaged one, which is told."""
    try:
        return lake.read_table(path, DECISION.names).cast(DECISION)
    except (OSError, ValueError, KeyError) as error:
        troubles[path] = f"{path} is damaged ({error}): decisions that it held are not shown."
        return None


def _write_latest(lake: Lake, rows: pl.DataFrame) -> None:
    lake.write_table(rows.sort("segment").to_arrow().cast(DECISION), _latest_path(lake))


def policy_digest(parts: Iterable[str]) -> str:
    """A short name of the configuration and the curriculum that a decision was made with."""
    return sha256("\n".join(parts).encode()).hexdigest()[:12]


def _row(decision: RetrainingDecision, examples: int, policy: str, now: datetime) -> TableRow:
    findings = [
        {key: value for key in _FINDING if (value := getattr(finding, key)) not in ("", {})}
        for finding in decision.findings
    ]
    return {
        "at": now.astimezone(UTC),
        "day": decision.day,
        "segment": decision.segment,
        "outcome": decision.outcome,
        "says": decision.says,
        "causes": list(decision.causes),
        "kinds": list(decision.kinds),
        "held_by": list(decision.held_by),
        "cause_hash": decision.cause_hash,
        "attempt": decision.attempt,
        "examples": examples,
        "findings": json.dumps(findings, ensure_ascii=False),
        "policy": policy,
        "digest": digest(decision, policy),
    }


def _latest_path(lake: Lake) -> str:
    return lake.path("decisions", "latest.parquet")


def _frame(table: pa.Table) -> pl.DataFrame:
    return pl.DataFrame(pl.from_arrow(table))
