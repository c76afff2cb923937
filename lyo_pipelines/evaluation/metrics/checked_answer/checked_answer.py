"""Whether the result that the answer states equals the known one."""

from __future__ import annotations

import datasets
import evaluate

from lyo_pipelines.evaluation.numerals import alternatives_in, equal, last_number, number_in, unit_in
from lyo_pipelines.evaluation.text import normal_form, stated_answer


class CheckedAnswer(evaluate.Metric):
    """Whether the result that the answer states equals the known one."""

    direction = "higher"
    unit = "share right"

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=(
                "Share of answers whose stated result (last line Answer: / उत्तर: / விடை:, else the last number) "
                "equals the known one."
            ),
            citation="",
            inputs_description="Lists of equal length, one entry for each test item.",
            features=datasets.Features(
                {
                    "predictions": datasets.Value("string"),
                    "expected_answers": datasets.Value("string"),
                }
            ),
        )

    def _compute(  # pyright: ignore[reportIncompatibleMethodOverride]  (called by its features' names)
        self, predictions: list[str], expected_answers: list[str]
    ) -> dict[str, list[float | None]]:
        pairs = zip(predictions, expected_answers, strict=True)
        return {"values": [None if not expected else float(is_right(answer, expected)) for answer, expected in pairs]}


def is_right(answer: str, expected: str) -> bool:
    """Compare as numbers where the known result is one (units must not contradict), else as normalised text."""
    stated = stated_answer(answer)
    number = number_in(expected)
    if number is None:
        last_line = stated or next((line for line in reversed(answer.splitlines()) if line.strip()), "")
        if (known := alternatives_in(expected)) and len(known) > 1:
            return alternatives_in(last_line) == known
        return normal_form(last_line) == normal_form(stated_answer(expected) or expected)
    if stated is None:
        found = last_number(answer)
        return found is not None and equal(found, number)
    found = number_in(stated)
    units = {unit_in(stated), unit_in(expected)} - {None}
    return found is not None and len(units) < 2 and equal(found, number)
