"""A lower bound of epsilon from one training: how surely can be told which canaries a coin put in.

Steinke, Nasr and Jagielski, "Privacy Auditing with One (1) Training Run", NeurIPS 2023, for pure epsilon (delta 0): each of m
canaries is put in or left out by a fair coin of its own; an auditor who sees the model guesses some of the coins and may keep silent
about the others. If the training is epsilon-differentially private, the correct ones of r guesses are no more than a binomial of r
trials with chance e^eps / (1 + e^eps). More of them refute that epsilon.

A lower bound says that there is no better privacy than this; that it is 0 says nothing of how good it is.
"""

from __future__ import annotations

import math

from lyo_pipelines.statistics.exact_intervals import share_bounds


def epsilon_lower_bound(correct: int, guesses: int, confidence: float = 0.95) -> float:
    """The largest epsilon that so many correct guesses refute with this confidence; 0 where they refute none.

    It is the log-odds of Clopper and Pearson's one-sided lower bound of the share of correct guesses.
    """
    low, _ = share_bounds(correct, guesses, 1 - 2 * (1 - confidence))
    return 0.0 if low <= 0.5 else math.log(low / (1 - low))


def epsilon_ceiling(guesses: int, confidence: float = 0.95) -> float:
    """What the bound would be if every guess were right: no more can be shown with so few."""
    return epsilon_lower_bound(guesses, guesses, confidence)
