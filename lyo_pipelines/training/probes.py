"""probes.json: what an adapter answers to a few beginnings, and its base without it, so that whoever loads it can be held to it.

Engines serve the base without a word where an adapter does not fit; only log-probabilities tell. The judgement is pure: what is
measured, training and engines measure themselves. Choosing and measuring at the end of a training is in engine/probing.py.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from lyo_pipelines.contracts.document import Document, DocumentPart
from lyo_pipelines.errors import LyoError

PROBES = "probes.json"
"""Its name beside the adapter, among the files that the manifest gives a checksum."""
TOP = 20
"""Likeliest next tokens that are compared: what every engine can tell."""

Quantisation = Literal["float32", "float16", "bfloat16", "8-bit", "4-bit"]
"""In what a base model's linear layers are held where something is measured (NF4, Q4_1 and their kin are 4-bit)."""
TOLERANCE: Mapping[Quantisation, float] = {
    "float32": 0.01, "float16": 0.03, "bfloat16": 0.1, "8-bit": 0.1, "4-bit": 0.35,
}  # fmt: skip
"""Mean absolute difference in nats that rounding alone may make; docs/engines.md says why these."""
_ENOUGH = TOP // 2
"""Tokens of a probe that must be comparable."""

Measured = Mapping[int, float] | Mapping[str, float]
"""Log-probabilities of the next token as an engine tells them, by token id or by the token's text; at least its likeliest 20."""


class NotReproducedError(LyoError):
    """What was measured is not what the adapter answers: it is not applied, or not whole."""


class NextToken(DocumentPart):
    """One token that may come next, with its log-probability (nats, over the whole vocabulary) with the adapter and without."""

    id: int
    text: str
    adapter: float
    base: float


class Probe(DocumentPart):
    """A beginning and what comes next. tokens: what the model (an encoder-decoder's decoder) has read, its start mark included;
    encoder_tokens: what the encoder has read. next: the likeliest 20 with the adapter and the likeliest 20 without, likeliest first.
    """

    tokens: tuple[int, ...]
    encoder_tokens: tuple[int, ...] = ()
    next: tuple[NextToken, ...]

    @property
    def gap(self) -> float:
        """Mean absolute difference between adapter and base, over all its tokens."""
        return math.fsum(abs(one.adapter - one.base) for one in self.next) / max(len(self.next), 1)


class ProbeSet(Document):
    """All probes of one adapter. quantisation: of the base they were measured on."""

    KIND: ClassVar[str] = "set of probes"
    VERSION: ClassVar[int] = 1

    version: int = VERSION
    quantisation: Quantisation
    probes: tuple[Probe, ...]


@dataclass(frozen=True)
class Judgement:
    """Mean absolute differences in nats over the compared tokens. to_adapter, to_base: of what was measured; gap: between adapter and
    base themselves; faint: the gap is within the tolerance, so that nobody could tell the adapter from its base."""

    to_adapter: float
    to_base: float
    gap: float
    tolerance: float
    faint: bool


def read_probes(adapter_dir: Path) -> ProbeSet | None:
    """The probes of a finished adapter; None where its training wrote none. Raises DocumentError for a damaged file."""
    path = adapter_dir / PROBES
    return ProbeSet.read(path) if path.is_file() else None


def tolerance_between(stored: Quantisation, measured: Quantisation) -> float:
    """What two measurements may differ by: as much as the coarser of them is off."""
    return max(TOLERANCE[stored], TOLERANCE[measured])


def distances(probes: ProbeSet, measured: Sequence[Measured]) -> Judgement:
    """Compare without judging; the tolerance is that of the stored measurement alone.

    measured: one for each probe, in their order. Tokens that the probe does not know, and texts that several of its tokens share, are
    left out. Raises NotReproducedError where too few tokens are left, or where one of them is no number.
    """
    if len(measured) != len(probes.probes):
        raise NotReproducedError(f"{len(measured)} answers to {len(probes.probes)} probes")
    rows = [
        pair
        for number, (probe, told) in enumerate(zip(probes.probes, measured, strict=True), start=1)
        for pair in _comparable(probe, told, number)
    ]
    tolerance = TOLERANCE[probes.quantisation]
    to_adapter = _mean(abs(value - one.adapter) for one, value in rows)
    to_base = _mean(abs(value - one.base) for one, value in rows)
    gap = _mean(abs(one.adapter - one.base) for one, _ in rows)
    return Judgement(to_adapter, to_base, gap, tolerance, faint=gap <= tolerance)


def judge(
    probes: ProbeSet, measured: Sequence[Measured], quantisation: Quantisation, *, tolerance: float | None = None
) -> Judgement:
    """Whether an engine that holds the base in `quantisation` answers as the adapter does.

    tolerance: a narrower one than `tolerance_between` allows, where the engine's own noise is known. Raises NotReproducedError where
    what was measured is further from the adapter than that, or nearer to the base although the two differ by half of it: then noise
    of the tolerance's size cannot be what brought it there.
    """
    found = distances(probes, measured)
    allowed = tolerance_between(probes.quantisation, quantisation) if tolerance is None else tolerance
    told = (
        f"its log-probabilities lie {found.to_adapter:.4f} nats from the adapter's and {found.to_base:.4f} from the base's "
        f"(allowed: {allowed:g}; adapter and base differ by {found.gap:.4f})"
    )
    if found.to_adapter > allowed:
        raise NotReproducedError(f"the adapter is not applied as it was trained: {told}.")
    if found.gap > allowed / 2 and found.to_base < found.to_adapter:
        raise NotReproducedError(f"the base answers, not the adapter: {told}.")
    return Judgement(found.to_adapter, found.to_base, found.gap, allowed, faint=found.gap <= allowed)


def _comparable(probe: Probe, told: Measured, number: int) -> list[tuple[NextToken, float]]:
    texts = Counter(one.text for one in probe.next)
    found = []
    for one in probe.next:
        value = told.get(one.id)  # pyright: ignore[reportArgumentType, reportCallIssue] - keyed by ids or by texts
        if value is None and texts[one.text] == 1:
            value = told.get(one.text)  # pyright: ignore[reportArgumentType, reportCallIssue]
        if value is None:
            continue
        if not math.isfinite(value):
            raise NotReproducedError(f"probe {number}: the log-probability of {one.text!r} is {value}")
        found.append((one, value))
    if len(found) < min(_ENOUGH, len(probe.next)):
        raise NotReproducedError(
            f"probe {number}: {len(found)} of its {len(probe.next)} likely tokens are among the engine's likeliest"
        )
    return found


def _mean(values: Iterable[float]) -> float:
    numbers = list(values)
    return math.fsum(numbers) / max(len(numbers), 1)
