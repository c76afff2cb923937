"""Negative log-likelihood of the reference answer, token-weighted: the number that training lowers."""

from __future__ import annotations

from collections.abc import Sequence

from lyo_pipelines.evaluation.metrics.item_metric import BatchMetric, Values


class Loss(BatchMetric):
    """Negative log-likelihood of the reference answer, token-weighted: the number that training lowers."""

    direction = "lower"
    unit = "nats per token"
    sentence = (
        "How surprised the model is by the reference answer, per token (teacher forcing); exp(loss) is the perplexity."
    )

    def measure(self, nll_sums: Sequence[float], nll_tokens: Sequence[int]) -> tuple[Values, Sequence[float]]:
        pairs = zip(nll_sums, nll_tokens, strict=True)
        return [total / tokens if tokens else None for total, tokens in pairs], [float(tokens) for tokens in nll_tokens]
