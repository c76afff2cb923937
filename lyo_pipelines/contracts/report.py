"""report.json: one adapter compared with the base model and with what serves now. One frozen model, one reader, one writer.

The evaluation writes it once, last. What follows from it (gates, tables, plots) belongs to the rooms above.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import AwareDatetime, Field

from lyo_pipelines.contracts.adapter import ReinforcementRecord
from lyo_pipelines.contracts.document import Document, DocumentPart
from lyo_pipelines.contracts.privacy import PrivacyAudit
from lyo_pipelines.contracts.report_sections import (
    Collateral,
    Correctness,
    CultureFinding,
    EndpointSection,
    Hope,
    JudgeSection,
    Satisfaction,
    TaskSection,
)
from lyo_pipelines.contracts.report_values import (
    Comparison,
    Gate,
    MetricDescription,
    MetricValue,
    Sample,
    Slice,
    Timings,
)
from lyo_pipelines.json_types import JsonObject

SCHEMA_VERSION = 1
"""Raised when a reader of the version before could no longer understand the file; fields that are only added do not count."""


class ServedBy(DocumentPart):
    """For a segment too thin for an adapter: whose adapter serves it, why, and how many of the test items are its own."""

    segment: str
    reason: str
    own_items: int


class TestSplit(DocumentPart):
    """The size of the whole test split, of which the report may have used a part."""

    __test__: ClassVar[bool] = False  # not a pytest class

    items: int
    groups: int


class StatisticsUsed(DocumentPart):
    """How intervals, p-values and verdicts were made. whole_resamples: of metrics of a whole set, None where there were none."""

    resamples: int
    whole_resamples: int | None = None
    confidence: float
    alpha: float
    power: float
    interval: str
    p_value: str
    correction: str


class GenerationUsed(DocumentPart):
    """How answers were generated; lengths in tokens."""

    max_new_tokens: int
    decoding: str
    batch: int
    max_length: int


class Report(Document):
    """The whole report. Roles are base, candidate, champion (the adapter that serves now), start (what a tuned candidate
    started from), and names of endpoints.

    version: of the candidate adapter. row_figures: what shaped the rows of its dataset. data_version: hash of everything that
    the report depends on. metrics: in the order in which they are shown. models: role -> metric (and perplexity, answer_tokens,
    prompt_tokens, truncated, cut_to_fit, loss_no_number: see evaluation/report/gates.py) -> value.
    without_likelihood: roles of models that a provider holds: nobody is told their losses, and primary_metric is another one then.
    expired: test items that hold no more (or not yet): a slice, and in no comparison.
    privacy: the audit of this dataset and recipe, where one was made before the report. reinforcement: how the candidate was trained
    by rewards, if it was. incomplete: what is still waited for.
    seconds: how long the run took. A section that is None was switched off, or is of a version of this program that did not have it.
    """

    KIND: ClassVar[str] = "report"
    VERSION: ClassVar[int] = SCHEMA_VERSION
    VERSION_FIELD: ClassVar[str] = (
        "schema_version"  # files written before it was (0) lack only fields that have defaults here
    )
    IF_MISSING: ClassVar[str] = "The evaluation has not finished. Materialize eval_report; it goes on."

    schema_version: int = SCHEMA_VERSION
    segment: str
    served_by: ServedBy | None = None
    version: str
    dataset_fingerprint: str
    row_figures: JsonObject = Field(default_factory=dict)
    data_version: str
    created_at: AwareDatetime
    n_test: int
    expired: int = Field(default=0, exclude_if=lambda expired: not expired)
    groups: int
    test_split: TestSplit
    enough_groups: bool
    minimum_groups: int
    primary_metric: str
    model_versions: dict[str, str]
    candidate_is_champion: bool
    without_likelihood: tuple[str, ...] = Field(default=(), exclude_if=lambda roles: not roles)
    metrics: dict[str, MetricDescription]
    models: dict[str, dict[str, MetricValue]]
    tasks: TaskSection = TaskSection()
    comparisons: tuple[Comparison, ...]
    slices: tuple[Slice, ...]
    timings: dict[str, Timings]
    samples: tuple[Sample, ...]
    statistics: StatisticsUsed
    generation: GenerationUsed
    seconds: float
    collateral: Collateral | None = None
    endpoints: tuple[EndpointSection, ...] = ()
    judge: JudgeSection | None = None
    culture: tuple[CultureFinding, ...] | None = None
    satisfaction: Satisfaction | None = None
    correctness: Correctness | None = None
    privacy: PrivacyAudit | None = None
    reinforcement: ReinforcementRecord | None = None
    hopes: tuple[Hope, ...] | None = None
    incomplete: tuple[str, ...] = ()
    gates: tuple[Gate, ...]
    may_be_released: bool

    @property
    def champion_version(self) -> str:
        """The adapter that served when the report was made, as the candidate was compared with it; "" where none did."""
        return self.model_versions.get("champion", "")

    def metric(self, role: str, name: str) -> float | None:
        """The value that a model reached; None where the role or the metric is not there or was not measured."""
        found = self.models.get(role, {}).get(name)
        return None if found is None else found.value

    def comparison(self, metric: str, against: str) -> Comparison | None:
        """The candidate against another model on one metric, where they were compared."""
        return next((c for c in self.comparisons if (c.metric, c.b) == (metric, against)), None)
