"""Measures that several tasks share, as pure functions of numbers, labels and texts. Orders belong to ordering.py."""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from lyo_pipelines.tasks.base import GradedAnswer, TaskMetric

_NUMBER_LENGTH = 60  # characters


def macro_f1(answers: Sequence[str | None], references: Sequence[str]) -> float | None:
    """Return the F1 averaged over the labels that the references hold; None without any. None is an answer of no label."""
    if not references:
        return None
    # by counts: scikit-learn gives the same a hundred times slower, and a report asks some ten thousand times
    wanted, said = Counter(references), Counter(answers)
    right = Counter(known for answer, known in zip(answers, references, strict=True) if answer == known)
    return sum(2 * right[label] / (count + said[label]) for label, count in wanted.items()) / len(wanted)


def spearman(answers: Sequence[float | None], references: Sequence[float]) -> float | None:
    """Return the rank correlation; answers that are None count as all alike, in the middle of the others.

    0 when the answers tell nothing apart; None with fewer than three items or when all references are equal.
    """
    if len(references) < 3 or len(set(references)) < 2:
        return None
    known = sorted(answer for answer in answers if answer is not None)
    middle = known[len(known) // 2] if known else 0.0
    filled = [middle if answer is None else answer for answer in answers]
    if len(set(filled)) < 2:
        return 0.0
    from scipy.stats import rankdata

    return float(np.corrcoef(rankdata(filled), rankdata(references))[0, 1])


def split_words(text: str) -> list[str]:
    """Return the words of a text in any script, without case and without punctuation at their ends."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return [word for raw in plain.split() if (word := raw.strip(".,;:!?।\"'()[]{}“”‘’*`"))]


def word_f1(text: str, reference: str) -> float:
    """Return the F1 of two texts' distinct words: 1 when they use the same ones, 0 when they share none."""
    mine, theirs = set(split_words(text)), set(split_words(reference))
    if not mine or not theirs:
        return float(mine == theirs)
    return 2 * len(mine & theirs) / (len(mine) + len(theirs))


def ndcg(texts: Sequence[str], references: Sequence[str], *, similar: float = 0.5) -> float | None:
    """Return the nDCG of suggestions against the reference's, which stand best first.

    A reference suggestion is worth n, n - 1, … 1. Each text, in its order, takes the reference that is left over and most like it
    (by word F1, at least `similar`) and gets its worth times the likeness. None without references.
    """
    if not references:
        return None
    left = {place: len(references) - place for place in range(len(references))}
    gained = 0.0
    for rank, text in enumerate(texts):
        likeness = {place: word_f1(text, references[place]) for place in left}
        best = max(likeness, key=lambda place: (likeness[place] * left[place], -place), default=None)
        if best is not None and likeness[best] >= similar:
            gained += left.pop(best) * likeness[best] / math.log2(rank + 2)
    ideal = sum((len(references) - rank) / math.log2(rank + 2) for rank in range(len(references)))
    return min(1.0, gained / ideal)


def parse_number(text: str) -> Fraction | None:
    """Return the number that a short text is, in any script's digits: "1,200", "₹60", "x = 3/4"; else None."""
    plain = unicodedata.normalize("NFKC", text).rsplit("=", 1)[-1].replace(",", "").replace("−", "-").replace("⁄", "/")
    plain = "".join(str(unicodedata.decimal(sign)) if sign.isdecimal() else sign for sign in plain)
    plain = plain.strip(" .₹$%।")
    if len(plain) > _NUMBER_LENGTH or "e" in plain.lower():  # 1e999999999 would be written out
        return None
    try:
        return Fraction(plain.replace(" ", ""))
    except (ValueError, ZeroDivisionError):
        return None


def same_result(one: str, other: str) -> bool:
    """Whether two short results say the same: equal numbers, else the same words in the same order."""
    first, second = parse_number(one), parse_number(other)
    if first is not None and second is not None:
        return first == second
    return split_words(one) == split_words(other)


def label_metrics(prefix: str, label: Callable[[Any], str], says: str) -> tuple[TaskMetric, TaskMetric]:
    """Return accuracy and macro-F1 of one label of the answer; an invalid answer is a wrong one."""

    def right(item: GradedAnswer) -> float:
        return float(label(item.answer) == label(item.reference))

    def f1(items: Sequence[GradedAnswer]) -> float | None:
        said = [None if item.answer is None else label(item.answer) for item in items]
        return macro_f1(said, [label(item.reference) for item in items])

    return (
        TaskMetric(f"{prefix}_accuracy", "higher", "share right", f"Share of answers with the right {says}.", item=right, invalid=0.0),
        TaskMetric(f"{prefix}_macro_f1", "higher", "F1", f"F1 of the {says}, averaged over its values.", whole=f1),
    )  # fmt: skip


def score_metrics(prefix: str, score: Callable[[Any], float], says: str) -> tuple[TaskMetric, TaskMetric]:
    """Return mean absolute error and Spearman's rank correlation of one score from 0 to 1; an invalid answer errs by 1."""

    def error(item: GradedAnswer) -> float:
        return abs(score(item.answer) - score(item.reference))

    def ranks(items: Sequence[GradedAnswer]) -> float | None:
        said = [None if item.answer is None else score(item.answer) for item in items]
        return spearman(said, [score(item.reference) for item in items])

    return (
        TaskMetric(
            f"{prefix}_error", "lower", "mean absolute error",
            f"Distance of the {says} from the reference's, from 0 to 1; an invalid answer errs by 1.", item=error, invalid=1.0,
        ),
        TaskMetric(
            f"{prefix}_spearman", "higher", "rank correlation",
            f"Whether the {says} ranks the items as the references do (Spearman); invalid answers rank as all alike.", whole=ranks,
        ),
    )  # fmt: skip


def duplicated_texts(texts: Sequence[Hashable]) -> bool:
    """Whether any value stands there twice; texts are compared by their words."""
    plain = [" ".join(split_words(text)) or text.strip() if isinstance(text, str) else text for text in texts]
    return len(set(plain)) < len(plain)
