"""Gates on parts of a report that judge themselves: collateral damage, and the judge where people are shown to agree with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Outcome = tuple[bool | None, str]
"""(passed or None where it cannot be judged, why)."""


def collateral(part: Mapping[str, Any]) -> Outcome:
    """Whether nothing else is shown to have become worse."""
    rows = part["rows"]
    if damaged := [row for row in rows if row["damaged"]]:
        told = [
            f"{row['set']} {row['metric']} {row['change']:+.3g} [{row['ci_low']:+.3g}, {row['ci_high']:+.3g}]"
            for row in damaged
        ]
        return False, f"shown to be worse than the {part['before']}: {'; '.join(told)}"
    if not part["judged"]:
        return None, f"nothing could be judged: {'; '.join(sorted({row['note'] for row in rows})) or 'no items'}"
    judged = [f"{row['set']} {row['metric']} {row['change']:+.3g}" for row in rows if row["damaged"] is not None]
    return True, f"no damage shown against the {part['before']}: {', '.join(judged)}"


def judge(part: Mapping[str, Any]) -> Outcome:
    """Whether the judge does not find the candidate worse, in languages in which it may say so."""
    gate = part["gate"]
    if gate["note"]:
        return None, f"reported only: {gate['note']}"
    told = (
        f"{gate['wins']} wins, {gate['ties']} ties, {gate['losses']} losses against the {part['against']} in "
        f"{', '.join(gate['languages'])} (score {gate['score']:+.3g} [{gate['ci_low']:+.3g}, {gate['ci_high']:+.3g}])"
    )
    return gate["verdict"] != "worse", told


PART_GATES: dict[str, Callable[[Mapping[str, Any]], Outcome]] = {"collateral": collateral, "judge": judge}
OFF = {
    "collateral": "nothing besides the test items was looked at (evaluation: collateral)",
    "judge": "no judge is set up (evaluation: judge)",
}
DEMANDS = {
    "collateral": (
        "Neither other segments nor general questions are shown to have become worse than with what serves now, beyond what is "
        "tolerated."
    ),
    "judge": (
        "A language model that people are shown to agree with does not find the candidate's answers worse than those of what "
        "serves now."
    ),
}
