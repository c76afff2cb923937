"""Whether the result that an answer states is the known one. How often that is so is a metric's business."""

from __future__ import annotations

from lyo_pipelines.evaluation.answers.numerals import alternatives_in, equal, last_number, number_in, unit_in
from lyo_pipelines.evaluation.answers.text import normal_form, stated_answer


def is_correct(answer: str, expected: str) -> bool:
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
