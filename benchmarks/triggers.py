"""How good the retraining decisions are: the real rules at simulated histories, and how long one tick takes.

    python benchmarks/triggers.py [--histories 1000] [--only stationary drops mix holidays one tick] [--workers 2]

A history is one segment, looked at every morning after twelve weeks; what fires is launched and succeeds, so cooldowns and causes
launched lately hold as in production. Worlds are made by triggers_world.py, looks by triggers_replay.py, the tick's lake by
triggers_tick.py. Intervals are Wilson's at 95 %; weeks of one history are taken as independent. `fires`: a finding fires, also while
something holds the launch back.
"""

from __future__ import annotations

import os

os.environ.setdefault("POLARS_MAX_THREADS", "1")  # one process per core does the work

import argparse
import json
import multiprocessing
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from triggers_replay import ALPHAS, BARE, RULES, TESTS, WARM_UP, replay
from triggers_tick import tick
from triggers_world import Scenario, check_aggregation

from lyo_pipelines.retraining.curriculum import Curriculum, load_curriculum
from lyo_pipelines.retraining.decide import RATINGS, TOPIC_RATINGS
from lyo_pipelines.statistics.proportions import wilson_bounds
from lyo_pipelines.storage.lake import Lake

OUT = Path(__file__).parent / "out" / "triggers.json"
SHARD = 250
DETECT_DAYS = 28
PARTS = ("stationary", "drops", "mix", "holidays", "one", "tick")


@dataclass(frozen=True)
class Cell:
    """Histories of one scenario; `tests`: look at the tests without the configured values, too."""

    part: str
    name: str
    scenario: Scenario
    tests: bool = False
    side: bool = False
    """Beside the claims, for the curve: one shard is enough."""

    @property
    def title(self) -> str:
        return f"{self.part}, {self.name}"


def cells(calendar: Curriculum) -> list[Cell]:
    warm = WARM_UP // 7
    found = [
        Cell("stationary", f"{weekly} a week", Scenario(weekly, weeks=warm + 26), tests=True)
        for weekly in (50, 200, 1000)
    ]
    found.append(Cell("holidays", "200 a week", Scenario(200, weeks=warm + 34, calendar=calendar)))
    changed: dict[str, Any] = {"weeks": warm + DETECT_DAYS // 7 + 1, "at": WARM_UP}
    for weekly in (50, 100, 200, 400, 1000):
        found += [
            Cell(
                "drops",
                f"rating -{drop} at {weekly} a week",
                Scenario(weekly, drop=drop, **changed),
                side=weekly != 200,
            )
            for drop in (0.5, 0.3)
        ]
    for weekly in (50, 200, 1000):
        found += [
            Cell("drops", f"time x {slow} at {weekly} a week", Scenario(weekly, slow=slow, **changed), side=True)
            for slow in (1.3, 1.5)
        ]
    for weekly in (200, 1000):
        found += [
            Cell("mix", f"mean -{fall} at {weekly} a week", Scenario(weekly, mix_fall=fall, **changed))
            for fall in (0.3, 0.5)
        ]
    for weekly in (200, 1000):
        found += [
            Cell("one", f"{name} at {weekly} a week", Scenario(weekly, **of, **changed))
            for name, of in (
                ("a broken client", {"client": 0.25}),
                ("a heavy user who rates with 1", {"rater": 0.5}),
                ("a user below an eighth who rates with 1", {"rater": 0.08}),
            )
        ]
    found.append(
        Cell(
            "drops",
            "rating -0.5 at 200 a week beside a heavy user who rates with 5",
            Scenario(200, drop=0.5, rater=0.5, stars=5.0, **changed),
        )
    )
    return sorted(found, key=lambda cell: (abs(cell.scenario.weekly - 200), cell.scenario.weeks))


def run_cells(
    chosen: list[Cell], histories: int, workers: int, calendar: Curriculum, keep: Path, seed: int
) -> dict[str, dict[str, NDArray]]:
    """Replay every cell in shards, each in a process of its own; arrays of all shards side by side."""
    ordinary = calendar.model_copy(update={"holidays": (), "exam_weeks": ()})
    found: dict[str, list[dict[str, NDArray]]] = {cell.title: [] for cell in chosen}
    started = time.perf_counter()
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        waiting = {}
        # first a part of every cell, then the rest: a run that is broken off has seen everything
        for shard, first in enumerate(range(0, histories, SHARD)):
            for cell in chosen:
                if cell.side and shard:
                    continue
                school = cell.scenario.calendar or ordinary
                path = keep / f"{crc32(cell.title.encode()):08x}-{seed}-{shard}-{min(SHARD, histories - first)}.npz"
                own = crc32(cell.title.encode()) + shard + 1_000_003 * seed
                task = pool.submit(
                    _shard, path, cell.scenario, min(SHARD, histories - first), own, school, tests=cell.tests
                )
                waiting[task] = cell.title
        for at, done in enumerate(as_completed(waiting), start=1):
            found[waiting[done]].append(done.result())
            print(f"  {time.perf_counter() - started:6.0f} s  {at} of {len(waiting)}: {waiting[done]}", flush=True)
    return {
        title: {
            key: parts[0][key] if key == "kinds" else np.concatenate([part[key] for part in parts], axis=-1)
            for key in parts[0]
        }
        for title, parts in found.items()
    }


def _shard(path: Path, *arguments: Any, tests: bool) -> dict[str, NDArray]:
    if path.exists():
        return dict(np.load(path))
    found = replay(*arguments, tests=tests)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial.npz")
    np.savez_compressed(partial, allow_pickle=False, **found)
    partial.rename(path)
    return found


def share(hits: NDArray[np.bool_] | np.bool_) -> dict[str, Any]:
    """A share with its n and its interval."""
    flags = np.asarray(hits).ravel()
    low, high = wilson_bounds(int(flags.sum()), len(flags), 1.96)
    return {"share": round(float(flags.mean()), 5), "low": round(low, 5), "high": round(high, 5), "n": len(flags)}


def by_week(flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Looks first -> weeks first: whether anything happened in the week."""
    weeks = len(flags) // 7
    return np.asarray(flags[: 7 * weeks].reshape(weeks, 7, *flags.shape[1:]).any(axis=1))


# -- what is told of each part ---------------------------------------------------------------------------------------
def stationary(arrays: dict[str, NDArray]) -> dict[str, Any]:
    fired, bare, tests = by_week(arrays["fired"]), by_week(arrays["bare"]), arrays["tests"]
    weekly = by_week(tests).mean(axis=(0, 3))
    single = tests.mean(axis=(0, 3))
    return {
        "fires": share(fired.any(axis=1)),
        "launches": share(by_week(arrays["launched"])),
        "histories_with_any": share(fired.any(axis=(0, 1))),
        "by_rule": {rule: share(fired[:, at]) for at, rule in enumerate(RULES)},
        "bare": share(bare.any(axis=1)),
        "bare_by_rule": {rule: share(bare[:, at]) for at, rule in enumerate(BARE)},
        "tests": {
            test: [
                {
                    "alpha": round(alpha, 6),
                    "single_look": round(float(single[row, at]), 6),
                    "week": round(float(weekly[row, at]), 6),
                    "looks_per_week": round(float(weekly[row, at] / single[row, at]), 2) if single[row, at] else None,
                }
                for row, alpha in enumerate(ALPHAS)
            ]
            for at, test in enumerate(TESTS)
        },
    }


def detection(arrays: dict[str, NDArray], rules: Iterable[str]) -> dict[str, Any]:
    """From the first look that sees a changed day to the first that fires; days of change that were seen by then."""
    # the first look sees the last day of the warm-up, and no change yet
    fired = arrays["fired"][1 : DETECT_DAYS + 1, [RULES.index(rule) for rule in rules]].any(axis=1)
    day = np.where(fired.any(axis=0), fired.argmax(axis=0) + 1.0, np.inf)
    median = float(np.median(day))
    return {
        "within_14": share(day <= 14), "within_21": share(day <= 21), "within_28": share(day <= DETECT_DAYS),
        "median_days": median if np.isfinite(median) else None,
    }  # fmt: skip


def drops(name: str, arrays: dict[str, NDArray]) -> dict[str, Any]:
    if name.startswith("time"):
        return detection(arrays, ["performance.response_time"])
    return detection(arrays, [*RATINGS, TOPIC_RATINGS]) | {
        "any_rule_within_14": share(arrays["fired"][1:15].any(axis=(0, 1)))
    }


def mix(arrays: dict[str, NDArray]) -> dict[str, Any]:
    fired, bare = arrays["fired"][1 : DETECT_DAYS + 1], arrays["bare"][1 : DETECT_DAYS + 1]
    return {
        "fires": share(fired.any(axis=(0, 1))),
        "by_rule": {rule: share(fired[:, at].any(axis=0)) for at, rule in enumerate(RULES) if fired[:, at].any()},
        "bare": share(bare.any(axis=(0, 1))),
        "plain_mean_fell_by": round(float(np.nanmean(-arrays["change"][15])), 3),
        "bare_rating_drop": share(bare[:, BARE.index("rating_drop")].any(axis=0)),
    }


def holidays(arrays: dict[str, NDArray]) -> dict[str, Any]:
    """Looks of each kind in runs of one week at most: a week counts to the kind that is rarest in it."""
    weeks = len(arrays["kinds"]) // 7
    kinds = np.array([_kind(arrays["kinds"][7 * week : 7 * week + 7]) for week in range(weeks)])
    fired, bare = by_week(arrays["fired"]), by_week(arrays["bare"])
    return {
        kind: {
            "weeks": int((kinds == kind).sum()),
            "fires": share(fired[kinds == kind].any(axis=1)),
            "bare": share(bare[kinds == kind].any(axis=1)),
            "by_rule": {rule: share(fired[kinds == kind, at]) for at, rule in enumerate(RULES)},
        }
        for kind in ("ordinary", "holiday", "exam")
    }


def _kind(looks: NDArray) -> str:
    return next(kind for kind in ("exam", "holiday", "ordinary") if kind in looks)


def one(arrays: dict[str, NDArray]) -> dict[str, Any]:
    """Weeks in which anything fires although all but one user fare as before, and how many histories have one."""
    fired, bare = arrays["fired"][1 : DETECT_DAYS + 1], arrays["bare"][1 : DETECT_DAYS + 1]
    return {
        "fires_in_a_week": share(by_week(fired).any(axis=1)),
        "histories_with_any": share(fired.any(axis=(0, 1))),
        "by_rule": {rule: share(fired[:, at].any(axis=0)) for at, rule in enumerate(RULES) if fired[:, at].any()},
        "bare": share(bare.any(axis=(0, 1))),
    }


# -- tables ----------------------------------------------------------------------------------------------------------
def told(value: dict[str, Any]) -> str:
    return f"{100 * value['share']:6.2f} % [{100 * value['low']:.2f}, {100 * value['high']:.2f}]"


def show(part: str, name: str, result: dict[str, Any]) -> None:
    print(f"\n{part}: {name}")
    if part == "stationary":
        print(f"  fires {told(result['fires'])}   launches {told(result['launches'])}   bare {told(result['bare'])}")
        for rule, value in result["by_rule"].items():
            print(f"    {rule:30}{told(value)}   bare {told(result['bare_by_rule'].get(rule.split('.')[1], value))}")
        print("  tests without the configured values; level: share of looks, of weeks (their ratio: looks per week)")
        for test, rows in result["tests"].items():
            config = (
                f"{row['alpha']:.5f}: {row['single_look']:.5f}, {row['week']:.5f} ({row['looks_per_week']})"
                for row in rows
            )
            print(f"    {test:14}{' | '.join(config)}")
    elif part == "holidays":
        for kind, value in result.items():
            print(f"  {kind:10}{value['weeks']:3} weeks  fires {told(value['fires'])}   bare {told(value['bare'])}")
            print(
                "    "
                + ", ".join(f"{rule} {100 * x['share']:.2f} %" for rule, x in value["by_rule"].items() if x["share"])
            )
    else:
        for key, value in result.items():
            print(f"  {key:22}{told(value) if isinstance(value, dict) and 'share' in value else value}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--histories", type=int, default=1000)
    parser.add_argument("--only", nargs="*", choices=PARTS, default=PARTS)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--keep", type=Path, help="folder of what was simulated: a run that was broken off goes on from there"
    )
    parser.add_argument("--seed", type=int, default=1, help="0: the histories that the figures were chosen on")
    arguments = parser.parse_args()
    check_aggregation()
    started = time.perf_counter()
    calendar = load_curriculum(Lake("none"))
    chosen = [cell for cell in cells(calendar) if cell.part in arguments.only]
    report: dict[str, Any] = json.loads(OUT.read_text()) if OUT.exists() else {}
    with TemporaryDirectory() as folder:
        keep = arguments.keep or Path(folder)
        arrays = {}
        if chosen:
            arrays = run_cells(chosen, arguments.histories, arguments.workers, calendar, keep, arguments.seed)
    for cell in chosen:
        found = arrays[cell.title]
        result = drops(cell.name, found) if cell.part == "drops" else globals()[cell.part](found)
        report.setdefault(cell.part, {})[cell.name] = result
        show(cell.part, cell.name, result)
    if "tick" in arguments.only:
        report["tick"] = tick()
    report["seed"] = arguments.seed
    report["histories"], report["seconds"] = arguments.histories, round(time.perf_counter() - started)
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(report, indent=2) + "\n")
    print(f"\n{report['seconds']} s")


if __name__ == "__main__":
    main()
