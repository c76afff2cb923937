"""The guards of a training by rewards: has it gone too far from its start, does it only write more, does it cheat its reward?

Whatever is rewarded is sooner or later satisfied in a way that nobody meant (Gao, Schulman and Hilton, "Scaling laws for reward model
overoptimization", ICML 2023). So each validation holds the reward and the judges, which the reward does not see, against the start,
on the same questions. Pure functions of a validation's figures, so that a resumed training decides as an undisturbed one. No torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lyo_pipelines.contracts.adapter import HeldAgainstStart
from lyo_pipelines.statistics.bootstrap import paired_bootstrap_by_group
from lyo_pipelines.training.recipes import Reinforcement

REWARD = "reward"
_JUDGE = "judge_"
_RESAMPLES = 2000


@dataclass(frozen=True)
class Validation:
    """What one model did on the validation questions; arrays are float64[n], NaN where a judge cannot say.

    reward: 0 to 1; judges: by name, 0 to 1, higher is better; lengths: tokens of each answer; unfinished: share without an end mark;
    kl: mean nats per token away from the start.
    """

    reward: NDArray[np.float64]
    judges: Mapping[str, NDArray[np.float64]]
    lengths: NDArray[np.float64]
    unfinished: float
    kl: float


def held_against_start(
    now: Validation, start: Validation, groups: Sequence[str], rule: Reinforcement, seed: int
) -> dict[str, float]:
    """The figures of a validation, by name, as they stand in the history of a training: all that the guards decide by.

    groups: of each question; differences are bootstrapped over them. A judge that says nothing of any question is left out.
    """
    found = {
        "kl": now.kl,
        "length": float(now.lengths.mean()),
        "length_start": float(start.lengths.mean()),
        "unfinished": now.unfinished,
        "unfinished_start": start.unfinished,
    }
    pairs = {REWARD: (now.reward, start.reward)}
    pairs |= {f"{_JUDGE}{name}": (values, start.judges[name]) for name, values in now.judges.items()}
    for name, (after, before) in pairs.items():
        known = ~(np.isnan(after) | np.isnan(before))
        if not known.any():
            continue
        kept = [group for group, there in zip(groups, known, strict=True) if there]
        found |= {name: float(after[known].mean()), f"{name}_start": float(before[known].mean())}
        found |= {f"{name}_n": float(known.sum()), f"{name}_change": float((after[known] - before[known]).mean())}
        if len(set(kept)) > 1:
            difference = paired_bootstrap_by_group(
                after[known], before[known], kept, resamples=_RESAMPLES, seed=seed, confidence=rule.confidence
            )
            found |= {f"{name}_low": difference.low, f"{name}_high": difference.high}
    return {name: value for name, value in found.items() if np.isfinite(value)}


def tripped(figures: Mapping[str, float], rule: Reinforcement) -> list[str]:
    """Why a training has to end here; [] where it may go on.

    The reward is cheated where it is shown to rise while a judge is shown to fall by more than is tolerated: whole intervals.
    """
    found: list[str] = []
    if figures["kl"] > rule.max_kl:
        found.append(
            f"it went {figures['kl']:.3g} nats per token away from its start (reinforcement.max_kl {rule.max_kl:g})"
        )
    before, after = figures["length_start"], figures["length"]
    if after > rule.max_length_ratio * before:
        found.append(
            f"its answers grew from {before:.0f} to {after:.0f} tokens (more than {rule.max_length_ratio:g} times: "
            "reinforcement.max_length_ratio)"
        )
    if figures.get(f"{REWARD}_low", 0.0) > 0:
        for name in judges_of(figures):
            high = figures.get(f"{_JUDGE}{name}_high", 0.0)
            if high < -rule.judge_tolerance:
                found.append(
                    f"the reward rose by {figures[f'{REWARD}_change']:+.3f} while the judge {name}, which it does not see, fell by "
                    f"{figures[f'{_JUDGE}{name}_change']:+.3f} [{figures[f'{_JUDGE}{name}_low']:+.3f}, {high:+.3f}]"
                )
    return found


def judges_of(figures: Mapping[str, float]) -> list[str]:
    """The judges that said something."""
    return [
        name.removeprefix(_JUDGE).removesuffix("_start")
        for name in figures
        if name.startswith(_JUDGE) and name.endswith("_start")
    ]


def rows_of(figures: Mapping[str, float]) -> tuple[HeldAgainstStart, ...]:
    """The reward and the judges, as a manifest keeps them."""
    return tuple(
        HeldAgainstStart(
            name=name.removeprefix(_JUDGE),
            rewarded=name == REWARD,
            n=int(figures[f"{name}_n"]),
            start=figures[f"{name}_start"],
            value=figures[name],
            change=figures[f"{name}_change"],
            ci_low=figures.get(f"{name}_low"),
            ci_high=figures.get(f"{name}_high"),
        )
        for name in (REWARD, *(f"{_JUDGE}{judge}" for judge in judges_of(figures)))
    )
