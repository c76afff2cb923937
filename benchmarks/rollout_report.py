"""What is told of each cell of benchmarks/rollout.py: shares with their n and Wilson's interval, medians, and the assignment."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2_contingency, chisquare

from lyo_pipelines.config.loading import load_config
from lyo_pipelines.config.rollout import RolloutConfig
from lyo_pipelines.rollout.assignment import BUCKETS, buckets, salt_of
from lyo_pipelines.statistics.proportions import wilson_bounds

CONFIG: RolloutConfig = load_config().rollout


def share(flags: NDArray[np.bool_] | np.bool_) -> dict[str, float]:
    """A share with its n and its interval."""
    found = np.asarray(flags).ravel()
    low, high = wilson_bounds(int(found.sum()), len(found), 1.96)
    return {"share": round(float(found.mean()), 4), "low": round(low, 4), "high": round(high, 4), "n": len(found)}


def tell_release(arrays: dict[str, NDArray]) -> dict[str, object]:
    done, back = np.isfinite(arrays["done"]), np.isfinite(arrays["back"])
    causes = {str(cause): int((arrays["cause"] == cause).sum()) for cause in np.unique(arrays["cause"]) if cause}
    return {
        "reaches_all": share(done), "reaches_all_within_14_days": share(arrays["done"] <= 14),
        "promoted_as_better": share(arrays["superior"]), "ever_claimed_better": share(np.isfinite(arrays["claimed"])),
        "falls_back": share(back), "causes": causes, "still_holds": share(~done & ~back),
        "mismatch_seen_within_3_days": share(arrays["mismatch"] <= 3), "mismatch_seen": share(np.isfinite(arrays["mismatch"])),
        "median_days_to_all": median(arrays["done"][done]), "median_days_to_fallback": median(arrays["back"][back]),
        "median_exposed_before_fallback": median(arrays["exposed"][back]), "mean_exposed": round(float(arrays["exposed"].mean()), 1),
    }  # fmt: skip


def tell_until(arrays: dict[str, NDArray]) -> dict[str, object]:
    """Releases that hold at stage 1 though their time is served: the days they were told, and the days it took."""
    held = np.isfinite(arrays["held"])
    said, took = arrays["said"][held], arrays["left"][held] - arrays["held"][held]
    return {
        "held": int(held.sum()), "median_days_said": median(said), "median_days_taken": median(took),
        "not_in_sight_said": int(np.isinf(said).sum()), "not_known_by_the_end": int(np.isinf(took).sum()),
    }  # fmt: skip


def tell_brake(arrays: dict[str, NDArray]) -> dict[str, object]:
    return {
        "falls_back_within_one_tick_of_200_answers": share(arrays["back"] <= arrays["due"] + 1),
        "by_the_tick_with_200": share(arrays["back"] <= arrays["due"]), "falls_back": share(np.isfinite(arrays["back"])),
        "median_answers": median(arrays["answers"]), "p99_answers": round(float(np.quantile(arrays["answers"], 0.99)), 1),
        "median_exposed": median(arrays["exposed"]),
    }  # fmt: skip


def tell_flags(arrays: dict[str, NDArray]) -> dict[str, object]:
    return {name: share(flags) for name, flags in arrays.items()}


def median(values: NDArray) -> float | None:
    found = float(np.median(values)) if len(values) else np.inf
    return round(found, 1) if np.isfinite(found) else None


def assignment(users: int = 1_000_000) -> dict[str, object]:
    """Buckets of so many users: even, independent between segments, and nobody moves back when the stage grows."""
    names = [f"u_{number}" for number in range(users)]
    first, second = (buckets(names, salt_of(segment, "v1")) for segment in ("tutoring.ta.math", "tutoring.hi.math"))
    table = np.histogram2d(first // 1000, second // 1000, bins=10)[0]
    moved = {
        f"{a.share:.0%} to {b.share:.0%}": int(((first < a.share * BUCKETS) & ~(first < b.share * BUCKETS)).sum())
        for a, b in zip(CONFIG.stages, CONFIG.stages[1:], strict=False)
    }
    return {
        "users": users, "chi_square_p_value": round(float(chisquare(np.bincount(first, minlength=BUCKETS)).pvalue), 4),
        "independent_segments_p_value": round(float(chi2_contingency(table).pvalue), 4),
        "share_below_10_percent": round(float((first < 1000).mean()), 5), "users_moved_back": moved,
    }  # fmt: skip
