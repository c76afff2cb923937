"""What would have fired, when and why: the history of health replayed day by day under one policy or several. Pure; it launches
and writes nothing.

A replay cannot know everything. It reads the aggregates as they are today, so a rating that came days later is already in the day
it belongs to. Trainings change nothing: the days after a launch are those of the model that answered then. Every launch counts as
succeeded on its day; failed attempts, trainings by hand within the range and reports of adapters are not replayed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from itertools import groupby

import polars as pl

from lyo_pipelines.config.retraining import RetrainingConfig
from lyo_pipelines.health.read import FrameHealth
from lyo_pipelines.retraining.assess import Past, decide_all, policy_of, with_new_areas
from lyo_pipelines.retraining.compute_signals import compute_signals
from lyo_pipelines.retraining.curriculum import Curriculum
from lyo_pipelines.retraining.decide import RetrainingDecision, within_budget
from lyo_pipelines.retraining.decision_reasons import reason_of
from lyo_pipelines.retraining.expiry import replayed_expiries
from lyo_pipelines.retraining.findings import Kind
from lyo_pipelines.retraining.history import Launch, Training
from lyo_pipelines.retraining.signals import Signals
from lyo_pipelines.retraining.windows import comparison_windows
from lyo_pipelines.validity import Validity

MORNING = time(6)
"""When the replay looks on each day."""
DEFAULT_DAYS = 56

CANNOT_KNOW = (
    "Hindsight: a rating that came days later already counts on the day it belongs to; a sensor saw it later.",
    "A training would have changed what came after it; here the days after a launch are as they really were.",
    "Every launch counts as succeeded on its day; failed attempts, trainings by hand and reports are not replayed.",
    "What expires is counted by topic and grade; editions of one school board alone are not replayed.",
)


@dataclass(frozen=True, slots=True)
class BacktestStep:
    """What is decided about a segment on a day; `reason` is a key of reasons.REASONS."""

    day: date
    segment: str
    outcome: str
    reason: str
    says: str
    kinds: tuple[Kind, ...]
    causes: tuple[str, ...]
    examples: int


@dataclass(frozen=True)
class Backtest:
    """A replay from `first` to `last` (days of judgement): its steps by day and segment. troubles: what could not be decided."""

    first: date
    last: date
    policy: str
    steps: tuple[BacktestStep, ...]
    troubles: tuple[str, ...] = ()

    @property
    def launches(self) -> tuple[BacktestStep, ...]:
        """The steps that fire."""
        return tuple(step for step in self.steps if step.outcome == "fire")

    @cached_property
    def by_segment(self) -> dict[str, tuple[BacktestStep, ...]]:
        """The steps of each segment, oldest first."""
        ordered = sorted(self.steps, key=lambda step: (step.segment, step.day))
        return {segment: tuple(steps) for segment, steps in groupby(ordered, key=lambda step: step.segment)}

    def reasons(self) -> dict[str, Counter[str]]:
        """Per segment: on how many days which reason decided."""
        return {segment: Counter(step.reason for step in steps) for segment, steps in self.by_segment.items()}

    def only(self, segment: str) -> Backtest:
        """The same replay, as far as one segment goes."""
        return replace(self, steps=self.by_segment.get(segment, ()))


def replay_policies(
    health: FrameHealth,
    policies: Sequence[RetrainingConfig],
    curriculum: Curriculum,
    first: date,
    last: date,
    *,
    now_time: time = MORNING,
    trainings: Mapping[str, Training] | None = None,
) -> list[Backtest]:
    """The same under several policies: what does not depend on the policy is measured once."""
    totals = _ExampleTotals(health)
    before = {segment: found for segment, found in (trainings or {}).items() if found.at.date() < first}
    replays = [_Replay(config, curriculum, dict(before)) for config in policies]
    for day in (first + timedelta(days=n) for n in range((last - first).days + 1)):
        examples = totals.examples(day)
        measured: dict[tuple[tuple[int, int], int], dict[str, Signals]] = {}
        for one in replays:
            evidence = one.config.evidence
            key = evidence.window_days, evidence.baseline_days
            if key not in measured:
                measured[key] = compute_signals(health, comparison_windows(day, curriculum, evidence), day, examples)
            one.look(measured[key], totals, datetime.combine(day, now_time, tzinfo=UTC))
    return [
        Backtest(first, last, policy_of(one.config, curriculum), tuple(one.steps), tuple(one.troubles.values()))
        for one in replays
    ]


def default_range(days: Sequence[date], config: RetrainingConfig, curriculum: Curriculum) -> tuple[date, date]:
    """The last eight weeks that can be judged: from the first day with a week of baseline (without any: the second day of health)
    to the day after the newest day of health."""
    first, last = min(days) + timedelta(days=1), max(days) + timedelta(days=1)
    reach = max(first, last - timedelta(days=DEFAULT_DAYS - 1))
    all_days = (reach + timedelta(days=n) for n in range((last - reach).days + 1))
    bases = ((day, comparison_windows(day, curriculum, config.evidence).short.base) for day in all_days)
    return next((day for day, base in bases if sum(one >= min(days) for one in base) >= 7), reach), last


class _ExampleTotals:
    """What had come together before a day."""

    def __init__(self, health: FrameHealth) -> None:
        texts, counts = ("segment", "topic", "grade"), ("n", "kept")
        rows = health.health.select("day", pl.col(texts).cast(pl.String), pl.col(counts).cast(pl.Int64))
        self._daily = rows.group_by("segment", "day").agg(pl.col("n", "kept").sum())
        self._kept = rows.filter(pl.col("kept") > 0).drop("n")

    def examples(self, day: date) -> pl.DataFrame:
        """Columns segment, n, kept, as health.read.total_examples has them."""
        before = self._daily.filter(pl.col("day") < day)
        return before.group_by("segment").agg(pl.col("n", "kept").sum()).sort("segment")

    def kept(self, segment: str, day: date, by: str) -> dict[str, int]:
        """Curated examples of a segment by topic or grade; those without are left out."""
        mine = self._kept.filter((pl.col("segment") == segment) & (pl.col("day") < day) & (pl.col(by) != ""))
        return dict(mine.group_by(by).agg(pl.col("kept").sum()).sort(by).iter_rows())

    def expires(self, segment: str, day: date, validity: Validity) -> tuple[int, dict[str, int]]:
        """(curated examples that hold on a day, last day on which they hold -> how many of them), as a training of that day learns."""
        mine = self._kept.filter((pl.col("segment") == segment) & (pl.col("day") < day))
        ends = replayed_expiries(mine, segment, validity)
        gone = sum(count for last, count in ends.items() if last < day.isoformat())
        return int(mine["kept"].sum()) - gone, {last: count for last, count in ends.items() if last >= day.isoformat()}


@dataclass
class _Replay:
    """One policy's past as it grows from day to day."""

    config: RetrainingConfig
    curriculum: Curriculum
    trainings: dict[str, Training]
    launches: list[Launch] = field(default_factory=list)
    steps: list[BacktestStep] = field(default_factory=list)
    troubles: dict[str, str] = field(default_factory=dict)

    def look(self, signals: Mapping[str, Signals], totals: _ExampleTotals, now: datetime) -> None:
        """Decide about every segment, and take what fires as launched and trained."""
        known = with_new_areas(signals, self.config, self.curriculum, now)
        past = Past(dict(self.trainings), tuple(self.launches))
        decisions, failed = decide_all(known, self.config, self.curriculum, past, now)
        for segment, reason in failed.items():
            self.troubles.setdefault(segment, f"{now.date().isoformat()}: {segment}: {reason}")
        at = [launch.at for launch in self.launches]
        decided = within_budget(decisions, at, now, self.config.launch.weekly_budget)
        for decision in sorted(decided, key=lambda decision: decision.segment):
            examples = known[decision.segment].examples
            self.steps.append(_step(decision, examples, now.date()))
            if decision.outcome == "fire":
                self._launch(decision, examples, totals, now)

    def _launch(self, decision: RetrainingDecision, examples: int, totals: _ExampleTotals, now: datetime) -> None:
        segment, day = decision.segment, now.date()
        self.launches.insert(
            0, Launch(decision.cause_hash, 1, segment, now, "succeeded", decision.causes, decision.kinds)
        )
        topics, grades = (totals.kept(segment, day, by) for by in ("topic", "grade"))
        learnt, expires = totals.expires(segment, day, self.curriculum.validity)
        # the fingerprint names the cause of the next refresh, so each training needs one of its own
        self.trainings[segment] = Training(
            now, "replayed", day.isoformat(), examples, topics, grades, learnt=learnt, expires=expires
        )


def _step(decision: RetrainingDecision, examples: int, day: date) -> BacktestStep:
    return BacktestStep(
        day,
        decision.segment,
        decision.outcome,
        reason_of(decision),
        decision.says,
        decision.kinds,
        decision.causes,
        examples,
    )
