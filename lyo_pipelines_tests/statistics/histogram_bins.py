"""The bins of a histogram of times, one value at a time: what production counts with Polars, said again with numpy."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lyo_pipelines.statistics.histogram import BINS, GROWTH


def bins_of(values: ArrayLike) -> NDArray[np.int16]:
    """Bin number (0 to BINS - 1) of each positive value."""
    array = np.asarray(values, dtype=np.float64)
    return np.clip(np.floor(np.log(array) / math.log(GROWTH)), 0, BINS - 1).astype(np.int16)
