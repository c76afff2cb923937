"""The base of metric files: a class with four facts about itself and one method is a module of `evaluate`.

`ItemMetric` scores one item at a time. `BatchMetric` is for what is faster over all items at once, or has weights. What a method wants
to see it names as its parameters; what there is stands in `measures/catalogue.py`.
"""

from __future__ import annotations

import abc
import inspect
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import datasets
import evaluate

from lyo_pipelines.evaluation.measures.catalogue import INPUTS

Values = Sequence[float | None]
"""One number for each item, None where it cannot be measured."""

_ONE = {wanted.entry: name for name, wanted in INPUTS.items()}
"""Parameter of `ItemMetric.value` -> the input that it is one entry of."""


class BatchMetric(evaluate.Metric, abc.ABC):
    """A metric over the columns of all items. `sentence`: what it measures, as the report says it; `source`: where it is from."""

    direction: ClassVar[Literal["higher", "lower", "neutral"]]
    unit: ClassVar[str] = ""
    sentence: ClassVar[str]
    source: ClassVar[str] = ""

    @abc.abstractmethod
    def measure(self, *args: Any, **columns: Any) -> Values | tuple[Values, Sequence[float]]:
        """The items' values; with weights beside them, the metric of a set is the ratio of weighted sums."""

    @classmethod
    def columns(cls) -> list[str]:
        """The columns that the metric wants. Raises TypeError for one that there is not."""
        return _known(cls.measure, {name: name for name in INPUTS})

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=self.sentence,
            citation=self.source,
            inputs_description="Lists of equal length, one entry for each test item.",
            features=datasets.Features({name: datasets.Value(INPUTS[name].dtype) for name in self.columns()}),
        )

    def _compute(self, *, predictions: Any = None, references: Any = None, **columns: Any) -> dict[str, Any]:
        both = {"predictions": predictions, "references": references}
        given = {name: values for name, values in both.items() if values is not None} | columns
        found = self.measure(**given)
        return {"values": found[0], "weights": found[1]} if isinstance(found, tuple) else {"values": found}


class ItemMetric(BatchMetric):
    """A metric that scores one item at a time."""

    @abc.abstractmethod
    def value(self, *args: Any, **item: Any) -> float | None:
        """One item's value; None where it cannot be measured."""

    @classmethod
    def columns(cls) -> list[str]:
        """The columns that `value` wants an entry of. Raises TypeError for one that there is not."""
        return _known(cls.value, _ONE)

    def measure(self, **columns: Sequence[Any]) -> Values:
        """`value` of every item."""
        names = {_ONE[name]: name for name in inspect.signature(type(self).value).parameters if name != "self"}
        rows = zip(*columns.values(), strict=True)
        return [
            self.value(**{names[column]: entry for column, entry in zip(columns, row, strict=True)}) for row in rows
        ]


def _known(method: Any, known: dict[str, str]) -> list[str]:
    wanted = [name for name in inspect.signature(method).parameters if name != "self"]
    if unknown := [name for name in wanted if name not in known]:
        raise TypeError(f"{method.__qualname__} asks for {', '.join(unknown)}; there are {', '.join(known)}")
    return [known[name] for name in wanted]
