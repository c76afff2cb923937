"""How often each segment's examples are seen when one adapter learns several segments: pure functions of sizes and weights.

A pass over the data ("epoch") keeps its length; a segment's part of it is its share. Small segments are repeated, large ones
sampled anew each epoch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from lyo_pipelines.errors import LyoError
from lyo_pipelines.training.recipes import Mixing


class MixingError(LyoError):
    """The weights name no segment that the dataset holds."""


def shares(sizes: Mapping[str, int], mixing: Mixing) -> dict[str, float]:
    """Return each segment's share of an epoch; they add up to 1.

    sizes: examples by segment. Where `weights` name a segment (or a parent of it, which its segments divide by size), its share is
    in proportion to its weight, else to size ** (1 / temperature): the temperature scaling of T5's multi-task mixing (Raffel et al.
    2020, section 3.5.2) and of multilingual T5 (Xue et al. 2021, section 3.1). No segment is repeated more than
    `maximum_repeats` times an epoch; what is cut off there goes to the others in proportion. Raises MixingError.
    """
    total = sum(sizes.values())
    wanted = {key: _wanted(key, sizes, mixing) for key in sizes}
    if not any(wanted.values()):
        raise MixingError(
            f"mixing.weights name {', '.join(mixing.weights)}, and the dataset holds {', '.join(sorted(sizes))}: name one of "
            "these, or a parent of them."
        )
    limits = {key: mixing.maximum_repeats * size / total for key, size in sizes.items()}
    found: dict[str, float] = {}
    rest = 1.0
    while True:
        open_keys = [key for key in sizes if key not in found]
        mass = sum(wanted[key] for key in open_keys)
        part = {key: rest * (wanted[key] / mass if mass else 1 / len(open_keys)) for key in open_keys}
        full = [key for key in open_keys if part[key] > limits[key]]
        if not full or len(full) == len(open_keys):
            return found | part
        for key in full:
            found[key] = limits[key]
            rest -= limits[key]


def epoch_order(segments: Sequence[str], mixing: Mixing, rng: np.random.Generator) -> np.ndarray:
    """Return int[N] example numbers in the order of one epoch of N examples, drawn by the segments' shares.

    Without weights and at temperature 1 (or with one segment) this is a plain permutation. Otherwise a segment whose part is k whole
    passes and a rest gives each example k times, and the rest to a random choice without replacement.
    """
    count = len(segments)
    names, codes, sizes = np.unique(np.asarray(segments, dtype=str), return_inverse=True, return_counts=True)
    if len(names) < 2 or mixing.proportional:
        return rng.permutation(count)
    wanted = shares(dict(zip(names.tolist(), sizes.tolist(), strict=True)), mixing)
    drawn = whole_numbers([wanted[name] * count for name in names.tolist()], count)
    chosen = []
    for code, number in enumerate(drawn):
        members = np.flatnonzero(codes == code)
        passes, rest = divmod(number, len(members))
        chosen += [np.tile(members, passes), rng.choice(members, rest, replace=False)]
    return rng.permutation(np.concatenate(chosen))


def whole_numbers(parts: Sequence[float], total: int) -> list[int]:
    """Round parts that add up to `total` to whole numbers that do so too (largest remainders)."""
    floors = [int(part) for part in parts]
    by_remainder = sorted(range(len(parts)), key=lambda at: (floors[at] - parts[at], at))
    for at in by_remainder[: total - sum(floors)]:
        floors[at] += 1
    return floors


def _wanted(key: str, sizes: Mapping[str, int], mixing: Mixing) -> float:
    """The unnormalised share of one segment."""
    named = [name for name in mixing.weights if key == name or key.startswith(f"{name}.")]
    if not mixing.weights:
        return sizes[key] ** (1 / mixing.temperature)
    if not named:
        return 0.0
    nearest = max(named, key=len)
    together = sum(
        size
        for other, size in sizes.items()
        if max((n for n in mixing.weights if other == n or other.startswith(f"{n}.")), key=len, default="") == nearest
    )
    return mixing.weights[nearest] * sizes[key] / together
