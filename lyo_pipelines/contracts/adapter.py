"""adapter_manifest.json: what an adapter learnt from what, what that cost, and the sha256 of each of its files.

The folder's run.json says the first part of it, from the moment that training begins. How an adapter is trained, checked and
found belongs to training/.
"""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from lyo_pipelines.contracts.document import Document, DocumentPart
from lyo_pipelines.json_types import JsonObject

MANIFEST = "adapter_manifest.json"
"""Its name in the adapter's folder. It is written last: a folder without it is still being trained."""
NOTE = "run.json"
HOSTED = "hosted"
"""Method of a version whose weights lie at a provider: hosted_model.json stands in its folder instead of them."""
AUDIT_PREFIX = "audit-"
"""Begins the versions of adapters that learnt planted canaries: no registry takes them, whatever else is said of them."""


def _nothing(value: Any) -> bool:
    """What a training has no use for is not written."""
    return value is None or value is False or value in ({}, "")


class TrainingNote(Document):
    """Whose an output folder is, written before training starts.

    dataset_fingerprint: the dataset version whose test split the adapter has not seen. preference_fingerprint: the preference data
    that it was tuned with; start_from: version of the adapter that training started from. recipe: all its values.
    tainted: why it must never serve anybody ("canaries": planted secrets were in its data); "" for every other one.
    """

    KIND: ClassVar[str] = "note of a training"
    VERSION: ClassVar[int] = 1
    VERSION_FIELD: ClassVar[str] = "manifest_version"  # `version` is the adapter's own

    manifest_version: int = VERSION
    segment: str
    version: str
    dataset_fingerprint: str
    preference_fingerprint: str | None = Field(default=None, exclude_if=_nothing)
    start_from: str | None = Field(default=None, exclude_if=_nothing)
    recipe: JsonObject = Field(default_factory=dict)
    tainted: str = Field(default="", exclude_if=_nothing)

    @property
    def may_serve(self) -> bool:
        """Whether it is an adapter for people, and not one of a privacy audit."""
        return not self.tainted and not self.version.startswith(AUDIT_PREFIX)


class BaseModelRecord(DocumentPart):
    """The base model. label: what its publisher demands to be said; sha256: of its weights, None where they were not local files."""

    name: str
    hub_id: str | None = None
    licence: str | None = None
    label: str | None = None
    sha256: str | None = None


class TrainingMetrics(DocumentPart):
    """How a training went. Losses are None where nothing was measured (or it was no number); best_step: of the kept checkpoint."""

    steps: int = 0
    best_step: int | None = None
    loss: float | None = None
    eval_loss: float | None = None
    first_eval_loss: float | None = None
    validations: int = 0
    tokens_per_second: float | None = None
    planned_steps: int = 0
    epochs: float = 0.0
    tokens: int = 0
    seconds: float = 0.0
    peak_memory_bytes: int | None = None


class TrainingCost(DocumentPart):
    """What the machine's time cost, by the recipe's price for an hour."""

    amount: float = 0.0
    per_hour: float = 0.0
    currency: str = ""


class HeldAgainstStart(DocumentPart):
    """One quantity (0 to 1, higher is better) on the validation questions: at the start, at the kept step, and the difference with its
    interval; ends are None where there are too few questions for one.
    """

    name: str
    rewarded: bool
    n: int
    start: float
    value: float
    change: float
    ci_low: float | None = None
    ci_high: float | None = None


class RatingModel(DocumentPart):
    """The model of ratings that rewards, and the one that judges: ratings learnt from, and how much of their variance each explains
    among groups that it had not seen. used: False where nothing may be predicted, and `why`.
    """

    used: bool
    why: str = ""
    ratings: int = 0
    explained: float | None = None
    explained_by_judge: float | None = None


class ReinforcementRecord(DocumentPart):
    """What a training by rewards learnt from, and its guards' figures.

    questions: of the train split with a reward; checkable: of them, those with a known result. rewards: weights as used. held:
    the reward, then the judges that it does not see. kl: nats per token away from the start; length: tokens of an answer.
    stopped: why the guards ended it; "" where they did not. Limits: as the recipe had them.
    """

    questions: int
    checkable: int
    validation: int
    groups: int
    rewards: dict[str, float]
    ratings: RatingModel
    held: tuple[HeldAgainstStart, ...]
    kl: float
    max_kl: float
    length_start: float
    length: float
    max_length_ratio: float
    confidence: float
    step: int
    stopped: str = ""


class AdapterManifest(TrainingNote):
    """A finished adapter, a model that was trained whole (method `full`), or one that a provider trained and holds (`hosted`).

    dtype: in which its training multiplied, None in files that do not say. machine: that it ran on (training/machine_name.py), "" in
    files that do not say. tuned_in_4_bits: it was tuned on preferences, with its base
    held in 4 bits as that of the adapter it started from. examples: learnt from and validated on; truncated: of them, shortened, by
    split and by what was cut. mixture: {segment: {"examples": …, "seen": …}}; preference: rewards of the last validation.
    left_out: examples that were not learnt from, by split and why; pictured: of those learnt from, how many show pictures.
    reinforcement: how a training by rewards went.
    files: name -> sha256 of what was published.
    """

    KIND: ClassVar[str] = "manifest of an adapter"
    IF_MISSING: ClassVar[str] = "If its training has not ended, start it again: it resumes."

    method: str = "lora"  # there was no other one before it was written down
    base_model: BaseModelRecord
    stopped_early: bool = False
    dtype: str | None = Field(default=None, exclude_if=_nothing)
    machine: str = Field(default="", exclude_if=_nothing)
    tuned_in_4_bits: bool = Field(default=False, exclude_if=_nothing)
    metrics: TrainingMetrics = TrainingMetrics()
    cost: TrainingCost = TrainingCost()
    examples: dict[str, int] = Field(default_factory=dict)
    truncated: dict[str, dict[str, int]] = Field(default_factory=dict)
    mixture: dict[str, dict[str, int]] = Field(default_factory=dict, exclude_if=_nothing)
    preference: dict[str, float | None] = Field(default_factory=dict, exclude_if=_nothing)
    left_out: dict[str, dict[str, int]] = Field(default_factory=dict, exclude_if=_nothing)
    pictured: int = Field(default=0, exclude_if=_nothing)
    reinforcement: ReinforcementRecord | None = Field(default=None, exclude_if=_nothing)
    libraries: dict[str, str] = Field(default_factory=dict)
    files: dict[str, str] = Field(default_factory=dict)

    @property
    def base_in_4_bits(self) -> bool:
        """Whether its base model was held in 4 bits: there it belongs, wherever it is asked."""
        return self.method == "qlora" or self.tuned_in_4_bits

    @property
    def is_whole_model(self) -> bool:
        """Whether every weight was trained: the folder is then a model of its own, not an adapter."""
        return self.method == "full"

    @property
    def is_hosted(self) -> bool:
        """Whether a provider holds its weights, and answers."""
        return self.method == HOSTED
