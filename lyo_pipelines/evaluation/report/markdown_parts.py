"""The optional parts of a readable report: culture, predicted rating, collateral damage, endpoints, judge, privacy audit."""

from __future__ import annotations

from collections.abc import Sequence

from lyo_pipelines.contracts.report import Report
from lyo_pipelines.contracts.report_sections import CollateralRow, Hope, JudgeSection, RemoteUsage
from lyo_pipelines.contracts.report_values import Comparison
from lyo_pipelines.evaluation.report.markdown_privacy import privacy_part
from lyo_pipelines.evaluation.report.markdown_reinforcement import reinforcement_part
from lyo_pipelines.evaluation.report.markdown_tables import (
    WORDS,
    code,
    difference_with_interval,
    markdown_table,
    number,
)

EXAMPLES = 3
"""Cultural findings that are shown with an excerpt."""


def optional_sections(report: Report) -> str:
    """All parts that the report has, each with its heading; "" where it has none."""
    made = [
        ("What was hoped for, and what was measured", hopes_table(report)),
        ("Language and culture", _culture(report)),
        ("Predicted rating", _satisfaction(report)),
        ("Collateral damage", _collateral(report)),
        ("Other models on the same items", _endpoints(report)),
        ("What a language model says as judge", _judge(report)),
        ("How it was trained by rewards", reinforcement_part(report.reinforcement)),
        ("What it remembers of single people", privacy_part(report.privacy)),
    ]
    return "\n\n".join(f"## {heading}\n\n{text}" for heading, text in made if text)


def warning_lines(report: Report) -> list[str]:
    """What the head of the report must say about missing parts."""
    missing = report.incomplete
    if not missing:
        return []
    return [
        f"**Not complete: {'; '.join(map(code, missing))}. Run the evaluation again: it asks only for what is missing.**"
    ]


HOPE_COLUMNS = ("hoped for", "figure", "measured", "answer", "n", "measured as")


def hope_rows(report: Report) -> list[list[str]]:
    """A row for each hope, cells as HOPE_COLUMNS."""
    return [
        [
            hope.name, hope.hoped, _hope_value(hope), f"{hope.answer} ({hope.why})" if hope.why else hope.answer,
            f"{hope.n} ({hope.groups} groups)" if hope.groups else str(hope.n or ""),
            f"{hope.measure}: {hope.note}" if hope.note else hope.measure,
        ]
        for hope in report.hopes or ()
    ]  # fmt: skip


def hopes_table(report: Report) -> str:
    """The owner's hopes against this test set; "" where none are configured."""
    if not report.hopes:
        return ""
    intro = (
        "The owner's figures against this test set, the adapter against the base model. Reached or missed: the whole interval "
        f"({report.statistics.confidence:.0%}, over groups, not corrected for several figures) says so."
    )
    return f"{intro}\n\n{markdown_table(HOPE_COLUMNS, hope_rows(report))}"


def _hope_value(hope: Hope) -> str:
    if hope.value is None:
        return "–"
    if hope.hoped.startswith(("+", "-")):  # a fall is kept as how far it fell
        sign = -1.0 if hope.hoped.startswith("-") else 1.0
        ends = sorted(sign * end for end in (hope.ci_low, hope.ci_high) if end is not None)
        within = f" [{ends[0]:+.1%}, {ends[1]:+.1%}]" if len(ends) == 2 else ""
        return f"{sign * hope.value:+.1%}{within}"
    within = "" if hope.ci_low is None or hope.ci_high is None else f" [{number(hope.ci_low)}, {number(hope.ci_high)}]"
    unit = " ms" if hope.measure.endswith("_ms") else ""
    return f"{number(hope.value)}{unit}{within}"


def _culture(report: Report) -> str:
    found = report.culture
    if found is None or "cultural_findings" not in report.metrics:
        return ""
    if not found:
        return "Curation's word lists found nothing in what the models wrote."
    roles = list(found[0].models)
    rows = [[entry.finding, *[str(entry.models[role]) for role in roles], entry.why] for entry in found]
    told = [
        f"- {entry.finding} ({entry.example.model}, {entry.example.item_id}): {code(entry.example.excerpt)}"
        for entry in found[:EXAMPLES]
    ]
    intro = "What curation's word lists and the persona's rules found in what the models wrote, in answers:"
    return "\n\n".join(
        [intro, markdown_table(["finding", *roles, "why it counts"], rows), "For instance:", "\n".join(told)]
    )


def _satisfaction(report: Report) -> str:
    told = report.satisfaction
    if told is None:
        return ""
    if not told.measured:
        return f"Not predicted: {told.why}."
    return (
        f"Learnt from {told.ratings:,} ratings of {told.users:,} users on the training side (mean {_points(told.mean_rating)}), "
        f"from the form of the answers. On users that it had not seen, its root mean squared error is {_points(told.error)} points; "
        f"always saying the mean errs by {_points(told.error_of_mean)} (it explains {_share(told.explained)} of the variance). What "
        "it predicts for each model stands in the result above. It cannot know whether an answer is right."
    )


def _collateral(report: Report) -> str:
    told = report.collateral
    if told is None:
        return ""
    before = told.before
    rows = [
        [
            f"{row.set}: {row.metric}",
            str(row.n),
            number(row.models[before]),
            number(row.models["candidate"]),
            _change(row),
            row.note or ("**damaged**" if row.damaged else "no damage shown"),
        ]
        for row in told.rows
    ]
    intro = (
        f"What the candidate was not trained for, before ({before}) and after. Damage: the whole interval lies beyond what is "
        f"tolerated, {told.tolerance:g} nats per token of loss and nothing of right answers. The intervals hold for all rows "
        f"together ({told.confidence:.1%} each)."
    )
    head = ["items", "n", "before", "candidate", "change", "judgement"]
    return f"{intro}\n\n{markdown_table(head, rows)}"


def _change(row: CollateralRow) -> str:
    if row.change is None:
        return "–"
    return difference_with_interval(row.change, row.ci_low, row.ci_high)


def _endpoints(report: Report) -> str:
    found = report.endpoints
    if not found:
        return ""
    spent = [
        [
            entry.name, code(entry.model), f"{entry.answered} of {entry.asked}", *_tokens(entry),
            _money(entry.cost), _money(entry.cost_per_answer), _waited(entry),
        ]
        for entry in found
    ]  # fmt: skip
    head = ["name", "model", "answered", "tokens in", "tokens out", "cost", "cost per answer", "answer ms p50 / p95"]
    names = [entry.name for entry in found]
    note = (
        "Cost: tokens as the endpoint counts them, at the prices in its config. Times are of whole answers, with the network. A "
        "model behind an endpoint tells no likelihoods, so loss is not measured. These comparisons are corrected as a family of their "
        "own, and no gate looks at them."
    )
    return "\n\n".join([markdown_table(head, spent), note, _against(report, names)])


def _against(report: Report, names: Sequence[str]) -> str:
    rows = []
    for metric, about in report.metrics.items():
        values = [report.metric(role, metric) for role in ("candidate", *names)]
        if any(value is not None for value in values[1:]):
            verdicts = [_verdict(report.comparison(metric, name)) for name in names]
            rows.append([f"{metric} ({about.unit})", *map(number, values), *verdicts])
    return markdown_table(["metric", "candidate", *names, *[f"candidate - {name}" for name in names]], rows)


def _verdict(found: Comparison | None) -> str:
    if found is None or found.difference is None:
        return "described only" if found is None else found.note
    interval = difference_with_interval(found.difference, *found.interval)
    return f"{interval}: {found.note or WORDS[found.verdict]}"


def _judge(report: Report) -> str:
    told = report.judge
    if told is None:
        return ""
    result = f"{told.wins} wins, {told.ties} ties and {told.losses} losses against the {told.against}"
    score = (
        ""
        if told.score is None
        else f": score {difference_with_interval(told.score, told.ci_low, told.ci_high)}, "
        f"{told.note or WORDS[told.verdict]}"
    )
    lines = [
        f"{code(told.model)} read {told.n} pairs of answers in both orders; orders that disagree are a tie. The candidate has "
        f"{result}{score}.",
        f"The orders disagree in {_share(told.flip_rate)} of all pairs; {told.parse_failures} of {told.replies} replies "
        f"could not be read; where it chose, it chose the answer that came first in {_share(told.first_preferred)}. Requests "
        f"{told.requests}, tokens {' / '.join(_tokens(told))}, cost {_money(told.cost)}.",
        _agreement(told),
    ]
    gate = told.gate
    lines.append(f"May it gate? {'No: ' + gate.note if gate.note else 'Yes, in ' + ', '.join(gate.languages)}.")
    return "\n\n".join(lines)


def _agreement(told: JudgeSection) -> str:
    if not told.agreement:
        return "There are no pairs that people rated, so nobody knows whether people agree with it."
    rows = [
        [
            language, str(of.pairs), number(of.agreement), f"[{number(of.ci_low)}, {number(of.ci_high)}]",
            number(of.kappa),
            "shown" if of.trusted else of.why,
        ]
        for language, of in told.agreement.items()
    ]  # fmt: skip
    head = ["language", "pairs that people rated", "agreement (a coin: 0.5)", "interval", "kappa", "enough to gate"]
    return markdown_table(head, rows)


def _tokens(entry: RemoteUsage) -> list[str]:
    return ["not told" if count is None else f"{count:,}" for count in (entry.tokens_in, entry.tokens_out)]


def _money(value: float | None) -> str:
    return "not known" if value is None else f"{value:.6g}"


def _waited(entry: RemoteUsage) -> str:
    return f"{number(entry.answer_ms.p50)} / {number(entry.answer_ms.p95)}"


def _points(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"
