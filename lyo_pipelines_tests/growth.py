"""Whether work grows with the length of a text, told from ratios of processor time and never from seconds.

Linear work takes FACTOR times as long for FACTOR times the text, quadratic work FACTOR * FACTOR times; the limit stands between.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

FACTOR = 6
_LIMIT = FACTOR * 2.5
_TRIES = 3


def faster_than_linear(
    work: Callable[[str], object], units: Iterable[str], *, size: int, floor: float
) -> dict[str, float]:
    """Those of the repeated units for which the cost grows too fast, with their growth.

    size: characters of the shorter text. floor: seconds of processor time for the longer text below which a measurement says nothing.
    """
    grown = {}
    for unit in units:
        short, long = (unit * (length // len(unit)) + "~" for length in (size, FACTOR * size))
        if _seconds(work, long) < floor:
            continue
        # a busy machine only ever adds to a measurement: the least of a few counts
        growth = _least(work, long) / max(_least(work, short), 1e-6)
        if growth > _LIMIT:
            grown[unit] = growth
    return grown


def _least(work: Callable[[str], object], text: str) -> float:
    return min(_seconds(work, text) for _ in range(_TRIES))


def _seconds(work: Callable[[str], object], text: str) -> float:
    began = time.process_time()
    work(text)
    return time.process_time() - began
