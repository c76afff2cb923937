"""ROUGE-L of the answer against the reference, with words of any script.

rouge_score's own tokenizer keeps only a-z and 0-9: every Hindi or Tamil answer would score 0.
"""

from __future__ import annotations

import datasets
import evaluate
from rouge_score import rouge_scorer

from lyo_pipelines.evaluation.answers.text import words


class RougeL(evaluate.Metric):
    """ROUGE-L of the answer against the reference, with words of any script."""

    direction = "higher"
    unit = "0 to 1"

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Overlap with the reference as the longest common subsequence of words (ROUGE-L F1).",
            citation="Lin, ROUGE, ACL workshop 2004",
            inputs_description="Lists of equal length, one entry for each test item.",
            features=datasets.Features(
                {
                    "predictions": datasets.Value("string"),
                    "references": datasets.Value("string"),
                }
            ),
        )

    def _compute(  # pyright: ignore[reportIncompatibleMethodOverride]  (called by its features' names)
        self, predictions: list[str], references: list[str]
    ) -> dict[str, list[float | None]]:
        scorer = rouge_scorer.RougeScorer(["rougeL"], tokenizer=_Words())
        scores = (scorer.score(reference, answer) for answer, reference in zip(predictions, references, strict=True))
        return {"values": [score["rougeL"].fmeasure for score in scores]}


class _Words:
    """Unicode-aware tokenizer in the shape that rouge_score expects."""

    def tokenize(self, text: str) -> list[str]:
        """Lower-case words of any script."""
        return words(text)
