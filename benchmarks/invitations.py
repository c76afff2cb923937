"""What random invitations to rate are worth where volunteers rate because of what they think: means, retraining triggers, releases.

    nice python benchmarks/invitations.py [--only means triggers releases] [--repeats 2000] [--histories 250] [--releases 200]

`means` repeats one window of answers: how far the plain and the corrected mean are off, and how often the 95 % interval of the
corrected one holds the truth, with users as the unit (as in releases) and with groups of them (as in triggers). `triggers` and
`releases` run the real rules in the worlds of triggers_world.py and rollout_world.py, each twice: with a log that says who was
invited, and with the same log without it. Intervals of shares are Wilson's at 95 %; every cell says its n.
"""

from __future__ import annotations

import os

os.environ.setdefault("POLARS_MAX_THREADS", "1")

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import rollout_world
from numpy.typing import NDArray
from rollout_cells import BATCH, Cell, run_cell
from scipy.stats import t as student
from triggers_replay import RULES, WARM_UP, replay
from triggers_world import Scenario

from lyo_pipelines.health.contract import USER_GROUPS
from lyo_pipelines.retraining.curriculum import AcademicYear, Curriculum
from lyo_pipelines.statistics.cluster_robust import cluster_robust_ratio
from lyo_pipelines.statistics.invitations import Responses, fit_correction, worst_case_bounds
from lyo_pipelines.statistics.proportions import wilson_bounds
from lyo_pipelines.statistics.random_groups import grouped_ratio

OUT = Path(__file__).parent / "out" / "invitations.json"
ORDINARY = Curriculum(
    country="IN", time_zone="Asia/Kolkata", academic_year=AcademicYear(start="04-01"), languages={}, grades=(), subjects={}
)  # fmt: skip
"""No holidays, no exams."""
RATING_RULES = ("quality.average_rating", "quality.rating_drop")
SHARD = 50
Array = NDArray[np.float64]


def share(flags: NDArray[np.bool_]) -> dict[str, float]:
    """A share with its n and its interval."""
    low, high = wilson_bounds(int(flags.sum()), flags.size, 1.96)
    return {"share": round(float(flags.mean()), 4), "low": round(low, 4), "high": round(high, 4), "n": int(flags.size)}


def mean(values: Array) -> dict[str, float]:
    """A mean with its Monte-Carlo interval at 95 %."""
    error = 1.96 * float(values.std(ddof=1)) / np.sqrt(len(values))
    return {"mean": round(float(values.mean()), 4), "plus_minus": round(float(error), 4), "n": len(values)}


# -- means -----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Window:
    """One window of answers. pull: how much volunteering depends on the rating; moved: share of those who would not rate unasked whom
    an invitation moves, of the contented (above 3) and of the discontented."""

    answers: int
    users: int
    pull: float = 0.35
    invite: float = 0.1
    moved: tuple[float, float] = (0.55, 0.55)


WINDOWS = {
    "volunteering depends on the rating, 1,000 answers": Window(1_000, 150),
    "volunteering depends on the rating, 4,000 answers": Window(4_000, 400),
    "volunteering depends on the rating, 20,000 answers": Window(20_000, 1_000),
    "volunteering does not depend on the rating, 4,000 answers": Window(4_000, 400, pull=0.0),
    "the discontented are harder to move (45 %), 20,000 answers": Window(20_000, 1_000, moved=(0.55, 0.45)),
}


def answers_of(rng: np.random.Generator, window: Window) -> dict[str, NDArray]:
    """user, rating, invited, rated of every answer; users differ in how much they ask, how lenient they are and how ready to rate."""
    activity = np.arange(1, window.users + 1) ** -0.6
    user = rng.choice(window.users, window.answers, p=activity / activity.sum())
    trait = rng.normal(0, 1, window.users)[user]
    latent = 3.9 + 0.5 * trait - 0.3 * rng.normal(size=window.answers) + rng.normal(0, 0.9, window.answers)
    rating = np.clip(np.round(latent), 1, 5)
    unasked = 1 / (1 + np.exp(2.2 - 0.5 * trait - window.pull * ((rating - 3.6) ** 2 - 1.2)))
    invited = rng.random(window.answers) < window.invite
    moved = np.array(window.moved)[(rating <= 3).astype(int)]
    rated = rng.random(window.answers) < np.where(invited, unasked + (1 - unasked) * moved, unasked)
    return {"user": user, "rating": rating, "invited": invited, "rated": rated}


def means(window: Window, repeats: int, seed: int) -> dict[str, Any]:
    """How far means are off the true one, and whether intervals hold it."""
    rng = np.random.default_rng(seed)
    truth = float(
        answers_of(np.random.default_rng(1), replace(window, answers=2_000_000, users=200_000))["rating"].mean()
    )
    found: dict[str, list[float]] = {
        name: [] for name in ("plain", "volunteers", "invited", "corrected", "error", "width")
    }
    covered, by_group, bounded, known = list[bool](), list[bool](), list[bool](), list[float]()
    for _ in range(repeats):
        rows = answers_of(rng, window)
        rating, invited, rated = rows["rating"], rows["invited"], rows["rated"]

        def sums(those: NDArray[np.bool_], rows: dict[str, NDArray] = rows) -> Responses:
            columns = (those, those & rows["rated"], (those & rows["rated"]) * rows["rating"])
            return Responses(*(np.bincount(rows["user"], weights=c, minlength=window.users)[None, :] for c in columns))

        asked, free = sums(invited), sums(~invited)
        correction = fit_correction(asked, free)
        ratio = cluster_robust_ratio(correction.totals(asked, free)[0], (asked.n + free.n)[0])
        counts = asked.rated[0]
        width = student.ppf(0.975, counts.sum() ** 2 / np.square(counts).sum() - 1) * ratio.standard_error
        in_groups = [
            np.bincount(np.arange(window.users) % USER_GROUPS, weights=values, minlength=USER_GROUPS)[None, :]
            for values in ((asked.n + free.n)[0], correction.totals(asked, free)[0])
        ]
        grouped = grouped_ratio(*in_groups)
        wide = student.ppf(0.975, grouped.degrees_of_freedom[0]) * grouped.standard_error[0]
        by_group.append(abs(grouped.value[0] - truth) <= wide)
        found["plain"].append(rating[rated].mean() - truth)
        found["volunteers"].append(rating[rated & ~invited].mean() - truth)
        found["invited"].append(rating[rated & invited].mean() - truth)
        found["corrected"].append(ratio.value - truth)
        found["error"].append(ratio.standard_error)
        low, high = (float(bound[0]) for bound in worst_case_bounds(asked))
        found["width"].append(high - low)
        covered.append(abs(ratio.value - truth) <= width)
        bounded.append(low <= truth <= high)
        known.append(counts.sum())
    return {
        "truth": round(truth, 4), "invited_ratings": round(float(np.mean(known)), 1),
        **{f"{name}_off_by": mean(np.array(found[name])) for name in ("plain", "volunteers", "invited", "corrected")},
        "standard_error": round(float(np.mean(found["error"])), 4), "corrected_covers": share(np.array(covered)),
        "corrected_covers_by_groups_of_users": share(np.array(by_group)),
        "bounds_hold": share(np.array(bounded)), "bounds_width": round(float(np.mean(found["width"])), 3),
    }  # fmt: skip


# -- triggers --------------------------------------------------------------------------------------------------------
_CHANGED: dict[str, Any] = {"weeks": WARM_UP // 7 + 5, "at": WARM_UP, "invite": 0.1}
_VOCAL = (0.13, 0.40)
TRIGGERS = {
    f"{name} at {weekly} a week": Scenario(weekly, **_CHANGED, **more)
    for weekly in (200, 1000)
    for name, more in (
        ("nothing changes", {}),
        ("only the discontented begin to rate unasked", {"unasked_after": _VOCAL}),
        ("ratings fall by 0.5", {"drop": 0.5}),
    )
}


def triggers(scenario: Scenario, histories: int, seed: int) -> dict[str, Any]:
    """Histories in which a rule about mean ratings fires within four weeks."""
    told = {}
    for name, is_told in (("invitations_told", True), ("not_told", False)):
        parts = [
            replay(replace(scenario, told=is_told), min(SHARD, histories - first), seed + first, ORDINARY)["fired"]
            for first in range(0, histories, SHARD)
        ]
        fired = np.concatenate(parts, axis=-1)[1:29, [RULES.index(rule) for rule in RATING_RULES]]
        told[name] = {"within_14": share(fired[:14].any(axis=(0, 1))), "within_28": share(fired.any(axis=(0, 1)))}
    return told


# -- releases --------------------------------------------------------------------------------------------------------
_ASKED: dict[str, Any] = {"invite": 0.1, "rated": 0.18}
RELEASES = {
    "equal": rollout_world.Scenario(**_ASKED),
    "equal, but its discontented rate unasked three times as often": rollout_world.Scenario(
        **_ASKED, unasked_candidate=_VOCAL
    ),
    "harmful -0.3": rollout_world.Scenario(**_ASKED, effect=-0.3),
    "harmful -0.3, but its discontented stay silent and its contented do not": rollout_world.Scenario(
        **_ASKED, effect=-0.3, unasked_candidate=(0.20, 0.04)
    ),
    "helpful +0.2": rollout_world.Scenario(**_ASKED, effect=0.2),
}


def releases(scenario: rollout_world.Scenario, count: int, seed: int) -> dict[str, Any]:
    """Releases of six weeks: what becomes of them."""
    kept = (
        "reaches_all",
        "falls_back",
        "still_holds",
        "causes",
        "median_days_to_all",
        "median_days_to_fallback",
        "mean_exposed",
    )
    told = {}
    for name, is_told in (("invitations_told", True), ("not_told", False)):
        cell = Cell(f"invitations {name}", replace(scenario, told=is_told))
        found = run_cell(cell, count, seed)
        told[name] = {key: found[key] for key in kept}
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=["means", "triggers", "releases"])
    parser.add_argument("--cells", default="", help="only cells with this in their names")
    parser.add_argument("--repeats", type=int, default=2000)
    parser.add_argument("--histories", type=int, default=250)
    parser.add_argument("--releases", type=int, default=2 * BATCH)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    report: dict[str, Any] = json.loads(given.out.read_text()) if given.out.exists() else {}
    started = time.perf_counter()
    parts: dict[str, tuple[dict[str, Any], Callable[..., dict[str, Any]], int]] = {
        "means": (WINDOWS, means, given.repeats),
        "triggers": (TRIGGERS, triggers, given.histories),
        "releases": (RELEASES, releases, given.releases),
    }
    for part in given.only:
        worlds, run, count = parts[part]
        for name, world in worlds.items():
            if given.cells not in name:
                continue
            found = run(world, count, crc32(name.encode()) % 10**6 + 7919 * given.seed)
            report.setdefault(part, {})[name] = found
            print(f"{time.perf_counter() - started:6.0f} s  {part}: {name}: {json.dumps(found)}", flush=True)
            given.out.parent.mkdir(exist_ok=True)
            given.out.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
