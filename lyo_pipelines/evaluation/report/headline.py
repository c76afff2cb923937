"""What the head of a report says of correctness, wherever a report is shown. Computes nothing."""

from __future__ import annotations

from lyo_pipelines.contracts.report import Report


def correctness_line(report: Report) -> str:
    """What the head of a report says: how many answers could be checked and why not the others; "" where nothing is to be said."""
    told = report.correctness
    if told is None:
        return ""
    why = "; ".join(f"{reason}: {count}" for reason, count in told.unchecked.items())
    if not told.checked:
        return (
            f"**Nobody measured whether the answers are right: none of {told.items} could be checked ({why}). Put known results into "
            "`reference_answer`, or let the answers end with them.**"
        )
    parts = ((told.of_rows, "from the rows"), (told.of_references, "as the references state them"))
    sources = ", ".join(f"{count} {name}" for count, name in parts if count)
    rest = f" Not checked: {why}." if why else ""
    return (
        f"Correctness: {told.checked} of {told.items} answers could be checked against known results ({sources}).{rest}"
    )
