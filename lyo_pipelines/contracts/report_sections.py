"""The sections of a report beyond its metrics: tasks, culture, predicted rating, collateral damage, endpoints, judge.

Each is the data of one section; computing it and putting it into words belong to the rooms above.
"""

from __future__ import annotations

from pydantic import Field

from lyo_pipelines.contracts.document import DocumentPart
from lyo_pipelines.contracts.report_values import Number, Percentiles, Verdict


class InvalidExample(DocumentPart):
    """One invalid answer: which model wrote it about which item."""

    model: str
    item_id: str
    answer: str


class InvalidReason(DocumentPart):
    """Why answers are not valid, how often for each model, and one of them."""

    reason: str
    models: dict[str, int]
    example: InvalidExample


class ConfusionTable(DocumentPart):
    """How a closed choice was answered. models: role -> (labels, labels + 2) counts; rows are the references' values, columns the
    answers', then any other value, then answers that do not fit the schema.
    """

    task: str
    field: str
    labels: tuple[str, ...]
    models: dict[str, tuple[tuple[int, ...], ...]]


class TaskSection(DocumentPart):
    """The tasks of the items. elsewhere: metrics that belong to other tasks. The defaults are those of a report without tasks."""

    names: tuple[str, ...] = ()
    says: dict[str, str] = Field(default_factory=dict)
    structured: tuple[str, ...] = ()
    constrained: bool = False
    plain_text: int = 0
    own_metrics: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()
    unusable_references: int = 0
    invalid: tuple[InvalidReason, ...] = ()
    confusion: tuple[ConfusionTable, ...] = ()


class CultureExample(DocumentPart):
    """One answer in which something was found."""

    model: str
    item_id: str
    excerpt: str


class CultureFinding(DocumentPart):
    """What curation's word lists found: in how many answers of each model, why it counts, and one example."""

    finding: str
    why: str
    models: dict[str, int]
    example: CultureExample


class Correctness(DocumentPart):
    """How many answers could be checked against a known result. items: those asked; of_rows, of_references: where the result is from.

    unchecked: why the others were not -> how many.
    """

    items: int
    of_rows: int = 0
    of_references: int = 0
    unchecked: dict[str, int] = Field(default_factory=dict)

    @property
    def checked(self) -> int:
        """Items with a known result."""
        return self.of_rows + self.of_references


class Satisfaction(DocumentPart):
    """How well ratings are predicted, or `why` they are not (measured: False). Errors are root mean squared, in rating points.

    difference: mean squared error of the model minus that of always saying the mean, with its interval, on users it has not seen.
    """

    measured: bool
    why: str = ""
    ratings: int = 0
    users: int = 0
    mean_rating: Number = None
    error: Number = None
    error_of_mean: Number = None
    explained: Number = None
    difference: Number = None
    ci_low: Number = None
    ci_high: Number = None


class CollateralRow(DocumentPart):
    """One metric on one set of items. damaged: None where there are too few groups to say; `note` then says why."""

    set: str
    kind: str
    metric: str
    n: int
    groups: int
    models: dict[str, Number]
    change: Number
    ci_low: Number
    ci_high: Number
    damaged: bool | None
    note: str


class Collateral(DocumentPart):
    """What the candidate was not trained for, against what serves now (`before`). tolerance: nats per token of loss.

    damaged: names of the damaged sets; judged: rows that could be judged.
    """

    before: str
    tolerance: float
    confidence: float
    rows: tuple[CollateralRow, ...]
    damaged: tuple[str, ...]
    judged: int


class Hope(DocumentPart):
    """One figure of the owner's hopes against what was measured: a change as a share of the base model's mean, or a value of its own.

    answer: reached, missed, cannot tell or not measured; why: where it is one of the last two. note: how the measure has to be read.
    """

    name: str
    measure: str
    hoped: str
    answer: str
    value: Number = None
    ci_low: Number = None
    ci_high: Number = None
    n: int = 0
    groups: int = 0
    why: str = ""
    note: str = ""


class RemoteUsage(DocumentPart):
    """What asking a model behind an endpoint took. Tokens are None where it did not count them, cost where a price is missing."""

    url: str
    model: str
    requests: int
    tokens_in: int | None
    tokens_out: int | None
    cost: Number
    answer_ms: Percentiles


class EndpointSection(RemoteUsage):
    """One model behind an endpoint. why: of answers that are missing, "" where none is."""

    name: str
    asked: int
    answered: int
    why: str
    cost_per_answer: Number


class JudgeOutcome(DocumentPart):
    """Wins, ties and losses of the candidate. score: their mean as 1, 0 and -1, with its interval."""

    n: int
    groups: int
    wins: int
    ties: int
    losses: int
    score: Number = None
    ci_low: Number = None
    ci_high: Number = None
    p_value: Number = None
    verdict: Verdict = "cannot_tell"
    note: str = ""


class JudgeGate(JudgeOutcome):
    """The same in the languages in which people are shown to agree with the judge."""

    languages: tuple[str, ...]


class Agreement(DocumentPart):
    """How far people agree with the judge in one language: agreement as a share of pairs, and corrected for chance (kappa)."""

    pairs: int
    agreement: Number = None
    ci_low: Number = None
    ci_high: Number = None
    kappa: Number = None
    trusted: bool
    why: str


class JudgeHabits(DocumentPart):
    """How the judge behaves, as shares: disagreement between the two orders, choice of what comes first; unreadable replies."""

    flip_rate: Number
    parse_failures: int
    replies: int
    first_preferred: Number


class JudgeSection(RemoteUsage, JudgeOutcome, JudgeHabits):
    """Everything that was judged; `gate` is what may gate. why: of verdicts that are missing, "" where none is."""

    against: str
    why: str
    agreement: dict[str, Agreement]
    gate: JudgeGate
