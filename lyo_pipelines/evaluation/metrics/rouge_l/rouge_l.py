"""ROUGE-L of the answer against the reference, with words of any script.

rouge_score's own tokenizer keeps only a-z and 0-9: every Hindi or Tamil answer would score 0.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from rouge_score import rouge_scorer

from lyo_pipelines.evaluation.answers.text import words
from lyo_pipelines.evaluation.metrics.item_metric import ItemMetric


class RougeL(ItemMetric):
    """ROUGE-L of the answer against the reference, with words of any script."""

    direction = "higher"
    unit = "0 to 1"
    sentence = "Overlap with the reference as the longest common subsequence of words (ROUGE-L F1)."
    source = "Lin, ROUGE, ACL workshop 2004"

    def value(self, prediction: str, reference: str) -> float | None:
        return _scorer().score(reference, prediction)["rougeL"].fmeasure


class _Words:
    """Unicode-aware tokenizer in the shape that rouge_score expects."""

    def tokenize(self, text: str) -> list[str]:
        """Lower-case words of any script."""
        return words(text)


@cache
def _scorer() -> Any:
    return rouge_scorer.RougeScorer(["rougeL"], tokenizer=_Words())
