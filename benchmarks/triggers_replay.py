"""Daily looks of the real rules at simulated histories, with the launches that would follow; and what bare thresholds would do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray
from triggers_world import TOPICS, Day, Scenario, World

from lyo_pipelines.config.loading import load_config
from lyo_pipelines.config.retraining import RetrainingConfig
from lyo_pipelines.health.read import FrameHealth
from lyo_pipelines.retraining.assess import Past, decide_all
from lyo_pipelines.retraining.compute_signals import compute_signals
from lyo_pipelines.retraining.curriculum import Curriculum
from lyo_pipelines.retraining.decide import RetrainingDecision
from lyo_pipelines.retraining.history import Launch, Training
from lyo_pipelines.retraining.rules.performance import TAIL
from lyo_pipelines.retraining.signals import Change, Shares, Signals, critical_values, user_dispersion
from lyo_pipelines.retraining.windows import Windows, comparison_windows
from lyo_pipelines.statistics.histogram import histogram_quantiles, quantile_interval, ratio_bounds
from lyo_pipelines.statistics.ratios import rate_ratio, share_ratio

RULES = (
    "quality.average_rating", "quality.rating_drop", "quality.negative_feedback", "quality.relevance",
    "quality.cultural_complaints", "performance.response_time", "performance.retries", "performance.knowledge_gap",
    "performance.language",
)  # fmt: skip
BARE = (
    "average_rating",
    "rating_drop",
    "negative_feedback",
    "relevance",
    "cultural_complaints",
    "response_time",
    "retries",
)
TESTS = ("rating_short", "rating_long", "negative", "relevance", "cultural", "time", "tail")
ALPHAS = (0.01, 0.001, 1 / 3000)
"""Levels at which the tests themselves, without the configured values, are looked at: does each err as often as it says?"""
_EVIDENCE = load_config().retraining.evidence
WARM_UP = 7 * -(-(_EVIDENCE.window_days[1] + _EVIDENCE.baseline_days) // 7)
"""Days before the first look: windows and baseline are full."""
EXAMPLES_BEFORE = 3000

Flags = NDArray[np.bool_]
Known = TypeVar("Known")


@dataclass
class Record:
    """What a replay saw, look by look: each array of shape (looks, …, segments)."""

    days: list[date] = field(default_factory=list)
    fired: list[Flags] = field(default_factory=list)
    launched: list[Flags] = field(default_factory=list)
    bare: list[Flags] = field(default_factory=list)
    tests: list[Flags] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    change: list[NDArray[np.float32]] = field(default_factory=list)

    def arrays(self) -> dict[str, NDArray]:
        return {
            name: np.array(getattr(self, name)) for name in ("fired", "launched", "bare", "tests", "kinds", "change")
        }


def replay(
    scenario: Scenario, segments: int, seed: int, curriculum: Curriculum, *, tests: bool = False
) -> dict[str, NDArray]:
    """Simulate, and look every morning after the warm-up."""
    world, config = World(scenario, segments, seed), load_config().retraining
    seen: dict[date, Day] = {}
    past = _Fleet(world)
    found = Record()
    plain: list[dict[str, NDArray]] = []
    for number, day in enumerate(world.days()):
        seen[day.day] = day
        plain.append(day.plain)
        past.grow(day)
        today = day.day + timedelta(days=1)
        if number + 1 == WARM_UP:
            past.train_first(today)
        if number + 1 < WARM_UP or number + 1 == 7 * scenario.weeks:
            continue
        view = comparison_windows(today, curriculum, config.evidence)
        needed = [seen[each] for each in view.days if each in seen]
        health = FrameHealth(pl.concat([each.health for each in needed]), pl.concat([each.users for each in needed]))
        signals = compute_signals(health, view, today, past.examples())
        decisions = past.look(signals, config, curriculum, today)
        _note(found, world, today, decisions, view)
        bare, change = _bare(plain)
        found.bare.append(bare)
        found.change.append(change)
        if tests:
            found.tests.append(_tests([signals[name] for name in world.names]))
        for old in [each for each in seen if (today - each).days > WARM_UP + 46 and curriculum.kind(each) != "exam"]:
            del seen[old]
        del plain[:-WARM_UP]
    return found.arrays()


class _Fleet:
    """Examples, trainings and launches of all segments: every launch succeeds at once."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.n = np.zeros(world.segments)
        self.kept = np.full(world.segments, float(EXAMPLES_BEFORE))
        self.trainings: dict[str, Training] = {}
        self.launches: list[Launch] = []

    def grow(self, day: Day) -> None:
        self.n += day.plain["n"]
        self.kept += day.plain["kept"]

    def train_first(self, today: date) -> None:
        """Every segment was trained within the last four weeks."""
        ago = np.random.default_rng(5).integers(0, 28, self.world.segments)
        for name, kept, days in zip(self.world.names, self.kept, ago, strict=True):
            self._train(name, datetime.combine(today - timedelta(days=int(days)), time(7), UTC), int(kept))

    def examples(self) -> pl.DataFrame:
        return pl.DataFrame({"segment": self.world.names, "n": self.n.astype(int), "kept": self.kept.astype(int)})

    def look(
        self, signals: Mapping[str, Signals], config: RetrainingConfig, curriculum: Curriculum, today: date
    ) -> list[RetrainingDecision]:
        now = datetime.combine(today, time(8), UTC)
        decisions, failed = decide_all(signals, config, curriculum, Past(self.trainings, tuple(self.launches)), now)
        if failed:
            raise RuntimeError(f"not decided about: {failed}")
        for decision in decisions:
            if decision.outcome == "fire":
                launch = Launch(
                    decision.cause_hash, 1, decision.segment, now, "succeeded", decision.causes, decision.kinds, "run"
                )
                self.launches.insert(0, launch)
                self._train(decision.segment, now, signals[decision.segment].examples)
        return decisions

    def _train(self, segment: str, at: datetime, examples: int) -> None:
        topics = dict.fromkeys(self.world.topics, examples // TOPICS)
        self.trainings[segment] = Training(
            at, "v", "fingerprint", examples, topics, dict.fromkeys(self.world.grades, examples)
        )


def _note(found: Record, world: World, today: date, decisions: list[RetrainingDecision], view: Windows) -> None:
    at = {name: number for number, name in enumerate(world.names)}
    fired = np.zeros((len(RULES), world.segments), bool)
    launched = np.zeros(world.segments, bool)
    for decision in decisions:
        column = at[decision.segment]
        for finding in decision.fired:
            if finding.rule in RULES:
                fired[RULES.index(finding.rule), column] = True
                launched[column] |= decision.outcome == "fire"
    found.days.append(today)
    found.fired.append(fired)
    found.launched.append(launched)
    found.kinds.append(_kind(today, view))


def _kind(today: date, view: Windows) -> str:
    """Exam: an exam day is judged. Holiday: one lies within the two weeks before, so the window reaches over it."""
    if view.exams & set(view.short.now):
        return "exam"
    first = view.short.now[0]
    return "holiday" if (today - first).days > len(view.short.now) else "ordinary"


# -- bare thresholds: the same figures, no intervals, no minimum, no mix -------------------------------------------
def _bare(plain: list[dict[str, NDArray]]) -> tuple[Flags, NDArray[np.float32]]:
    """Which thresholds are crossed, and the plain change of the mean rating."""

    def total(name: str, first: int, last: int | None = None) -> NDArray[np.float64]:
        return np.sum([day[name] for day in plain[first:last]], axis=0)

    def ratio(over: str, under: str, first: int, last: int | None = None) -> NDArray[np.float64]:
        return total(over, first, last) / total(under, first, last)

    with np.errstate(invalid="ignore", divide="ignore"):
        mean, base = ratio("rating_sum", "rated", -14), ratio("rating_sum", "rated", -70, -14)
        flags = np.array(
            [
                mean < 3.5,
                mean - base <= -0.15,
                ratio("negative", "judged", -7) > 1.2 * ratio("negative", "judged", -14, -7),
                ratio("relevance_sum", "relevance_n", -14) < 0.7,
                ratio("cultural", "n", -14) > ratio("cultural", "n", -70, -14),
                ratio("time_sum", "timed", -7) > 1.15 * ratio("time_sum", "timed", -14, -7),
                (ratio("topic_retried", "topic_n", -14) > 0.3).any(axis=1),
            ]
        )
    return flags, (mean - base).astype(np.float32)


# -- the tests themselves, against "nothing changed" ---------------------------------------------------------------
def _tests(signals: list[Signals]) -> Flags:
    """Shape (alphas, tests, segments): the interval lies wholly on the bad side of no change."""
    return np.array([[np.array(test(signals, alpha)) for test in _TESTS] for alpha in ALPHAS])


def _known(value: Known | None) -> Known:
    assert value is not None
    return value


def _below(get: Callable[[Signals], Change]) -> Callable[[list[Signals], float], list[bool]]:
    return lambda signals, alpha: [get(each).interval(alpha)[1] < 0 for each in signals]


def _share(shares: Shares, alpha: float) -> bool:
    z, _ = critical_values(alpha)
    base, dispersion = shares.expected * shares.worth, shares.dispersion_for(alpha)
    return share_ratio(shares.count, shares.n, base, shares.worth, z, dispersion)[1] > 1


def _rate(shares: Shares, alpha: float) -> bool:
    dispersion = max(shares.dispersion, shares.users.dispersion)
    count, base = shares.count / dispersion, shares.expected * shares.worth / dispersion
    return shares.count >= 5 and rate_ratio(count, shares.n, base, shares.worth, alpha)[1] > 1


def _tails(signals: list[Signals], alpha: float) -> Flags:
    z, _ = critical_values(alpha)
    tails = [_known(each.tail) for each in signals]
    dispersion = np.array([tail.dispersion for tail in tails])
    by_users = np.array([max(tail.dispersion, user_dispersion(tail.users, alpha)) for tail in tails])
    bounds = [
        x
        for table, dispersion in (
            (np.array([tail.histogram for tail in tails]), by_users),
            (np.array([tail.baseline for tail in tails]), dispersion),
        )
        for x in (histogram_quantiles(table, TAIL), *quantile_interval(table, TAIL, z, dispersion))
    ]
    return ratio_bounds(*bounds)[0] > 1


_TESTS: tuple[Callable[[list[Signals], float], Flags | list[bool]], ...] = (
    _below(lambda each: _known(each.rating)[0]),
    _below(lambda each: _known(each.rating)[1]),
    lambda signals, alpha: [_share(_known(each.negative), alpha) for each in signals],
    _below(lambda each: _known(each.relevance_change)),
    lambda signals, alpha: [_rate(_known(each.cultural), alpha) for each in signals],
    lambda signals, alpha: [_known(each.time).interval(alpha)[0] > 0 for each in signals],
    _tails,
)
