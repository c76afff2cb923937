"""The cells of benchmarks/rollout.py: scenarios, our rule and its rivals run through them, and what is told of each."""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from rollout_world import Scenario, World
from scipy.stats import chi2_contingency, chisquare, norm

from lyo_pipelines.config.figures import load_figures
from lyo_pipelines.config.rollout import RolloutFigures
from lyo_pipelines.rollout.assignment import BUCKETS, buckets, salt_of
from lyo_pipelines.rollout.decide import decide
from lyo_pipelines.rollout.evidence import Case
from lyo_pipelines.rollout.experiment import experiment
from lyo_pipelines.statistics.proportions import wilson
from lyo_pipelines.statistics.sequential import bounds

BATCH = 100
HORIZON = 42
FIGURES: RolloutFigures = load_figures().rollout
CLASSES = {"users": 6000, "class_size": 30, "class_icc": 0.1, "icc": 0.05}


@dataclass(frozen=True)
class Cell:
    """kind: release (climbs, holds, falls back), brake (to the first 200 answers, hourly), experiment and interval (fixed share, 14 days)."""

    name: str
    scenario: Scenario
    kind: str = "release"
    days: int = HORIZON
    most: int = 100_000
    rivals: bool = False


CELLS = (
    Cell("harmful -0.3", Scenario(effect=-0.3), rivals=True),
    Cell("helpful +0.2", Scenario(effect=0.2), rivals=True),
    Cell("equal", Scenario(), rivals=True),
    Cell("at the margin -0.1", Scenario(effect=-0.1), rivals=True),
    Cell("errors 8 %, hourly", Scenario(errors=0.08, ticks=24), kind="brake", days=4),
    Cell("errors 8 % against 2 %, hourly", Scenario(errors=0.08, errors_current=0.02, ticks=24), kind="brake", days=4),
    Cell("time doubled, hourly", Scenario(slow=2.0, ticks=24), kind="brake", days=4),
    Cell("equal, brakes hourly for 14 days", Scenario(ticks=24), days=14, most=500),
    Cell("equal with 2 % errors in both arms", Scenario(errors=0.02, errors_current=0.02), days=14),
    Cell("interval of ratings, daily looks", Scenario(), kind="interval", days=14),
    Cell("interval of ratings, hourly looks", Scenario(ticks=24), kind="interval", days=14, most=500),
    Cell("interval of ratings, classes assigned whole", Scenario(**CLASSES), kind="interval", days=14),
    Cell("harmful -0.3, 200 a day", Scenario(effect=-0.3, daily=200, users=150), rivals=True),
    Cell("harmful -0.3, hourly", Scenario(effect=-0.3, ticks=24), most=500, days=14),
    Cell("helpful +0.2, 500 a day", Scenario(effect=0.2, daily=500, users=300), most=1000),
    Cell("helpful +0.2, 30 % rated", Scenario(effect=0.2, rated=0.3), most=1000),
    Cell("helpful +0.2, 10 % rated", Scenario(effect=0.2, rated=0.1), most=1000),
    Cell("harmful -0.3, 10 % rated", Scenario(effect=-0.3, rated=0.1), rivals=True, most=1000),
    Cell("equal, 10 % rated", Scenario(rated=0.1), rivals=True, most=1000),
    Cell("classes assigned whole, equal", Scenario(**CLASSES), rivals=True),
    Cell("classes assigned whole, at the margin -0.1", Scenario(effect=-0.1, **CLASSES), rivals=True),
    Cell("classes assigned whole, harmful -0.3", Scenario(effect=-0.3, **CLASSES), rivals=True),
    Cell("no history: harmful -0.3", Scenario(effect=-0.3, history=0), rivals=True, most=1000),
    Cell("no history: helpful +0.2", Scenario(effect=0.2, history=0), most=1000),
    Cell("no history: equal", Scenario(history=0), most=1000),
    Cell("half of the candidate's users lost", Scenario(lost=0.5), days=14, most=1000),
    Cell("A/B test, equal", Scenario(), kind="experiment", days=14),
)  # fmt: skip


def share(flags: NDArray[np.bool_] | np.bool_) -> dict[str, float]:
    """A share with its n and its interval."""
    found = np.asarray(flags).ravel()
    low, high = wilson(int(found.sum()), len(found))
    return {"share": round(float(found.mean()), 4), "low": round(low, 4), "high": round(high, 4), "n": len(found)}


def run_cell(cell: Cell, rollouts: int, seed: int) -> dict[str, object]:
    """Run a cell in batches."""
    run = {"release": _releases, "brake": _brakes, "experiment": _experiments, "interval": _intervals}[cell.kind]
    parts: list[dict[str, NDArray]] = []
    count = min(rollouts, cell.most)
    for at in range(0, count, BATCH):
        parts.append(run(cell, min(BATCH, count - at), crc32(cell.name.encode()) + 7919 * seed + at))
    arrays = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    tell = {"release": _tell_release, "brake": _tell_brake}.get(cell.kind, _tell_flags)
    report = tell(arrays)
    if cell.rivals:
        report["rivals"] = {
            "ship when inconclusive (row-level t-test at each stage's end)": _tell_ramp(arrays),
            "ROUGE-1 at least the base's": rouge(cell.scenario, count, crc32(cell.name.encode()), arrays["all_users"]),
        }
    return report


# -- our rule, and the rivals in the same worlds ---------------------------------------------------------------------------
def _releases(cell: Cell, batch: int, seed: int) -> dict[str, NDArray]:
    world = World(cell.scenario, batch, seed, cell.days)
    last = len(FIGURES.stages)
    found = {name: np.full(batch, np.inf) for name in ("done", "back", "mismatch", "claimed", "said", "held", "left")}
    found |= {"exposed": np.zeros(batch), "superior": np.zeros(batch, bool), "cause": np.full(batch, "", dtype="<U24")}
    for release in range(batch):
        world.enter(release, 1, FIGURES.stages[0].share)
    for _ in range(cell.days * cell.scenario.ticks):
        if not world.live.any():
            break
        world.step()
        for release in np.flatnonzero(world.live):
            decision = decide(world.observation(release), FIGURES)
            if decision.superior:
                found["claimed"][release] = min(found["claimed"][release], world.day)
            if any(f.rule == "up.sample_ratio" and f.outcome == "hold" for f in decision.reasons):
                found["mismatch"][release] = min(found["mismatch"][release], world.day)
            if decision.action == "hold" and world.day >= FIGURES.stages[0].days and not np.isfinite(found["held"][release]):
                found["held"][release] = world.day
                found["said"][release] = decision.until_known_days or np.inf
            elif decision.action != "hold" and np.isfinite(found["held"][release]):
                found["left"][release] = min(found["left"][release], world.day)
            if decision.action == "fall_back":
                found["back"][release] = world.day
                found["cause"][release] = next(f.rule for f in decision.reasons if f.outcome == "fire")
            elif decision.action == "up":
                stage = int(world.stage[release]) + 1
                if stage == last:
                    found["done"][release], found["superior"][release] = world.day, decision.superior
                else:
                    world.enter(release, stage, FIGURES.stages[stage - 1].share)
            if decision.action == "fall_back" or np.isfinite(found["done"][release]):
                found["exposed"][release] = world.exposed[release].sum()
                world.live[release] = False
    still = world.live
    found["exposed"][still] = world.exposed[still].sum(axis=1)
    if cell.rivals:
        found |= _ramp(cell, batch, seed + 1)
    return found


def _ramp(cell: Cell, batch: int, seed: int) -> dict[str, NDArray]:
    """Stages by the calendar; at the end of each a two-sided t-test of all ratings since the release began, at 5 %: back when
    significantly worse, on otherwise. And what the same test would have claimed, looked at every day."""
    world = World(cell.scenario, batch, seed, 15)
    ends = np.cumsum([stage.days for stage in FIGURES.stages[:-1]])
    found: dict[str, NDArray] = {
        "ramp_back": np.full(batch, np.inf), "ramp_exposed": np.zeros(batch), "row_better": np.zeros(batch, bool),
        "row_worse": np.zeros(batch, bool), "all_users": np.zeros(batch), "row_end_better": np.zeros(batch, bool),
    }  # fmt: skip
    everybody = np.zeros((batch, world.units), bool)
    for release in range(batch):
        world.enter(release, 1, FIGURES.stages[0].share)
    for day in range(1, int(ends[-1]) + 1):
        world.step()
        everybody |= world.sums["answers_n"] > 0
        for release in range(batch):
            _, t = world.rows_test(release)
            found["row_better"][release] |= t > norm.ppf(0.975)
            found["row_worse"][release] |= t < norm.ppf(0.025)
            if day in ends and not np.isfinite(found["ramp_back"][release]):
                if t < norm.ppf(0.025):
                    found["ramp_back"][release] = day
                    found["ramp_exposed"][release] = world.exposed[release].sum()
                found["row_end_better"][release] = t > norm.ppf(0.975)
            if day in ends[:-1]:  # the arms of the next stage
                world.share[release] = FIGURES.stages[int(np.searchsorted(ends, day)) + 1].share
    # who shipped it served everybody
    found["all_users"] = everybody.sum(axis=1).astype(float)
    shipped = ~np.isfinite(found["ramp_back"])
    found["ramp_exposed"][shipped] = found["all_users"][shipped]
    return found


def rouge(scenario: Scenario, count: int, seed: int, all_users: NDArray) -> dict[str, object]:
    """Offline, 300 test items: an adapter's true ROUGE-1 gain goes with its rating effect only loosely (correlation over adapters whose
    effects have a standard deviation of 0.2 points and 0.02 of ROUGE-1); the measured gain has a standard error of 0.007."""
    rng = np.random.default_rng(seed)
    told: dict[str, object] = {}
    for correlation in (0.3, 0.6):
        true = correlation * 0.02 * scenario.effect / 0.2 + 0.02 * np.sqrt(1 - correlation**2) * rng.standard_normal(count)
        promoted = true + 0.007 * rng.standard_normal(count) >= 0
        exposed = np.where(promoted, np.resize(all_users, count), 0.0)
        told[f"correlation {correlation}"] = {
            "reaches_all": share(promoted), "mean_exposed_users_in_14_days": round(float(exposed.mean()), 1),
            "median_exposed_when_promoted": round(float(np.median(all_users)), 1),
        }  # fmt: skip
    return told


def _brakes(cell: Cell, batch: int, seed: int) -> dict[str, NDArray]:
    """Until the tick after the first one with 200 answers of the candidate: whether it fell back by then, and where."""
    world = World(cell.scenario, batch, seed, cell.days)
    found = {"due": np.full(batch, np.inf), "back": np.full(batch, np.inf), "answers": np.zeros(batch), "exposed": np.zeros(batch)}
    for release in range(batch):
        world.enter(release, 1, FIGURES.stages[0].share)
    for _ in range(cell.days * cell.scenario.ticks):
        if not world.live.any():
            break
        world.step()
        for release in np.flatnonzero(world.live):
            seen = world.observation(release)
            if seen.candidate.answers >= 200:
                found["due"][release] = min(found["due"][release], world.tick)
            if decide(seen, FIGURES).action == "fall_back":
                found["back"][release], found["answers"][release] = world.tick, seen.candidate.answers
                found["exposed"][release] = world.exposed[release].sum()
                world.live[release] = False
    return found


def _experiments(cell: Cell, batch: int, seed: int) -> dict[str, NDArray]:
    world = World(cell.scenario, batch, seed, cell.days)
    found = {name: np.zeros(batch, bool) for name in ("rating", "response_time", "cultural_complaints", "retries", "any")}
    for release in range(batch):
        world.enter(release, 1, FIGURES.experiment.share)
    for _ in range(cell.days):
        world.step()
        for release in range(batch):
            for metric in experiment(world.observation(release), FIGURES).metrics:
                if metric.verdict != "cannot_tell":
                    found[metric.name][release] = found["any"][release] = True
    return {f"wrong_verdict_{name}": flags for name, flags in found.items()}


def _intervals(cell: Cell, batch: int, seed: int) -> dict[str, NDArray]:
    """Whether a bound of the difference in ratings (each at 95 %) ever excluded the truth, once there was exposure enough; and the
    same bound around rows that are taken for independent."""
    world = World(cell.scenario, batch, seed, cell.days)
    names = [f"{who}_{bound}_errs" for who in ("ours", "rows") for bound in ("low", "high")]
    found = {name: np.zeros(batch, bool) for name in names}
    for release in range(batch):
        world.enter(release, 1, FIGURES.stages[0].share)
    for _ in range(cell.days * cell.scenario.ticks):
        world.step()
        for release in range(batch):
            case = Case(world.observation(release), FIGURES)
            if case.seen.candidate.rated < FIGURES.up.rated or case.seen.candidate.users < min(FIGURES.up.users, 15):
                continue
            difference, t = world.rows_test(release)
            rows = bounds(difference, abs(difference / t), confidence=0.95, planned_error=FIGURES.planned_errors.rating)
            for who, around in (("ours", case.rating_bounds(0.95)), ("rows", rows)):
                found[f"{who}_low_errs"][release] |= around.low > cell.scenario.effect
                found[f"{who}_high_errs"][release] |= around.high < cell.scenario.effect
    return found


# -- what is told ------------------------------------------------------------------------------------------------------------
def _tell_release(arrays: dict[str, NDArray]) -> dict[str, object]:
    done, back = np.isfinite(arrays["done"]), np.isfinite(arrays["back"])
    causes = {str(cause): int((arrays["cause"] == cause).sum()) for cause in np.unique(arrays["cause"]) if cause}
    return {
        "reaches_all": share(done), "reaches_all_within_14_days": share(arrays["done"] <= 14),
        "promoted_as_better": share(arrays["superior"]), "ever_claimed_better": share(np.isfinite(arrays["claimed"])),
        "falls_back": share(back), "causes": causes, "still_holds": share(~done & ~back),
        "mismatch_seen_within_3_days": share(arrays["mismatch"] <= 3), "mismatch_seen": share(np.isfinite(arrays["mismatch"])),
        "until_known": _tell_until(arrays),
        "median_days_to_all": _median(arrays["done"][done]), "median_days_to_fallback": _median(arrays["back"][back]),
        "median_exposed_before_fallback": _median(arrays["exposed"][back]), "mean_exposed": round(float(arrays["exposed"].mean()), 1),
    }  # fmt: skip


def _tell_until(arrays: dict[str, NDArray]) -> dict[str, object]:
    """Releases that hold at stage 1 though their time is served: the days they were told, and the days it took."""
    held = np.isfinite(arrays["held"])
    said, took = arrays["said"][held], (arrays["left"] - arrays["held"])[held]
    return {
        "held": int(held.sum()), "median_days_said": _median(said), "median_days_taken": _median(took),
        "not_in_sight_said": int(np.isinf(said).sum()), "not_known_by_the_end": int(np.isinf(took).sum()),
    }  # fmt: skip


def _tell_ramp(arrays: dict[str, NDArray]) -> dict[str, object]:
    back = np.isfinite(arrays["ramp_back"])
    return {
        "reaches_all": share(~back), "shipped_as_better": share(~back & arrays["row_end_better"]),
        "median_days_to_fallback": _median(arrays["ramp_back"][back]),
        "median_exposed_before_fallback": _median(arrays["ramp_exposed"][back]),
        "median_exposed": _median(arrays["ramp_exposed"]), "mean_exposed": round(float(arrays["ramp_exposed"].mean()), 1),
        "daily_row_test_ever_better": share(arrays["row_better"]), "daily_row_test_ever_worse": share(arrays["row_worse"]),
    }  # fmt: skip


def _tell_brake(arrays: dict[str, NDArray]) -> dict[str, object]:
    return {
        "falls_back_within_one_tick_of_200_answers": share(arrays["back"] <= arrays["due"] + 1),
        "by_the_tick_with_200": share(arrays["back"] <= arrays["due"]), "falls_back": share(np.isfinite(arrays["back"])),
        "median_answers": _median(arrays["answers"]), "p99_answers": round(float(np.quantile(arrays["answers"], 0.99)), 1),
        "median_exposed": _median(arrays["exposed"]),
    }  # fmt: skip


def _tell_flags(arrays: dict[str, NDArray]) -> dict[str, object]:
    return {name: share(flags) for name, flags in arrays.items()}


def _median(values: NDArray) -> float | None:
    found = float(np.median(values)) if len(values) else np.inf
    return round(found, 1) if np.isfinite(found) else None


def assignment(users: int = 1_000_000) -> dict[str, object]:
    """Buckets of so many users: even, independent between segments, and nobody moves back when the stage grows."""
    names = [f"u_{number}" for number in range(users)]
    first, second = (buckets(names, salt_of(segment, "v1")) for segment in ("tutoring.ta.math", "tutoring.hi.math"))
    table = np.histogram2d(first // 1000, second // 1000, bins=10)[0]
    moved = {
        f"{a.share:.0%} to {b.share:.0%}": int(((first < a.share * BUCKETS) & ~(first < b.share * BUCKETS)).sum())
        for a, b in zip(FIGURES.stages, FIGURES.stages[1:], strict=False)
    }
    return {
        "users": users, "chi_square_p_value": round(float(chisquare(np.bincount(first, minlength=BUCKETS)).pvalue), 4),
        "independent_segments_p_value": round(float(chi2_contingency(table).pvalue), 4),
        "share_below_10_percent": round(float((first < 1000).mean()), 5), "users_moved_back": moved,
    }  # fmt: skip
