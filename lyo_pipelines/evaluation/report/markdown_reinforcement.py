"""How a candidate was trained by rewards, in words and one table. Computes nothing: everything comes out of its manifest."""

from __future__ import annotations

from lyo_pipelines.contracts.adapter import HeldAgainstStart, ReinforcementRecord
from lyo_pipelines.evaluation.report.markdown_tables import difference_with_interval, markdown_table, number

COLUMNS = ("on validation questions", "in the reward", "n", "start", "adapter", "difference", "finding")


def reinforcement_part(record: ReinforcementRecord | None) -> str:
    """The section's text; "" for a candidate that was not trained by rewards."""
    if record is None:
        return ""
    table = markdown_table(COLUMNS, [_row(row) for row in record.held])
    return "\n\n".join([_intro(record), table, _guards(record)])


def _intro(record: ReinforcementRecord) -> str:
    rewards = ", ".join(f"`{name}` (weight {weight:g})" for name, weight in record.rewards.items())
    ratings = record.ratings
    said = (
        f"Ratings are predicted by two models, each of its half of {ratings.ratings:,} rated answers; one rewards, the other judges "
        f"(they explain {_share(ratings.explained)} and {_share(ratings.explained_by_judge)} of the variance of ratings in groups "
        "that they had not seen)."
        if ratings.used
        else f"Predicted ratings were not rewarded: {ratings.why}."
    )
    return (
        f"Learnt from its own answers to {record.questions:,} questions of the train split ({record.checkable:,} with a result that "
        f"can be checked), rewarded for {rewards}. {said} Below, the reward and what it does not see, before and after, on "
        f"{record.validation:,} validation questions ({record.groups:,} groups), with {record.confidence:.0%} intervals over groups. "
        "The step was chosen by this reward, so its rise is flattered; the test items above were not looked at."
    )


def _row(row: HeldAgainstStart) -> list[str]:
    return [
        row.name.replace("_", " "),
        "yes" if row.rewarded else "no: a judge",
        str(row.n),
        number(row.start),
        number(row.value),
        difference_with_interval(row.change, row.ci_low, row.ci_high),
        _finding(row),
    ]


def _finding(row: HeldAgainstStart) -> str:
    if row.ci_low is not None and row.ci_low > 0:
        return "**rose**"
    if row.ci_high is not None and row.ci_high < 0:
        return "**fell**"
    return "cannot tell"


def _guards(record: ReinforcementRecord) -> str:
    figures = (
        f"Guards at the kept step {record.step}: {record.kl:.3f} nats per token from the start (at most {record.max_kl:g}), answers "
        f"of {record.length:.0f} tokens, {record.length_start:.0f} at the start (at most {record.max_length_ratio:g} times)."
    )
    ended = (
        f" **The guards ended the training: {record.stopped}.** What is kept is from before." if record.stopped else ""
    )
    return figures + (ended or " No guard ended the training.")


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"
