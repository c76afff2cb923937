"""Chain of thought: reasoning in the open, line by line, and the result on a last line of its own ("Answer: 42")."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lyo_pipelines.tasks.base import GradedAnswer, TaskFormat, TaskMetric
from lyo_pipelines.tasks.wording import about, is_feminine, language, learner

FORMAT_VERSION = "chain_of_thought-1"
MARKS = {"en": "Answer", "hi": "उत्तर", "ta": "விடை", "hi_latn": "Uttar", "ta_latn": "Vidai", "mr": "उत्तर"}
"""What stands before the result, by language; English elsewhere."""
_RESULT = re.compile(
    rf"^[\s*_#>]*(?:final\s+)?(?:{'|'.join(dict.fromkeys(MARKS.values()))})\s*[*_]*\s*[:：]", re.IGNORECASE
)


def system_prompt(row: Mapping[str, Any]) -> str:
    """Return the thinker's system prompt."""
    mark = MARKS.get(str(row.get("language") or ""), "Answer")
    return (
        f"You are Lyo, who thinks aloud{about(row)}{learner(row)}. Write one thought a line in {language(row)}, check it, "
        f'and end with a line "{mark}: …".{is_feminine(row)}'
    )


def thoughts(text: str) -> list[str]:
    """Return the lines before the result; all lines where none is stated."""
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[: next((at for at, line in enumerate(lines) if _RESULT.match(line)), len(lines))]


def states_result(text: str) -> bool:
    """Whether the last line is the result."""
    lines = [line for line in text.splitlines() if line.strip()]
    return bool(lines) and bool(_RESULT.match(lines[-1]))


def check(answer: str, _: Mapping[str, Any]) -> str | None:
    """There are at least two thoughts, and the result comes last."""
    if not states_result(answer):
        return "the last line does not state the result"
    return None if len(thoughts(answer)) >= 2 else "fewer than two thoughts before the result"


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
