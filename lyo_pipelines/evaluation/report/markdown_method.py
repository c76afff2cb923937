"""How a report was measured, and what it does not show, in words. Computes nothing: everything comes out of report.json's values."""

from __future__ import annotations

from lyo_pipelines.contracts.report import Report
from lyo_pipelines.evaluation.measures.compare import OURS
from lyo_pipelines.evaluation.report.gates import NO_NUMBER
from lyo_pipelines.evaluation.report.markdown_tasks import method_lines, only_plain

CLOSENESS = ("loss", "chrf", "rouge_l", "relevance")
"""Metrics that compare with the reference's wording."""


def method_section(report: Report) -> str:
    """How everything was measured and compared."""
    s, g = report.statistics, report.generation
    answers = f" Answers: greedy, at most {g.max_new_tokens} tokens, in batches of {g.batch}."
    plain = only_plain(report)
    lines = [
        f"- All models got the same {report.n_test} items.{'' if plain else answers} "
        f"Loss: of the {'texts' if plain else 'reference answers'}, teacher-forced, per token.",
        f"- Differences are paired by item; whole groups (conversations, near-duplicate clusters) are resampled {s.resamples:,} "
        f"times ({s.interval}, {s.confidence:.0%}). p-values: {s.p_value}.",
        f"- All metrics and pairs are one family, corrected with {s.correction} at {s.alpha:g}; the slices are a second family. "
        "The interval beside a verdict has the level at which the correction judged it, so the two agree; it is wider than "
        f"{s.confidence:.0%} where there are several comparisons.",
        *method_lines(report),
    ]
    own = set(report.tasks.own_metrics)  # said where the task's answers are
    lines += [f"- {name}: {about.description}" for name, about in report.metrics.items() if name not in own]
    return "\n".join(lines)


def limits_section(report: Report) -> str:
    """What nobody may read out of the report."""
    base = report.models["base"]
    lines = ["- Whether a model that expects these texts also answers well when it is asked about them."]
    if not only_plain(report):
        close = [name for name in CLOSENESS if name in report.metrics]
        verb = "measures" if len(close) == 1 else "measure"
        lines = [
            "- References are answers that users rated well, not the only good ones: "
            f"{', '.join(close)} {verb} closeness to their wording.",
            "- Clarity and helpfulness are measured by no metric here; cultural fit only as far as word lists reach.",
        ]
    for name in report.metrics:
        n = base[name].n if name in base else 0
        if n < report.n_test:
            lines.append(f"- {name} is measured on {n} of {report.n_test} items.")
    for role in report.models:
        if share := report.metric(role, "truncated"):
            where = f"at {report.generation.max_new_tokens} tokens" if role in OURS else "at its endpoint's limit"
            lines.append(f"- {share:.0%} of the {role}'s answers were cut {where}.")
        if share := report.metric(role, NO_NUMBER):
            lines.append(
                f"- **The {role}'s loss is no number (NaN or infinite) on {share * report.n_test:.0f} of {report.n_test} items.** "
                "They are in none of its means: its weights are damaged, or its numbers overflow in this number format."
            )
    if share := report.metric("base", "cut_to_fit"):
        lines.append(
            f"- {share:.0%} of the prompts lost their oldest turns, or the beginning of their question, to fit "
            f"{report.generation.max_length} tokens (or the model's positions)."
        )
    return "\n".join(lines)
