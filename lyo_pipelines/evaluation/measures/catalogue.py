"""Finding, loading and running the metric modules, each by the path of its file. What a metric computes stands in its module."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lyo_pipelines.errors import LyoError
from lyo_pipelines.evaluation.measures.metric_values import MetricValues
from lyo_pipelines.tasks.base import TaskFormat

BUILT_IN = Path(__file__).parents[1] / "metrics"
READERS = Path(__file__).parents[1] / "answers"


@dataclass(frozen=True)
class MetricInput:
    """A list that a metric may ask for, one entry for each item. entry: the name of one entry, as `ItemMetric.value` takes it."""

    sentence: str
    entry: str
    dtype: str = "string"


INPUTS: dict[str, MetricInput] = {
    "predictions": MetricInput("the model's answer", "prediction"),
    "references": MetricInput("the answer in the test split", "reference"),
    "questions": MetricInput("the last user message", "question"),
    "expected_answers": MetricInput(
        "the checkable result, of the row or as the reference states it, '' where none is known", "expected_answer"
    ),
    "languages": MetricInput("language of the item", "language"),
    "subjects": MetricInput("subject of the item, or ''", "subject"),
    "grades": MetricInput("grade of the item, or ''", "grade"),
    "nll_sums": MetricInput(
        "negative log-likelihood of the reference, summed over its tokens, in nats", "nll_sum", "float64"
    ),
    "nll_tokens": MetricInput("tokens of the reference that were scored", "nll_tokens", "int64"),
    "prompt_tokens": MetricInput("tokens of the prompt", "prompt_tokens", "int64"),
    "answer_tokens": MetricInput("tokens that the model wrote", "answer_tokens", "int64"),
    "truncated": MetricInput("whether the answer was cut at max_new_tokens", "truncated", "bool"),
}
"""By the name that a metric's features (or the parameters of its method) ask for."""

_OF_PLAIN_TEXT = {"references", "languages", "subjects", "grades", "nll_sums", "nll_tokens"}
"""The inputs that plain text has too; the others exist only where a model was asked something."""


class MetricError(LyoError):
    """A metric module does not fit; the message names its file and what is expected."""


@dataclass(frozen=True)
class MetricModule:
    """A loaded metric module with what it declares about itself."""

    name: str
    direction: Literal["higher", "lower", "neutral"]
    unit: str
    sentence: str
    module: Any

    @property
    def reads_answers(self) -> bool:
        """Whether it looks at a question or at what a model wrote, which plain text has not."""
        return not set(self.module.features) <= _OF_PLAIN_TEXT

    @property
    def reads_likelihoods(self) -> bool:
        """Whether it looks at the references' likelihoods, which a model behind an endpoint does not tell."""
        return not set(self.module.features).isdisjoint({"nll_sums", "nll_tokens"})

    def compute(self, inputs: Mapping[str, Sequence[Any]]) -> MetricValues:
        """Run the module on the columns its features name. Raises MetricError when it answers in another shape."""
        wanted = list(self.module.features)
        n = len(inputs["predictions"])
        try:
            result = self.module.compute(**{name: list(inputs[name]) for name in wanted}) if n else {"values": []}
        except Exception as error:
            raise MetricError(f"metric {self.name} failed: {type(error).__name__}: {error}") from error
        values, weights = result.get("values"), result.get("weights")
        if values is None or len(values) != n or (weights is not None and len(weights) != n):
            raise MetricError(f'metric {self.name}: expected {{"values": [{n} entries]}}, found {str(result)[:200]}')
        kept = tuple(None if value is None or value != value else float(value) for value in values)  # noqa: PLR0124 (nan)
        return MetricValues(kept, None if weights is None else tuple(float(weight) for weight in weights))


def metric_files(names: Sequence[str] | None = None, extra: Path | None = None) -> dict[str, Path]:
    """Metric name -> file, sorted by name; a team's own (`extra`) stands in for a built-in one of the same name.

    Raises MetricError when a name in `names` is not found.
    """
    found = {}
    for folder in (BUILT_IN, extra):
        if folder is not None and folder.is_dir():
            found |= {path.stem: path for path in folder.glob("*/*.py") if path.stem == path.parent.name}
    if names is None:
        return dict(sorted(found.items()))
    if missing := [name for name in names if name not in found]:
        raise MetricError(
            f"no metric called {', '.join(missing)}: there are {', '.join(sorted(found))}. Add <name>/<name>.py."
        )
    return {name: found[name] for name in sorted(names)}


def applies_to_task(name: str, path: Path, task: TaskFormat | None, primary: str) -> bool:
    """Whether a metric means something for a task: its file may name the general ones; the deciding one and a team's own always do."""
    named = None if task is None else task.general_metrics
    return named is None or name in (primary, *named) or not path.is_relative_to(BUILT_IN)


def sources_hash(files: Mapping[str, Path]) -> str:
    """Hash of the metric modules' source, and of what reads answers for them: another source gives another report."""
    digest = hashlib.sha256((BUILT_IN / "item_metric.py").read_bytes())
    for path in sorted([*READERS.glob("*.py"), *READERS.glob("*.yaml")]):
        digest.update(path.name.encode() + path.read_bytes())
    for name, path in files.items():
        digest.update(name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def load_metrics(files: Mapping[str, Path]) -> list[MetricModule]:
    """Load each module with `evaluate.load(<path>)`, offline. Raises MetricError when one does not fit."""
    return [load_metric(name, path) for name, path in files.items()]


def load_metric(name: str, path: Path) -> MetricModule:
    """Load one module from its file. Raises MetricError naming the file and what is missing."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("HF_EVALUATE_OFFLINE", "1")
    import evaluate

    try:
        module = evaluate.load(str(path), keep_in_memory=True, cache_dir=tempfile.gettempdir())
    except Exception as error:
        raise MetricError(f"{path}: cannot be loaded as an evaluate module ({error}).") from error
    direction, unit = getattr(module, "direction", None), getattr(module, "unit", "")
    if direction not in ("higher", "lower", "neutral"):
        raise MetricError(
            f'{path}: the class must declare direction = "higher", "lower" or "neutral", found {direction!r}.'
        )
    if unknown := [wanted for wanted in module.features if wanted not in INPUTS]:
        raise MetricError(f"{path}: its features ask for {', '.join(unknown)}; there are {', '.join(INPUTS)}.")
    return MetricModule(name=name, direction=direction, unit=unit, sentence=module.description.strip(), module=module)
