"""From candidates' costs to findings: ranks, membership, exposure and the one-run bound. Pure; what was scored how is not known here.

Exposure ranks a canary by its cost under the trained model, as the Secret Sharer does. Membership and the one-run guesses rank it by
how much cheaper training made it than it is for the base model, which finds more (Carlini et al., "Membership Inference Attacks From
First Principles", 2022, on calibrating by difficulty). Both are exact under chance, whatever the model: secret and controls were drawn
alike.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lyo_pipelines.config.privacy import PrivacyConfig
from lyo_pipelines.contracts.privacy import CanaryExposure, Finding, OneRun, Repetition, ShareFound
from lyo_pipelines.privacy_audit.canaries import Canary
from lyo_pipelines.statistics.exact_intervals import at_least_p_value, median_bounds, share_bounds
from lyo_pipelines.statistics.exposure import modelled_exposure, rank_among, ranked_exposure
from lyo_pipelines.statistics.one_run import epsilon_ceiling, epsilon_lower_bound

Costs = Mapping[str, Sequence[float]]
"""Canary's name -> nats of each of its candidates, the secret's first."""


@dataclass(frozen=True)
class RankedCanary:
    """One canary's places among its candidates (1: cheapest). by_cost: for exposure; by_gain: by what training changed."""

    canary: Canary
    by_cost: int
    by_gain: int
    modelled: float


@dataclass(frozen=True)
class Findings:
    """What one trained model shows. left_out: canaries that nobody planted; usual: those with few repetitions together."""

    left_out: Repetition
    repetitions: tuple[Repetition, ...]
    usual: ShareFound | None


def rank_canaries(canaries: Sequence[Canary], base: Costs, trained: Costs) -> list[RankedCanary]:
    """Rank every canary among its candidates. base, trained: costs without and with what was learnt."""
    found = list[RankedCanary]()
    for canary in canaries:
        after = np.asarray(trained[canary.name], float)
        gain = after - np.asarray(base[canary.name], float)
        found.append(
            RankedCanary(
                canary=canary,
                by_cost=rank_among(float(after[0]), after[1:].tolist()),
                by_gain=rank_among(float(gain[0]), gain[1:].tolist()),
                modelled=modelled_exposure(float(after[0]), after[1:].tolist()),
            )
        )
    return found


def findings_of(ranked: Sequence[RankedCanary], config: PrivacyConfig) -> Findings:
    """What is found by repetition, of the canaries that were left out, and of those of few repetitions together."""
    left_out = [one for one in ranked if not one.canary.planted]
    levels = tuple(
        Repetition(
            rows=rows,
            membership=membership(planted, config),
            exposure=exposure(planted, config),
            one_run=one_run([one for one in ranked if one.canary.rows == rows], config),
        )
        for rows in config.repetitions
        if (planted := [one for one in ranked if one.canary.planted and one.canary.rows == rows])
    )
    few = [one for one in ranked if one.canary.planted and one.canary.rows <= config.usual_rows]
    return Findings(
        left_out=Repetition(rows=0, membership=membership(left_out, config), exposure=exposure(left_out, config)),
        repetitions=levels,
        usual=membership(few, config) if few else None,
    )


def membership(ranked: Sequence[RankedCanary], config: PrivacyConfig) -> ShareFound:
    """How many of these canaries are found."""
    n, found = len(ranked), sum(one.by_gain <= config.allowed_rank for one in ranked)
    low, high = share_bounds(found, n, config.confidence)
    return ShareFound(
        canaries=n,
        found=found,
        ci_low=low,
        ci_high=high,
        p_value=at_least_p_value(found, n, config.kept_false_positives),
        finding=finding_of(low, high, config),
    )


def finding_of(low: float, high: float, config: PrivacyConfig) -> Finding:
    """What the interval of a share shows: more than chance, less than is tolerable, or nothing."""
    if low > config.kept_false_positives:
        return "found"
    return "not found" if high < config.tolerable_share else "cannot tell"


def exposure(ranked: Sequence[RankedCanary], config: PrivacyConfig) -> CanaryExposure:
    """Their median exposure."""
    bits = [ranked_exposure(one.by_cost, config.controls) for one in ranked]
    low, high = median_bounds(bits, config.confidence)
    modelled = [one.modelled for one in ranked if math.isfinite(one.modelled)]
    return CanaryExposure(
        median=float(np.median(bits)) if bits else None,
        ci_low=low,
        ci_high=high,
        highest=math.log2(config.controls + 1),
        modelled=float(np.median(modelled)) if modelled else None,
    )


def one_run(ranked: Sequence[RankedCanary], config: PrivacyConfig) -> OneRun:
    """Guess of each canary, by its rank alone, whether the coin put it in, and what epsilon the right guesses refute."""
    candidates = config.controls + 1
    guessed_in = [one for one in ranked if one.by_gain <= config.guess_planted * candidates]
    guessed_out = [one for one in ranked if one.by_gain > (1 - config.guess_left_out) * candidates]
    guesses = len(guessed_in) + len(guessed_out)
    correct = sum(one.canary.planted for one in guessed_in) + sum(not one.canary.planted for one in guessed_out)
    return OneRun(
        canaries=len(ranked),
        guesses=guesses,
        correct=correct,
        epsilon=epsilon_lower_bound(correct, guesses, config.confidence),
        ceiling=epsilon_ceiling(guesses, config.confidence),
    )
