"""Negative log-likelihood of the reference answer, token-weighted: the number that training lowers."""

from __future__ import annotations

import datasets
import evaluate


class Loss(evaluate.Metric):
    """Negative log-likelihood of the reference answer, token-weighted: the number that training lowers."""

    direction = "lower"
    unit = "nats per token"

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=(
                "How surprised the model is by the reference answer, per token (teacher forcing); exp(loss) is the perplexity."
            ),
            citation="",
            inputs_description="Lists of equal length, one entry for each test item.",
            features=datasets.Features(
                {
                    "nll_sums": datasets.Value("float64"),
                    "nll_tokens": datasets.Value("int64"),
                }
            ),
        )

    def _compute(  # pyright: ignore[reportIncompatibleMethodOverride]  (called by its features' names)
        self, nll_sums: list[float], nll_tokens: list[int]
    ) -> dict[str, list[float | None]]:
        pairs = list(zip(nll_sums, nll_tokens, strict=True))
        return {
            "values": [total / tokens if tokens else None for total, tokens in pairs],
            "weights": [float(tokens) for _, tokens in pairs],
        }
