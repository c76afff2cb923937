"""The numbers of a report: what each model reached on a metric, how two models compare, slices, gates, times.

Sections that only some reports have stand in `report_sections`, the whole document in `report`.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import BeforeValidator

from lyo_pipelines.contracts.document import DocumentPart

Direction = Literal["higher", "lower", "neutral"]
"""Which values of a metric are better; neutral: it only describes."""
GateState = Literal["passed", "failed", "cannot judge", "nothing to compare", "does not apply"]
"""How a gate ended, for people."""
Verdict = Literal["better", "worse", "cannot_tell"]
"""What a comparison shows about the candidate."""


def _finite(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value


Number = Annotated[float | None, BeforeValidator(_finite)]
"""A number as JSON can say it: nan and infinities are None, that is, not known."""


class Value(DocumentPart):
    """A mean (or a metric of a whole set) over `n` measured items, in the metric's unit; None where nothing can be said."""

    value: Number
    n: int


class MetricValue(Value):
    """The same with its bootstrap interval over `groups`; None for plain shares that carry no interval."""

    groups: int | None = None
    ci_low: Number = None
    ci_high: Number = None


class MetricDescription(DocumentPart):
    """What a metric says of itself. whole: it is a metric of the whole set, not a mean over items."""

    direction: Direction
    unit: str
    description: str
    whole: bool = False


class Comparison(DocumentPart):
    """a against b on one metric, over the items where both were measured.

    difference: a - b in the metric's unit. mean_a, mean_b: what the two reached on these very items, so that their difference is
    `difference`. ci_low, ci_high: its interval by itself. verdict_low, verdict_high: its interval at verdict_confidence, the level
    at which the correction for many comparisons judged it: it leaves 0 out exactly where there is a verdict. p_value, p_adjusted
    and the intervals are None where they cannot be had; `note` then says why. minimal_detectable_effect: the smallest difference
    this test set would have found.
    """

    metric: str
    a: str
    b: str
    n: int
    groups: int
    mean_a: Number = None
    mean_b: Number = None
    difference: Number = None
    ci_low: Number = None
    ci_high: Number = None
    verdict_low: Number = None
    verdict_high: Number = None
    verdict_confidence: Number = None
    p_value: Number = None
    p_adjusted: Number = None
    minimal_detectable_effect: Number = None
    verdict: Verdict = "cannot_tell"
    note: str = ""

    @property
    def interval(self) -> tuple[float | None, float | None]:
        """The interval to show beside the verdict: the verdict's own, or the plain one where no verdict was made (and in reports of
        before, which have no other)."""
        if self.verdict_low is None:
            return self.ci_low, self.ci_high
        return self.verdict_low, self.verdict_high


class Slice(DocumentPart):
    """The items that share one value of a dimension: role -> metric -> what the model reached on them, and the comparisons."""

    dimension: str
    value: str
    n: int
    groups: int
    models: dict[str, dict[str, Value]]
    comparisons: tuple[Comparison, ...]


class Gate(DocumentPart):
    """The outcome of one gate. passed: True, False, or None where it cannot be judged; `message` says why in a sentence.

    applies: False where the gate's metric belongs to other tasks; such a gate passes. vacuous: it passed because there was nothing to
    compare with.
    """

    name: str
    passed: bool | None
    blocking: bool
    message: str
    applies: bool = True
    vacuous: bool = False

    @property
    def state(self) -> GateState:
        """The outcome in words; what passes without having been judged is not called passed."""
        if not self.applies:
            return "does not apply"
        if self.vacuous:
            return "nothing to compare"
        return "cannot judge" if self.passed is None else "passed" if self.passed else "failed"


class Percentiles(DocumentPart):
    """Median and 95th percentile, in milliseconds; None where nothing was measured."""

    p50: Number
    p95: Number


class Timings(DocumentPart):
    """How long a model took and what it needed. Response times are of `probes` single questions of `probe_tokens` tokens each."""

    probes: int
    probe_tokens: int
    time_to_first_token_ms: Percentiles
    total_ms: Percentiles
    per_token_ms: Percentiles
    generation_seconds: float
    generation_tokens_per_second: Number
    peak_memory_bytes: int
    device: str
    dtype: str
    reused: bool


class Sample(DocumentPart):
    """One item with every model's answer. change: the candidate's value minus the base's, in the metric's unit."""

    item_id: str
    metric: str
    change: float
    question: str
    reference: str
    answers: dict[str, str]
