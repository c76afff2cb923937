"""Chain of thought: reasoning in the open, line by line, and the result at the end ("Answer: 42"; results.py knows the other ways)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lyo_pipelines.tasks.base import GradedAnswer, TaskFormat, TaskMetric
from lyo_pipelines.tasks.results import result_line, splits_sentences
from lyo_pipelines.tasks.wording import about, is_feminine, language, learner

FORMAT_VERSION = "chain_of_thought-1"
MARKS = {"en": "Answer", "hi": "उत्तर", "ta": "விடை", "hi_latn": "Uttar", "ta_latn": "Vidai", "mr": "उत्तर"}
"""What stands before the result, by language; English elsewhere."""


def system_prompt(row: Mapping[str, Any]) -> str:
    """Return the thinker's system prompt."""
    mark = MARKS.get(str(row.get("language") or ""), "Answer")
    return (
        f"You are Lyo, who thinks aloud{about(row)}{learner(row)}. Write one thought a line in {language(row)}, check it, "
        f'and end with a line "{mark}: …".{is_feminine(row)}'
    )


def thoughts(text: str) -> list[str]:
    """Return the lines before the result (the sentences, where all is one paragraph); all of them where no result is stated."""
    lines = splits_sentences(text)
    at = result_line(lines)
    return lines if at is None else lines[:at]


def states_result(text: str) -> bool:
    """Whether the answer ends with its result."""
    return result_line(splits_sentences(text)) is not None


def check(answer: str, _: Mapping[str, Any]) -> str | None:
    """There is a thought, and the result comes after it."""
    if not states_result(answer):
        return "the last line does not state the result"
    return None if thoughts(answer) else "no thought before the result"


def _states(item: GradedAnswer) -> float:
    return float(states_result(item.answer))


def _thoughts(item: GradedAnswer) -> float:
    return float(len(thoughts(item.answer)))


FORMAT = TaskFormat(
    task="chain_of_thought",
    version=FORMAT_VERSION,
    system_prompt=system_prompt,
    description="A problem in the question; thoughts, one a line, and the result out.",
    check=check,
    metrics=(
        TaskMetric("states_result", "higher", "share", "Share of answers whose last line states the result.", item=_states),
        TaskMetric("thoughts", "neutral", "lines", "Lines of reasoning before the result.", item=_thoughts),
    ),
)  # fmt: skip
