"""One look at everything: reads signals, histories and curriculum, and decides about every segment. It launches nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import polars as pl

from lyo_pipelines.config.costs import CostsConfig
from lyo_pipelines.config.retraining import RetrainingConfig
from lyo_pipelines.errors import LyoError
from lyo_pipelines.health.read import (
    READ_ERRORS,
    LakeHealth,
    examples_by_day,
    health_signature,
    read_health,
    total_examples,
)
from lyo_pipelines.retraining.claims import launches_of_claims, read_claims
from lyo_pipelines.retraining.compute_signals import compute_signals
from lyo_pipelines.retraining.coverage import Coverage, curriculum_coverage
from lyo_pipelines.retraining.curriculum import Curriculum
from lyo_pipelines.retraining.decide import RetrainingDecision, decide_segment, within_budget
from lyo_pipelines.retraining.expiry import with_documents, with_expiries
from lyo_pipelines.retraining.history import Launch, Reported, Training, TrainingHistory, read_reports, read_trainings
from lyo_pipelines.retraining.ledger import latest_decisions, policy_digest
from lyo_pipelines.retraining.signals import Signals
from lyo_pipelines.retraining.windows import Windows, comparison_windows
from lyo_pipelines.retraining.worth import with_worth
from lyo_pipelines.segments import SegmentKeyError, parse_segment
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.tasks.fine_tuning import is_fine_tuned


@dataclass(frozen=True)
class Assessment:
    """Decisions about all segments, by key. troubles: days or segments that could not be read or decided about. pending: a claim
    waits for its run to be seen."""

    decisions: dict[str, RetrainingDecision]
    signals: dict[str, Signals]
    policy: str
    coverage: tuple[Coverage, ...] = ()
    troubles: tuple[str, ...] = ()
    pending: bool = False

    @property
    def outcomes(self) -> Counter[str]:
        """How many segments have which outcome."""
        return Counter(decision.outcome for decision in self.decisions.values())


class AssessmentError(LyoError):
    """Not one segment could be decided about."""


@dataclass(frozen=True)
class Past:
    """Trainings and launches of all segments; the launches newest first. new: as `new_examples` counts them."""

    trainings: dict[str, Training] = field(default_factory=dict)
    launches: tuple[Launch, ...] = ()
    running: frozenset[str] = frozenset()
    reported: dict[str, Reported] = field(default_factory=dict)
    new: dict[str, int] = field(default_factory=dict)

    def covered(self) -> tuple[frozenset[str], frozenset[str]]:
        """(subjects, languages) of the adapters that there are."""
        subjects, languages = set[str](), set[str]()
        for key in self.trainings:
            try:
                segment = parse_segment(key)
            except SegmentKeyError:
                continue
            languages.update([segment.language] if segment.language else [])
            subjects.update([segment.facet] if segment.facet else [])
        return frozenset(subjects), frozenset(languages)


def assess_segments(
    lake: Lake,
    config: RetrainingConfig,
    curriculum: Curriculum,
    runs: Sequence[Launch],
    now: datetime,
    *,
    by: str,
    costs: CostsConfig | None = None,
) -> Assessment:
    """Decide about every segment as sensor `by` sees it.

    costs: with it, decisions with causes say whether the launch is worth it.

    runs: runs of the retraining job, those of people without a launch. Raises HealthUnreadableError when no day can be read and
    AssessmentError when no segment can be decided about; what fails for some only is told in `troubles`.
    """
    found = comparison_windows(now.date(), curriculum, config.evidence)
    by_day = examples_by_day(lake)
    health, signals = _signals(lake, found, now, total_examples(by_day))
    files, unknown, reports = dict[str, str](), dict[str, str](), dict[str, str]()
    claims, seen = read_claims(lake, files), {(run.launch, run.attempt) for run in runs}
    launched = launches_of_claims(lake, claims, runs, by=by, now=now, seconds=config.launch.claim_seconds)
    running = frozenset(launch.segment for launch in (*runs, *launched) if launch.status == "running")
    trained = with_expiries(lake, read_trainings(lake, unknown), curriculum.validity, files)
    # a training that a person launched with success ends a row of failures
    by_hand = [run for run in runs if not run.launch and run.status == "succeeded"]
    newest_first = sorted([*launched, *by_hand], key=lambda launch: launch.at, reverse=True)
    past = Past(
        trained, tuple(newest_first), running, read_reports(lake, list(trained), reports), new_examples(by_day, trained)
    )
    troubles = [
        f"segment_health of {day.isoformat()} cannot be read: {reason}" for day, reason in health.unreadable.items()
    ]
    latest_decisions(lake, files)
    troubles += files.values()
    troubles += [f"{segment}: {says}" for segment, says in reports.items()]
    signals = with_new_areas(with_documents(lake, signals, trained, now.date()), config, curriculum, now)
    # whoever may have been trained yesterday is not trained "for the first time" because a pointer is damaged
    # uploads are trained for the jobs that they were made for, and for nothing else
    known = {segment: one for segment, one in signals.items() if segment not in unknown and not is_fine_tuned(segment)}
    troubles += [f"{segment}: not decided about: {says}" for segment, says in unknown.items()]
    decisions, failed = decide_all(known, config, curriculum, past, now)
    if failed and not decisions:
        raise AssessmentError(f"no segment could be decided about: {next(iter(failed.values()))}")
    troubles += [f"{segment}: {reason}" for segment, reason in failed.items()]
    if costs is not None:
        decisions = with_worth(
            lake, decisions, config, costs, trained=trained, by_day=by_day, today=now.date(),
            examples={segment: one.examples for segment, one in signals.items()},
        )  # fmt: skip
    first = [launch.at for launch in launched if launch.attempt == 1]
    decided = within_budget(decisions, first, now, config.launch.weekly_budget)
    return Assessment(
        decisions={decision.segment: decision for decision in decided},
        signals=signals,
        policy=policy_of(config, curriculum),
        coverage=curriculum_coverage(signals, curriculum, config),
        troubles=tuple(troubles),
        pending=any(not one.run_id and one.segment and (one.launch, one.attempt) not in seen for one in claims),
    )


def _signals(
    lake: Lake, windows: Windows, now: datetime, counts: pl.DataFrame
) -> tuple[LakeHealth, dict[str, Signals]]:
    """The signals of every segment; days of health that turn out to be damaged are left out, and told by the first value.

    counts: see health.read.total_examples.
    """
    health = read_health(lake, windows.days)
    try:
        return health, compute_signals(health, windows, now.date(), counts)
    except READ_ERRORS:  # a footer may be whole where what stands before it is not
        health = read_health(lake, windows.days, whole=True)
        return health, compute_signals(health, windows, now.date(), counts)


def with_new_areas(
    signals: Mapping[str, Signals], config: RetrainingConfig, curriculum: Curriculum, now: datetime
) -> dict[str, Signals]:
    """The signals, and empty ones of new areas of the curriculum that nobody has asked about yet."""
    reach = timedelta(days=config.performance.new_area_days)
    missing = {
        key: Signals(key, now.date())
        for key, area in curriculum.areas.items()
        if key not in signals and area.launched <= now.date() <= area.launched + reach
    }
    return {**signals, **missing}


def new_examples(by_day: pl.DataFrame, trainings: Mapping[str, Training]) -> dict[str, int]:
    """How many curated examples the last training of each segment has not seen.

    by_day: columns segment, day, kept. Day by day, as examples go as well as come (stricter rules, erased users, retention): those
    that went are no new ones less. On one day only as many can be told as there are more of them now. Of a dataset that was not
    counted by day, those since the day on which it was made are new ones, or as many as there are more in all.
    """
    rows = [(segment, day, count) for segment, training in trainings.items() for day, count in training.by_day.items()]
    before = pl.DataFrame(rows, schema={"segment": pl.String, "day": pl.String, "before": pl.Int64}, orient="row")
    made = pl.DataFrame(
        [(segment, training.at.date(), not training.by_day) for segment, training in trainings.items()],
        schema={"segment": pl.String, "made": pl.Date, "dated": pl.Boolean},
        orient="row",
    )
    grown = pl.col("kept") - pl.when("dated").then(0).otherwise(pl.col("before").fill_null(0))
    found = (
        by_day.join(made, on="segment")
        .filter(~pl.col("dated") | (pl.col("day") >= pl.col("made")))
        .with_columns(pl.col("day").dt.to_string("iso"))
        .join(before, on=["segment", "day"], how="left")
        .group_by("segment")
        .agg(new=grown.clip(0).sum())
    )
    counted = dict(found.select("segment", "new").iter_rows())
    now = dict(by_day.group_by("segment").agg(pl.col("kept").sum()).iter_rows())
    more = {key: now.get(key, 0) - training.examples for key, training in trainings.items() if not training.by_day}
    return {segment: max(counted.get(segment, 0), more.get(segment, 0)) for segment in trainings}


def decide_all(
    signals: Mapping[str, Signals], config: RetrainingConfig, curriculum: Curriculum, past: Past, now: datetime
) -> tuple[list[RetrainingDecision], dict[str, str]]:
    """Decide about each segment; return the decisions, and what went wrong with those that could not be decided about."""
    subjects, languages = past.covered()
    by_segment: dict[str, list[Launch]] = {}
    for launch in past.launches:
        by_segment.setdefault(launch.segment, []).append(launch)
    start = curriculum.year_start(now.date())
    decisions, failed = [], {}
    for segment, known in signals.items():
        mine = by_segment.get(segment, [])
        history = TrainingHistory(
            training=past.trainings.get(segment),
            launches=tuple(mine),
            running=segment in past.running,
            reported=past.reported.get(segment),
            covered_subjects=subjects,
            covered_languages=languages,
            new=past.new.get(segment),
        )
        policy, area = config.for_segment(segment), curriculum.areas.get(segment)
        try:
            decisions.append(decide_segment(known, policy, history, now, area=area, year_start=start))
        except (
            ValueError,
            ArithmeticError,
            LookupError,
            AssertionError,
        ) as error:  # one segment must not stop the others
            failed[segment] = f"{type(error).__name__}: {error}"
    return decisions, failed


def policy_of(config: RetrainingConfig, curriculum: Curriculum) -> str:
    """Digest of the configuration and the curriculum."""
    return policy_digest([config.model_dump_json(), curriculum.model_dump_json()])


def inputs_digest(
    lake: Lake, config: RetrainingConfig, curriculum: Curriculum, runs: Sequence[Launch], now: datetime
) -> str:
    """Changes whenever an assessment could come out differently: health, configuration, runs, adapters, the day."""
    told = [
        health_signature(lake),
        policy_of(config, curriculum),
        now.date().isoformat(),
        *lake.names(lake.path("adapters")),
    ]
    return policy_digest([*told, *sorted(f"{run.run_id} {run.status}" for run in runs)])
