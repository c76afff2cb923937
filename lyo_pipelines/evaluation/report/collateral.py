"""Collateral damage: whether the candidate is worse than what serves now at what it was not trained for. Asking is the engine's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite

from lyo_pipelines.config.evaluation import EvaluationConfig
from lyo_pipelines.contracts.report_sections import Collateral, CollateralRow
from lyo_pipelines.contracts.report_values import Comparison
from lyo_pipelines.evaluation.answers.correctness import is_correct
from lyo_pipelines.evaluation.inputs.item_sets import GENERAL, ItemSet
from lyo_pipelines.evaluation.measures.compare import compare_metric
from lyo_pipelines.evaluation.measures.metric_values import MetricValues
from lyo_pipelines.evaluation.measures.model_outputs import ModelOutputs


def collateral_section(
    sets: Sequence[ItemSet], outputs: Mapping[str, Mapping[str, ModelOutputs]], before: str, config: EvaluationConfig
) -> Collateral:
    """The report's `collateral`. outputs: name of the set -> role (`before`, candidate) -> what was said.

    The intervals hold for all rows together (Bonferroni). damaged: True where the whole interval lies beyond what is tolerated, None
    where there are too few groups to say.
    """
    pairs = [(part, "loss") for part in sets if all(one.has_likelihoods for one in outputs[part.name].values())]
    pairs += [(part, "checked_answer") for part in sets if part.answers]
    wide = config.model_copy(update={"confidence": 1 - config.alpha / max(1, len(pairs))})
    rows = tuple(_row(part, metric, outputs[part.name], before, wide) for part, metric in pairs)
    return Collateral(
        before=before,
        tolerance=config.collateral.tolerance,
        confidence=wide.confidence,
        rows=rows,
        damaged=tuple(row.set for row in rows if row.damaged),
        judged=sum(row.damaged is not None for row in rows),
    )


def _row(
    part: ItemSet, metric: str, outputs: Mapping[str, ModelOutputs], before: str, config: EvaluationConfig
) -> CollateralRow:
    lost = sum(outputs["candidate"].without_a_number) if metric == "loss" else 0
    read = {"loss": _loss_values, "checked_answer": _correct_answers}[metric]
    values = {role: read(part, found) for role, found in outputs.items()}
    every = range(len(part.items))
    found = compare_metric(
        values["candidate"], values[before], [item.group_id for item in part.items], config,
        metric=metric, a="candidate", b=before, minimum_groups=config.collateral.minimum_groups,
    )  # fmt: skip
    return CollateralRow(
        set=part.name,
        kind=GENERAL if part.name == GENERAL else "segment",
        metric=metric,
        n=found.n,
        groups=found.groups,
        models={role: value.value([row for row in every if value.known(row)]) for role, value in values.items()},
        change=found.difference,
        ci_low=found.ci_low,
        ci_high=found.ci_high,
        damaged=True if lost else _is_worse(found, config.collateral.tolerance),
        note=f"the candidate's loss is no number on {lost} items" if lost else found.note,
    )


def _is_worse(found: Comparison, tolerance: float) -> bool | None:
    if found.note or found.ci_low is None or found.ci_high is None:
        return None
    return found.ci_low > tolerance if found.metric == "loss" else found.ci_high < 0


def _loss_values(_: ItemSet, outputs: ModelOutputs) -> MetricValues:
    pairs = list(zip(outputs.nll_sums, outputs.nll_tokens, strict=True))
    return MetricValues(
        tuple(
            None if total is None or not tokens or not isfinite(total) else total / tokens for total, tokens in pairs
        ),
        tuple(float(tokens) for _, tokens in pairs),
    )


def _correct_answers(part: ItemSet, outputs: ModelOutputs) -> MetricValues:
    asked = zip(part.items, outputs.texts, strict=True)
    return MetricValues(
        tuple(
            float(is_correct(text, item.reference_answer, item.question)) if item.reference_answer else None
            for item, text in asked
        )
    )
