"""A report in words and tables, for people. Computes nothing: everything comes out of report.json's values."""

from __future__ import annotations

from lyo_pipelines.config.evaluation import PRIVACY
from lyo_pipelines.contracts.dataset import figure_text
from lyo_pipelines.contracts.report import Report, ServedBy
from lyo_pipelines.contracts.report_values import Comparison, Gate
from lyo_pipelines.evaluation.measures.compare import OURS
from lyo_pipelines.evaluation.report.gates import OFF, release_sentence, words
from lyo_pipelines.evaluation.report.headline import correctness_line
from lyo_pipelines.evaluation.report.markdown_method import limits_section, method_section
from lyo_pipelines.evaluation.report.markdown_parts import optional_sections as other_parts
from lyo_pipelines.evaluation.report.markdown_parts import warning_lines
from lyo_pipelines.evaluation.report.markdown_tables import (
    WORDS,
    difference_with_interval,
    markdown_table,
    number,
    quote,
)
from lyo_pipelines.evaluation.report.markdown_tasks import summary_lines, task_part
from lyo_pipelines.telling import told_size

MEMORY = "of the GPU for each model, on a CPU of the whole process so far."

MEANING = """\
- Both values are means over the same items: those where both models were measured (n).
- **better** / **worse**: the difference is larger than chance would explain. Its corrected p-value is below {alpha:g} and its
  interval, which is corrected for the number of comparisons alike, leaves 0 out.
- **cannot tell**: this test set does not show a difference; the interval holds 0. That is not the same as "equal": differences
  smaller than the one in the column *would have seen* would mostly go unnoticed (power {power:.0%}, before correction).
- **not enough groups**: fewer than {minimum_groups} independent groups; no verdict, and no gate judges it."""


def render_report(report: Report, *, answers: str = "") -> str:
    """The whole report.md. answers: what stands in place of the samples (for a form that can set them side by side)."""
    parts = [
        f"# Evaluation of {report.segment}, version {report.version}",
        _summary(report),
        "## Result",
        verdict_table(report),
        "![differences](differences.png)",
        "### What the verdicts mean",
        MEANING.format(
            alpha=report.statistics.alpha, power=report.statistics.power, minimum_groups=report.minimum_groups
        ),
        "## Gates",
        gates_table(report),
        task_part(report),
        other_parts(report),
        "## Slices",
        _slices(report),
        _samples(report, answers),
        "## Time and memory",
        _timings(report),
        "## How it was measured",
        method_section(report),
        _figures(report),
        "## What this does not show",
        limits_section(report),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def verdict_table(report: Report) -> str:
    """Metric by metric: each of our models' value, the difference with its interval, the verdict, n."""
    return markdown_table(VERDICT_COLUMNS, verdict_rows(report))


VERDICT_COLUMNS = ("metric", "against", "its value", "candidate", "difference", "verdict", "n", "would have seen")


def verdict_rows(report: Report) -> list[list[str]]:
    """A row for each metric and each of our models that the candidate is compared with, cells as VERDICT_COLUMNS.

    Both values are means over the items where both models were measured, so that their difference is the one beside them, and the
    interval is the one of the verdict.
    """
    rivals = [role for role in report.models if role in OURS and role != "candidate"]
    rows = []
    for name, about in report.metrics.items():
        label = f"{name} ({about.unit}, {_arrow(about.direction)})"
        for place, rival in enumerate(rivals):
            rows.append(["" if place else label, rival, *_cells(report, name, rival)])
        if name == "loss":
            rows += [
                ["perplexity (exp of loss)", rival, _value(report.metric(rival, "perplexity")),
                 _value(report.metric("candidate", "perplexity"))]
                for rival in rivals
            ]  # fmt: skip
    return rows


def _cells(report: Report, name: str, rival: str) -> list[str]:
    found = report.comparison(name, rival)
    if found is None:
        return [_value(report.metric(rival, name)), _value(report.metric("candidate", name)), "–", "described only"]
    theirs, ours = compared_means(report, found)
    if found.difference is None:
        return [_value(theirs), _value(ours), "–", found.note, str(found.n)]
    level = "" if found.verdict_confidence is None else f", interval at {found.verdict_confidence:.1%}"
    word = found.note or f"{WORDS[found.verdict]} (p {number(found.p_adjusted)}{level})"
    difference = difference_with_interval(found.difference, *found.interval)
    return [_value(theirs), _value(ours), difference, word, str(found.n), number(found.minimal_detectable_effect)]


def compared_means(report: Report, found: Comparison) -> tuple[float | None, float | None]:
    """What the two reached: over the same items; in reports of before, over all that each was measured on."""
    if found.mean_a is None:
        return report.metric(found.b, found.metric), report.metric(found.a, found.metric)
    return found.mean_b, found.mean_a


def gates_table(report: Report) -> str:
    """Each gate with its outcome."""
    rows = gate_rows(report)
    others = [gate for gate in report.gates if not gate.applies]
    off = [gate.name for gate in others if "(evaluation: " in gate.message]
    unmade = [gate.name for gate in others if gate.message.endswith(OFF[PRIVACY])]
    elsewhere = [gate.name for gate in others if gate.name not in (*off, *unmade)]
    note = (
        f"\n\nGates that do not apply, as their metrics belong to other tasks: {', '.join(elsewhere)}."
        if elsewhere
        else ""
    )
    note += f"\n\nGates of parts that are switched off: {', '.join(off)}." if off else ""
    note += f"\n\nGates without a privacy audit to judge by (`lyo privacy`): {', '.join(unmade)}." if unmade else ""
    return f"May it be released? {release_sentence(report.gates)}\n\n{markdown_table(GATE_COLUMNS, rows)}{note}"


GATE_COLUMNS = ("gate", "outcome", "effect", "why")
_OUTCOMES = ("failed", "cannot judge", "passed", "nothing to compare")


def gates_in_order(report: Report) -> list[Gate]:
    """The gates that apply: what failed first, then what could not be judged."""
    shown = [gate for gate in report.gates if gate.applies]
    return sorted(shown, key=lambda gate: (_OUTCOMES.index(gate.state), not gate.blocking))


def gate_rows(report: Report) -> list[list[str]]:
    """The gates that apply, cells as GATE_COLUMNS."""
    return [
        [words(gate.name), f"**{gate.state}**" if gate.state == "failed" else gate.state,
         "blocks" if gate.blocking else "warns", gate.message]
        for gate in gates_in_order(report)
    ]  # fmt: skip


def _figures(report: Report) -> str:
    """What shaped the rows that the adapter learnt from and is asked about."""
    if not report.row_figures:
        return ""
    rows = [[f"`{name}`", figure_text(value)] for name, value in report.row_figures.items()]
    return "### Figures that shaped the rows\n\n" + markdown_table(["figure", "value"], rows)


def served_sentence(served: ServedBy) -> str:
    """What a thin segment's report is about."""
    own = served.own_items
    return (
        f"**This segment trains nothing of its own: `{served.segment}` serves it, and everything below is that adapter's, on "
        f"that segment's test items ({own} of them are of this segment; its slice is below).** Why: {served.reason}"
    )


def _summary(report: Report) -> str:
    split = report.test_split
    part = "all" if report.n_test == split.items else f"{report.n_test} of {split.items}"
    lines = [
        f"{part} test items in {report.groups} groups (dataset {report.dataset_fingerprint}), "
        + ", ".join(f"{role} = `{version}`" for role, version in report.model_versions.items())
        + ".",
        *filter(None, [correctness_line(report)]),
        *summary_lines(report),
        *warning_lines(report),
    ]
    if report.served_by:
        lines.insert(0, served_sentence(report.served_by))
    if not report.enough_groups:
        lines.append(
            f"**Not enough groups: {report.groups}, at least {report.minimum_groups} are needed. "
            "The numbers below are a first impression; no verdict is given and no gate judges.**"
        )
    for c in report.comparisons:
        if c.metric == report.primary_metric and c.b in OURS and not c.note:
            lines.append(
                f"On {c.metric}, the candidate against the {c.b} is {WORDS[c.verdict]}: "
                f"{difference_with_interval(c.difference, *c.interval)}."
            )
    if report.candidate_is_champion:
        lines.append("The candidate is the adapter that serves now, so there is nothing else to compare it with.")
    return "\n\n".join(lines)


def _slices(report: Report) -> str:
    if not report.slices:
        return "The items carry no language, subject, grade or topic."
    shown = report.slices[0].models["candidate"]
    metrics = [name for name, about in report.metrics.items() if name in shown and not about.whole]
    head = ["slice", "n", "groups", *[f"{name}: base → candidate" for name in metrics], "verdicts against base"]
    rows = []
    for part in report.slices:
        row = [f"{part.dimension} {part.value}", str(part.n), str(part.groups)]
        for name in metrics:
            base, candidate = (part.models[role][name].value for role in ("base", "candidate"))
            row.append(f"{number(base)} → {number(candidate)}")
        everything = part.n == report.n_test
        judged = [c for c in part.comparisons if c.b == "base" and not c.note]
        words = [f"{c.metric} {WORDS[c.verdict]}" for c in judged if c.verdict != "cannot_tell"]
        if open_ones := [c.metric for c in judged if c.verdict == "cannot_tell"]:
            words.append(f"cannot tell: {', '.join(open_ones)}")
        rows.append(
            [*row, "; ".join(words) or ("all items: see above" if everything else "too few groups for a verdict")]
        )
    plot = any(part.n < report.n_test for part in report.slices)
    gone = (
        f"{report.expired} of {report.n_test} items hold no more, or not yet (validity). They are shown here alone: every comparison "
        "and gate above rests on the others.\n\n"
        if report.expired
        else ""
    )
    return gone + markdown_table(head, rows) + ("\n\n![slices](slices.png)" if plot else "")


SAMPLES_INTRO = (
    "The items where the candidate gained most against the base, then those where it lost most: extremes, no average."
)


def _samples(report: Report, instead: str = "") -> str:
    blocks = [instead] if instead and report.samples else []
    for sample in () if instead else report.samples:
        answers = {"reference": sample.reference, **sample.answers}
        quoted = "\n\n".join(f"**{role}**\n\n{quote(text)}" for role, text in answers.items())
        change = f"{sample.metric} {number(sample.change, True)}"
        blocks.append(f"### {sample.item_id} ({change})\n\n**question**\n\n{quote(sample.question)}\n\n{quoted}")
    return "\n\n".join(["## Answers side by side", SAMPLES_INTRO, *blocks]) if blocks else ""


def _timings(report: Report) -> str:
    if not report.timings:
        return "No response times: a provider's are not measured."
    rows = []
    for role, t in report.timings.items():
        spans = (t.time_to_first_token_ms, t.per_token_ms, t.total_ms)
        rows.append(
            [
                role,
                *[f"{number(span.p50)} / {number(span.p95)}" for span in spans],
                number(report.metric(role, "answer_tokens")),
                number(t.generation_tokens_per_second),
                told_size(t.peak_memory_bytes),
                f"{t.device}, {t.dtype}" + (", reused" if t.reused else ""),
            ]
        )
    head = [
        "model", "first token ms p50 / p95", "each further token ms p50 / p95", "all ms p50 / p95",
        "tokens per answer", "tokens/s in batches", "peak memory", "where",
    ]  # fmt: skip
    first = next(iter(report.timings.values()))
    if not first.probes:
        return markdown_table(head, rows) + "\n\nNo response times: nothing was asked. Memory: " + MEMORY
    note = (
        f"Response times: {first.probes} questions asked one at a time, {first.probe_tokens} tokens each, after a warm-up; "
        "the clock starts when the question is tokenised; "
        f"the p95 of so few is close to the largest. Other work on the machine lengthens them. Memory: {MEMORY}"
    )
    return markdown_table(head, rows) + f"\n\n{note}\n\n![times](times.png)"


def _value(value: float | None) -> str:
    return "not measured" if value is None else number(value)


def _arrow(direction: str) -> str:
    return {"higher": "higher is better", "lower": "lower is better"}.get(direction, "neither is better")
