"""privacy.json: what an audit with planted canaries found of one dataset version and recipe. Figures only, never a canary's text.

Measuring belongs to privacy_audit/; the report of an adapter of the same version shows it.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import AwareDatetime, Field

from lyo_pipelines.contracts.document import Document, DocumentPart
from lyo_pipelines.contracts.report_values import Number

PRIVACY = "privacy.json"
"""Its name in `lake/privacy/<segment>/<version of the adapter>/`."""

Finding = Literal["found", "not found", "cannot tell"]
"""found: more canaries are told apart than chance tells; not found: no more than a tolerable share is; else nobody can tell."""


class ShareFound(DocumentPart):
    """How many canaries are told from their controls at the demanded share of false positives, with its exact interval.

    p_value: of so many or more by chance alone.
    """

    canaries: int
    found: int
    ci_low: float
    ci_high: float
    p_value: float
    finding: Finding

    @property
    def share(self) -> float | None:
        """Share that is found."""
        return self.found / self.canaries if self.canaries else None


class CanaryExposure(DocumentPart):
    """Bits, on the median over canaries. ci_low, ci_high: exact, None where too few canaries enclose a median.

    highest: that these controls can tell at all; modelled: by a skew-normal distribution fitted to the controls, which goes beyond it.
    """

    median: Number = None
    ci_low: Number = None
    ci_high: Number = None
    highest: float
    modelled: Number = None


class OneRun(DocumentPart):
    """Guesses which canaries were planted, and the epsilon that they refute (for all the rows of one canary together).

    ceiling: what it would be if every guess were right.
    """

    canaries: int
    guesses: int
    correct: int
    epsilon: float
    ceiling: float


class Repetition(DocumentPart):
    """Canaries that stood in so many training rows; 0: those that the coin left out, which must not be found."""

    rows: int
    membership: ShareFound
    exposure: CanaryExposure
    one_run: OneRun | None = None


class AfterErasure(DocumentPart):
    """The same canaries after their people were erased from the copy and it was trained again. files_left: that still name one."""

    rows_erased: int
    files_left: int
    membership: ShareFound
    exposure: CanaryExposure
    seconds: float


class PrivacyAudit(Document):
    """One audit. version: of the adapter that this dataset and recipe make without canaries; trained: of the audit's own.

    rows, canary_rows: of the training split with canaries, and those of canaries; screened_out: phrases that curation would not have
    kept as they are, by rule; planted_rows, kept_rows: that went in at the door, and came out of curation unchanged.
    false_positives: share that decides membership, as it can be kept with so many controls.
    usual: the same for all canaries that stand in at most `usual_rows` rows, which is what a person's fact usually does; None where
    no such one was planted.
    """

    KIND: ClassVar[str] = "privacy audit"
    VERSION: ClassVar[int] = 1
    VERSION_FIELD: ClassVar[str] = "audit_version"  # `version` is the adapter's

    audit_version: int = VERSION
    segment: str
    version: str
    trained: str
    dataset_fingerprint: str
    base_model: str
    created_at: AwareDatetime
    seed: int
    words: int
    controls: int
    confidence: float
    false_positives: float
    tolerable_share: float
    rows: int
    canary_rows: int
    planted_rows: int
    kept_rows: int
    screened_out: dict[str, int] = Field(default_factory=dict)
    steps: int
    epochs: float
    left_out: Repetition
    repetitions: tuple[Repetition, ...]
    usual_rows: int
    usual: ShareFound | None = None
    after_erasure: AfterErasure | None = None
    seconds: float

    @property
    def sound(self) -> bool:
        """Whether canaries that nobody planted are not found: otherwise the audit itself is wrong."""
        return self.left_out.membership.finding != "found"

    @property
    def sees(self) -> bool:
        """Whether it found the canaries that were repeated most: otherwise it has not shown that it finds any."""
        return bool(self.repetitions) and self.repetitions[-1].membership.finding == "found"
