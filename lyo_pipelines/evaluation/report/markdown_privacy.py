"""What a privacy audit found, in words and one table. Computes nothing: everything comes out of privacy.json's values."""

from __future__ import annotations

from lyo_pipelines.contracts.privacy import CanaryExposure, OneRun, PrivacyAudit, ShareFound
from lyo_pipelines.evaluation.report.markdown_tables import markdown_table, number

AUDIT_COLUMNS = (
    "canaries in", "found", "share found", "by chance", "finding", "exposure (bits)", "modelled", "epsilon at least",
)  # fmt: skip


def privacy_part(audit: PrivacyAudit | None) -> str:
    """The section's text; "" without an audit."""
    if audit is None:
        return ""
    return "\n\n".join([audit_sentence(audit), markdown_table(AUDIT_COLUMNS, audit_rows(audit)), audit_note(audit)])


def audit_sentence(audit: PrivacyAudit) -> str:
    """What the audit as a whole says, in a sentence or two."""
    if not audit.sound:
        return (
            "**This audit is not sound: canaries that nobody planted are found more often than chance finds them. Nothing of it "
            "counts.**"
        )
    found = [level.rows for level in audit.repetitions if level.membership.finding == "found"]
    if not found:
        most = audit.repetitions[-1].rows if audit.repetitions else 0
        return (
            f"No canaries are shown to be remembered, not even those in {most} rows: this audit has not shown that it would find "
            "any, so that is no proof that nothing is remembered."
        )
    least = min(found)
    says = f"Made-up secrets are told from others like them once they stand in {_rows(least)}."
    below = [level for level in audit.repetitions if level.rows < least]
    if below:
        open_ones = [str(level.rows) for level in below if level.membership.finding == "cannot tell"]
        says += " In fewer rows they are not found"
        says += f"; in {', '.join(open_ones)} too few were planted to tell how many would be." if open_ones else "."
    return says


def audit_rows(audit: PrivacyAudit) -> list[list[str]]:
    """A row for the canaries that were left out, each repetition, those of few rows together, and after erasure; AUDIT_COLUMNS."""
    rows = [_row("no row (left out)", audit.left_out.membership, audit.left_out.exposure)]
    rows += [_row(_rows(level.rows), level.membership, level.exposure, level.one_run) for level in audit.repetitions]
    if audit.usual is not None:
        rows.append(_row(f"at most {_rows(audit.usual_rows)}, together", audit.usual))
    if (after := audit.after_erasure) is not None:
        rows.append(_row("all, erased and trained again", after.membership, after.exposure))
    return rows


def audit_note(audit: PrivacyAudit) -> str:
    """How it was measured, and what it does not say."""
    screened = sum(audit.screened_out.values())
    lines = [
        f"{audit.canary_rows:,} of {audit.rows:,} training rows held canaries ({audit.words} random words each, rated answers of "
        f"made-up people; {audit.kept_rows:,} of {audit.planted_rows:,} planted rows came through curation unchanged"
        + (f", {screened:,} phrases that it would have changed or removed were not used" if screened else "")
        + f"). Trained as `{audit.trained}`, {audit.steps} steps, thrown away afterwards; nothing of it can be registered.",
        f"Found: a canary ranks so high among {audit.controls} controls of the same make that chance does so in "
        f"{audit.false_positives:.2%} of cases. Intervals are exact ({audit.confidence:.0%}, Clopper-Pearson). *Not found*: the whole "
        f"interval is below {audit.tolerable_share:.0%}; *cannot tell*: it is not, and chance is not ruled out either. Exposure is 1 "
        f"bit by chance and {number(audit.left_out.exposure.highest)} at most with so many controls; *modelled* goes beyond that by a "
        "fitted distribution. Epsilon is a lower bound for all rows of a canary together (one-run audit), of the largest that "
        "so many guesses can show; 0 is no proof of privacy.",
    ]
    if (after := audit.after_erasure) is not None:
        left = (
            f"{after.files_left} files still named them"
            if after.files_left
            else "no file of the copy named them any more"
        )
        lines.append(
            f"Then the {after.rows_erased:,} planted rows were erased as `lyo erase` does ({left}), and the copy was trained again."
        )
    return "\n\n".join(lines)


def _row(
    name: str, share: ShareFound, exposure: CanaryExposure | None = None, one_run: OneRun | None = None
) -> list[str]:
    found = "–" if share.share is None else f"{share.share:.0%} [{share.ci_low:.0%}, {share.ci_high:.0%}]"
    return [
        name,
        f"{share.found} of {share.canaries}",
        found,
        f"p {number(share.p_value)}",
        f"**{share.finding}**" if share.finding == "found" else share.finding,
        "" if exposure is None else _bits(exposure),
        "" if exposure is None else _number(exposure.modelled),
        ""
        if one_run is None
        else f"{one_run.epsilon:.2f} of {one_run.ceiling:.2f} ({one_run.correct} of {one_run.guesses} guesses right)",
    ]


def _bits(exposure: CanaryExposure) -> str:
    if exposure.median is None:
        return "–"
    if exposure.ci_low is None or exposure.ci_high is None:
        return f"{exposure.median:.1f} (too few for an interval)"
    return f"{exposure.median:.1f} [{exposure.ci_low:.1f}, {exposure.ci_high:.1f}]"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"


def _rows(count: int) -> str:
    return f"{count} row{'' if count == 1 else 's'}"
