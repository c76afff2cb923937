"""The cells of benchmarks/rollout.py: scenarios, and our rule run through them. Rivals stand in rollout_rivals.py."""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from rollout_report import CONFIG, tell_brake, tell_flags, tell_release, tell_until
from rollout_rivals import ramp, rouge, tell_ramp
from rollout_world import Scenario, World

from lyo_pipelines.rollout.decide import decide_release
from lyo_pipelines.rollout.evidence import ReleaseCase
from lyo_pipelines.rollout.experiment import evaluate_experiment
from lyo_pipelines.rollout.findings import ReleaseDecision
from lyo_pipelines.statistics.sequential import sequential_bounds

BATCH = 100
HORIZON = 42
CLASSES = {"users": 6000, "class_size": 30, "class_icc": 0.1, "icc": 0.05}


@dataclass(frozen=True)
class Cell:
    """kind: release (climbs, holds, falls back), brake (to the first 200 answers), experiment and interval (fixed share, 14 days)."""

    name: str
    scenario: Scenario
    kind: str = "release"
    days: int = HORIZON
    most: int = 100_000
    rivals: bool = False
    until: bool = False


CELLS = (
    Cell("harmful -0.3", Scenario(effect=-0.3), rivals=True),
    Cell("helpful +0.2", Scenario(effect=0.2), rivals=True),
    Cell("equal", Scenario(), rivals=True, until=True),
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
    Cell("one broken client: equal", Scenario(broken=1), most=1000),
    Cell("one broken client: equal, brakes hourly for 14 days", Scenario(broken=1, ticks=24), days=14, most=200),
    Cell("one broken client: errors 8 %, hourly", Scenario(broken=1, errors=0.08, ticks=24), kind="brake", days=4, most=1000),
    Cell("heavy users: equal", Scenario(zipf=1.2), most=1000),
    Cell("heavy users: harmful -0.3", Scenario(effect=-0.3, zipf=1.2), most=1000),
    Cell("heavy users: interval of ratings, daily looks", Scenario(zipf=1.2), kind="interval", days=14, most=1000),
    Cell("rows without version: equal", Scenario(nameless=1.0), most=1000),
    Cell("rows without version: errors 8 %, hourly", Scenario(nameless=1.0, errors=0.08, ticks=24), kind="brake", days=4, most=1000),
    Cell("rows without version: errors 30 %, hourly", Scenario(nameless=1.0, errors=0.3, ticks=24), kind="brake", days=4, most=1000),
    Cell("A/B test, equal", Scenario(), kind="experiment", days=14),
)  # fmt: skip


def run_cell(cell: Cell, rollouts: int, seed: int) -> dict[str, object]:
    """Run a cell in batches."""
    run = {"release": _releases, "brake": _brakes, "experiment": _experiments, "interval": _intervals}[cell.kind]
    parts: list[dict[str, NDArray]] = []
    count = min(rollouts, cell.most)
    for at in range(0, count, BATCH):
        parts.append(run(cell, min(BATCH, count - at), crc32(cell.name.encode()) + 7919 * seed + at))
    arrays = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    tell = {"release": tell_release, "brake": tell_brake}.get(cell.kind, tell_flags)
    report = tell(arrays)
    if cell.until:
        report["until_known"] = tell_until(arrays)
    if cell.rivals:
        report["rivals"] = {
            "ship when inconclusive (row-level t-test at each stage's end)": tell_ramp(arrays),
            "ROUGE-1 at least the base's": rouge(cell.scenario, count, crc32(cell.name.encode()), arrays["all_users"]),
        }
    return report


def _releases(cell: Cell, batch: int, seed: int) -> dict[str, NDArray]:
    world = World(cell.scenario, batch, seed, cell.days)
    found = {name: np.full(batch, np.inf) for name in ("done", "back", "mismatch", "claimed", "said", "held", "left")}
    found |= {"exposed": np.zeros(batch), "superior": np.zeros(batch, bool), "cause": np.full(batch, "", dtype="<U24")}
    for release in range(batch):
        world.enter(release, 1, CONFIG.stages[0].share)
    for _ in range(cell.days * cell.scenario.ticks):
        if not world.live.any():
            break
        world.step()
        for release in np.flatnonzero(world.live):
            _follow(world, release, decide_release(world.observation(release), CONFIG), found)
    still = world.live
    found["exposed"][still] = world.exposed[still].sum(axis=1)
    if cell.rivals:
        found |= ramp(cell.scenario, batch, seed + 1)
    return found


def _follow(world: World, release: int, decision: ReleaseDecision, found: dict[str, NDArray]) -> None:
    """Do what was decided, and note it."""

    def first(name: str) -> None:
        found[name][release] = min(found[name][release], world.day)

    if decision.superior:
        first("claimed")
    if any(f.rule == "up.sample_ratio" and f.outcome == "hold" for f in decision.reasons):
        first("mismatch")
    if decision.action != "hold":
        if np.isfinite(found["held"][release]):
            first("left")
    elif world.day >= CONFIG.stages[0].days and not np.isfinite(found["held"][release]):
        found["held"][release], found["said"][release] = world.day, decision.until_known_days or np.inf
    if decision.action == "fall_back":
        found["back"][release] = world.day
        found["cause"][release] = next(f.rule for f in decision.reasons if f.outcome == "fire")
    elif decision.action == "up":
        stage = int(world.stage[release]) + 1
        if stage < len(CONFIG.stages):
            world.enter(release, stage, CONFIG.stages[stage - 1].share)
            return
        found["done"][release], found["superior"][release] = world.day, decision.superior
    if decision.action in ("fall_back", "up"):
        found["exposed"][release] = world.exposed[release].sum()
        world.live[release] = False


def _brakes(cell: Cell, batch: int, seed: int) -> dict[str, NDArray]:
    """Until the tick after the first one with 200 answers of the candidate: whether it fell back by then, and where."""
    world = World(cell.scenario, batch, seed, cell.days)
    found = {
        "due": np.full(batch, np.inf),
        "back": np.full(batch, np.inf),
        "answers": np.zeros(batch),
        "exposed": np.zeros(batch),
    }
    for release in range(batch):
        world.enter(release, 1, CONFIG.stages[0].share)
    for _ in range(cell.days * cell.scenario.ticks):
        if not world.live.any():
            break
        world.step()
        for release in np.flatnonzero(world.live):
            seen = world.observation(release)
            if seen.candidate.answers >= 200:
                found["due"][release] = min(found["due"][release], world.tick)
            if decide_release(seen, CONFIG).action == "fall_back":
                found["back"][release], found["answers"][release] = world.tick, seen.candidate.answers
                found["exposed"][release] = world.exposed[release].sum()
                world.live[release] = False
    return found


def _experiments(cell: Cell, batch: int, seed: int) -> dict[str, NDArray]:
    world = World(cell.scenario, batch, seed, cell.days)
    found = {
        name: np.zeros(batch, bool) for name in ("rating", "response_time", "cultural_complaints", "retries", "any")
    }
    for release in range(batch):
        world.enter(release, 1, CONFIG.experiment.share)
    for _ in range(cell.days):
        world.step()
        for release in range(batch):
            for metric in evaluate_experiment(world.observation(release), CONFIG).metrics:
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
        world.enter(release, 1, CONFIG.stages[0].share)
    for _ in range(cell.days * cell.scenario.ticks):
        world.step()
        for release in range(batch):
            case = ReleaseCase(world.observation(release), CONFIG)
            if case.seen.candidate.rated < CONFIG.up.rated or case.seen.candidate.users < min(CONFIG.up.users, 15):
                continue
            difference, t = world.rows_test(release)
            error = abs(difference / t) if t else np.nan
            rows = sequential_bounds(difference, error, confidence=0.95, planned_error=CONFIG.planned_errors.rating)
            for who, around in (("ours", case.rating_bounds(0.95)), ("rows", rows)):
                found[f"{who}_low_errs"][release] |= around.low > cell.scenario.effect
                found[f"{who}_high_errs"][release] |= around.high < cell.scenario.effect
    return found
