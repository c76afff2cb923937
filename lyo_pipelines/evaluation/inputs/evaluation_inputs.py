"""What an evaluation is made of, as one value: models, items with their tasks, configuration. Gathering it: planning/."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from lyo_pipelines.config.curation import CurationConfig
from lyo_pipelines.config.evaluation import EvaluationConfig
from lyo_pipelines.config.hosted import HostedConfig
from lyo_pipelines.contracts.adapter import ReinforcementRecord
from lyo_pipelines.contracts.hosted_model import HostedModel
from lyo_pipelines.contracts.privacy import PrivacyAudit
from lyo_pipelines.evaluation.inputs.context import EvaluationContext
from lyo_pipelines.evaluation.inputs.items import Item
from lyo_pipelines.json_types import JsonObject
from lyo_pipelines.tasks.base import TaskFormat


@dataclass(frozen=True)
class ModelSpec:
    """One model of the comparison: `role` is base, candidate, champion or start; `identity` changes when its weights do.

    A whole model (method `full`) has no adapter: its folder is its base_name. four_bit: its base is held in 4 bits (method `qlora`).
    hosted: a model that a provider holds; base_name is then the provider's name of it.
    """

    role: str
    base_name: str
    adapter_dir: Path | None
    version: str
    identity: str
    four_bit: bool = False
    hosted: HostedModel | None = None


@dataclass(frozen=True)
class ParentFallback:
    """A segment that is too thin for an adapter of its own: it is served by a parent's, on whose test items the report is."""

    segment: str
    reason: str


@dataclass(frozen=True)
class EvaluationInputs:
    """Everything a report depends on. `data_version` is the hash of it all. tasks: of each item, None where none is known.

    segment: whose dataset and adapter these are; served: the thin segment that the report is for, if it is for one.
    champion_version: of the adapter that serves now, also where the candidate is that one; "" where none does.
    curation: by whose rules of personal data what leaves this machine is redacted once more.
    provider: how models that a provider holds may be asked, None where there are none.
    row_figures: what shaped the rows of the dataset. privacy: the audit of the candidate's dataset and recipe, where there is one.
    reinforcement: how the candidate was trained by rewards, if it was.
    """

    segment: str
    served: ParentFallback | None
    dataset_fingerprint: str
    items: tuple[Item, ...]
    tasks: tuple[TaskFormat | None, ...]
    items_in_split: int
    groups_in_split: int
    models: tuple[ModelSpec, ...]
    config: EvaluationConfig
    metric_files: dict[str, Path]
    same_as_champion: bool
    champion_version: str
    data_version: str
    context: EvaluationContext
    curation: CurationConfig
    row_figures: JsonObject = field(default_factory=dict)
    privacy: PrivacyAudit | None = None
    provider: HostedConfig | None = None
    reinforcement: ReinforcementRecord | None = None

    @property
    def before(self) -> str:
        """Role of what serves now: the champion, else the base."""
        return "champion" if self.model("champion") else "base"

    def wants(self, metric: str) -> bool:
        """Whether the configuration asks for a metric."""
        return self.config.metrics is None or metric in self.config.metrics

    def model(self, role: str) -> ModelSpec | None:
        """The model in this role, or None."""
        return next((spec for spec in self.models if spec.role == role), None)

    @property
    def schemas(self) -> dict[str, str]:
        """Item id -> JSON schema that its answer is held to while it is written; empty unless the configuration says so."""
        if self.config.constrained == "off":
            return {}
        known = {
            task.task: json.dumps(task.answer.model_json_schema()) for task in set(self.tasks) if task and task.answer
        }
        return {
            item.item_id: known[task.task]
            for item, task in zip(self.items, self.tasks, strict=True)
            if task is not None and task.task in known and not item.is_plain
        }
