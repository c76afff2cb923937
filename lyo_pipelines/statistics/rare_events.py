"""Whether rare events (errors) come more often in one arm than in the other, valid however often one looks.

Given that an event happened, it happened in our arm with a probability that only the exposures decide, if both rates are equal: a coin
whose side is known. Against it stands an equal mixture of rates that are 2, 4 and 8 times as high. Each is a likelihood ratio of
Wald's sequential test ("Sequential Tests of Statistical Hypotheses", Annals of Mathematical Statistics 16, 1945), and their mean is an
e-value: reaching 1 / alpha at any time has probability alpha at most when the rates are equal (Ville's inequality; for counts in A/B
tests Lindon and Malek, NeurIPS 2022, section 4). Exact where normal intervals fail: three events in fifty.
Rates that are not rare belong to `clustered` and `sequential`.
"""

# scipy brings no types:
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false

from __future__ import annotations

import math

import numpy as np
from scipy.special import logsumexp

RATIOS = (2.0, 4.0, 8.0)


def rise_p_value(
    count: float, exposure: float, count_base: float, exposure_base: float, *, dispersion: float = 1.0
) -> float:
    """Sequential p-value of "the rate is not higher than the base's": below alpha at any look is a finding at alpha.

    dispersion: how many times larger the variance is than that of independent events; counts are divided by it.
    1 where nothing is known.
    """
    if exposure <= 0 or exposure_base <= 0 or dispersion < 1:
        return 1.0
    share = exposure / (exposure + exposure_base)
    ratios = np.asarray(RATIOS)
    raised = share * ratios / (share * ratios + 1 - share)
    logs = count * np.log(raised / share) + count_base * np.log((1 - raised) / (1 - share))
    log_e = float(np.asarray(logsumexp(logs / dispersion))) - math.log(len(RATIOS))
    return min(1.0, math.exp(-log_e)) if log_e > -700 else 1.0
