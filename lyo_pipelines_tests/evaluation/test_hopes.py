"""The owner's hopes against a test set: reached, missed, cannot tell or not measured, each with its interval."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from pydantic import ValidationError

from lyo_pipelines.config.evaluation import HopeConfig
from lyo_pipelines.config.loading import load_config
from lyo_pipelines.contracts.report_sections import Hope
from lyo_pipelines.contracts.report_values import Timings
from lyo_pipelines.evaluation.inputs.items import Item
from lyo_pipelines.evaluation.measures.metric_values import MetricValues
from lyo_pipelines.evaluation.measures.model_outputs import ModelOutputs
from lyo_pipelines.evaluation.measures.run_metrics import Measured
from lyo_pipelines.evaluation.report.hopes import hopes_section
from lyo_pipelines.evaluation.report.html import render_html
from lyo_pipelines.evaluation.report.markdown import render_report
from lyo_pipelines.statistics.bootstrap import bootstrap_ratio_by_group
from lyo_pipelines_tests.contracts import reports_made

CONFIG = load_config().evaluation.model_copy(update={"resamples": 1_000})
N = 120
TIMING = {
    "probes": 6, "probe_tokens": 32, "time_to_first_token_ms": {"p50": 31.0, "p95": 40.0}, "total_ms": {"p50": 1.0, "p95": 1.0},
    "per_token_ms": {"p50": 1.0, "p95": 1.0}, "generation_seconds": 1.0, "generation_tokens_per_second": 1.0,
    "peak_memory_bytes": 1, "device": "cuda", "dtype": "bfloat16", "reused": False,
}  # fmt: skip


def outputs(tokens: Sequence[int | None]) -> ModelOutputs:
    n = len(tokens)
    return ModelOutputs([1.0] * n, [1] * n, [False] * n, ["…"] * n, list(tokens), [False] * n, [9] * n, 64, None)


def told(
    hopes: Sequence[HopeConfig] | None = None, *, tokens: tuple[int, int] = (130, 200), right: float = 0.97, chrf: float = 1.2,
    groups: int = N, timings: dict[str, Timings] | None = None,
) -> dict[str, Hope]:  # fmt: skip
    """A test set on which the candidate writes so many tokens, and is right so often, every item a little different."""
    rng = np.random.default_rng(1)
    items = [Item(f"i{at}", f"g{at % groups}", (("user", "?"),), "!", "en") for at in range(N)]
    noise = rng.integers(-10, 11, N)
    base = rng.uniform(0.3, 0.5, N)
    values = {
        "base": {"chrf": MetricValues(tuple(base)), "checked_answer": MetricValues((0.5,) * N)},
        "candidate": {
            "chrf": MetricValues(tuple(chrf * base + rng.normal(0, 0.01, N))),
            "checked_answer": MetricValues(tuple(float(at < right * N) for at in range(N))),
        },
    }
    answered = {
        role: outputs([int(each + more) for more in noise])
        for role, each in zip(("candidate", "base"), tokens, strict=True)
    }
    config = CONFIG if hopes is None else CONFIG.model_copy(update={"hopes": tuple(hopes)})
    found = hopes_section(items, answered, Measured((), values, {}, ()), timings or {}, config)
    return {hope.name: hope for hope in found}


def test_every_figure_of_the_owner_has_an_answer_and_what_is_not_there_is_not_measured():
    found = told()
    assert {name: (one.hoped, one.answer) for name, one in found.items()} == {
        "response quality": ("+15 to +25 %", "reached"),
        "ratings": ("+20 to +30 %", "not measured"),
        "tokens of an answer": ("-30 to -40 %", "reached"),
        "accuracy": ("at least 0.9", "reached"),
        "time to the first token": ("at most 50 ms", "not measured"),
    }
    tokens = found["tokens of an answer"]
    assert tokens.value == pytest.approx(0.35, abs=0.01)
    assert tokens.ci_low is not None and tokens.ci_high is not None and tokens.ci_low < 0.35 < tokens.ci_high
    assert (tokens.n, tokens.groups) == (N, N)


@pytest.mark.parametrize(
    ("changed", "name", "answer"),
    [
        ({"tokens": (190, 200)}, "tokens of an answer", "missed"),
        ({"tokens": (140, 200)}, "tokens of an answer", "cannot tell"),
        ({"tokens": (300, 200)}, "tokens of an answer", "missed"),
        ({"chrf": 1.02}, "response quality", "missed"),
        ({"right": 0.5}, "accuracy", "missed"),
        ({"right": 0.91}, "accuracy", "cannot tell"),
    ],
)
def test_a_hope_is_reached_or_missed_only_by_its_whole_interval(changed, name, answer):
    assert told(**changed)[name].answer == answer


def test_too_few_groups_give_no_answer_and_a_median_of_probes_is_no_proof():
    few = told(groups=10)["accuracy"]
    assert (few.answer, few.why) == ("cannot tell", "10 of 50 groups that an answer needs")
    quick = told(timings={"candidate": Timings.model_validate(TIMING)})["time to the first token"]
    assert (quick.value, quick.answer) == (31.0, "cannot tell") and "6 probes on cuda" in quick.why


def test_the_report_shows_them_in_words_and_in_html():
    timings = {"candidate": TIMING}
    made = reports_made.report(hopes=tuple(told().values()), timings=timings)
    quick = reports_made.report(
        hopes=(told(timings={"candidate": Timings.model_validate(TIMING)})["time to the first token"],)
    )
    assert "| time to the first token | at most 50 ms | 31 ms |" in render_report(quick)
    for text in (render_report(made), render_html(made, {})):
        assert "What was hoped for, and what was measured" in text
        assert "-30 to -40 %" in text and "not measured" in text
    line = next(line for line in render_report(made).splitlines() if line.startswith("| tokens of an answer"))
    assert "| -3" in line and "% [-3" in line  # a fall is written as one
    assert "hoped for" not in render_report(reports_made.report(timings=timings))


def test_a_ratio_of_sums_holds_its_true_value():
    rng = np.random.default_rng(2)
    base = rng.uniform(1, 3, 200)
    found = bootstrap_ratio_by_group(0.7 * base * rng.uniform(0.8, 1.2, 200), base, list(range(200)), resamples=1_000)
    assert found.low < 0.7 < found.high < 0.75
    with pytest.raises(ValueError, match="nothing"):
        bootstrap_ratio_by_group([1.0, 1.0], [0.0, 0.0], ["a", "b"])


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"figure": [0.25, 0.15]}, "comes first"),
        ({"figure": [float("nan"), 1]}, "finite"),
        ({"measure": ""}, "measure"),
    ],
)
def test_a_hope_that_could_never_be_answered_is_refused(changed, words):
    with pytest.raises(ValidationError, match=words):
        HopeConfig.model_validate({"name": "x", "measure": "chrf", "kind": "rise", "figure": [0.1, 0.2]} | changed)
