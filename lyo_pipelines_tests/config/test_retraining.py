"""Configuration of the retraining triggers: for all segments, for single ones, and what is refused by name."""

from __future__ import annotations

import pytest

from lyo_pipelines.config.loading import ConfigError, load_config
from lyo_pipelines.config.retraining import RetrainingConfig

SEGMENT = "tutoring.ta.math"


def loaded(tmp_path, text: str) -> RetrainingConfig:
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return load_config(path).retraining


def test_the_configured_values_are_the_shipped_ones():
    shipped = load_config().retraining
    assert (shipped.volume.minimum_examples, shipped.volume.optimal_examples) == (1_000, 5_000)
    assert (shipped.volume.earliest_days, shipped.volume.latest_days) == (14, 28)
    assert (shipped.quality.average_rating, shipped.quality.negative_feedback_rise, shipped.quality.relevance) == (
        3.5,
        0.2,
        0.7,
    )
    assert (shipped.performance.response_time_rise, shipped.performance.retry_share) == (0.15, 0.3)
    assert (shipped.quality.cooldown_days, shipped.business.cooldown_days) == (7, 7)


def test_a_segment_has_its_own_values_over_those_of_all(tmp_path):
    own = f"{SEGMENT}: {{volume: {{minimum_examples: 500}}, launch: {{recipe: tiny}}}}"
    found = loaded(tmp_path, f"retraining: {{quality: {{relevance: 0.8}}, segments: {{{own}}}}}")
    mine, other = found.for_segment(SEGMENT), found.for_segment("tutoring.hi.math")
    assert (mine.volume.minimum_examples, other.volume.minimum_examples) == (500, 1_000)
    assert (mine.launch.recipe, other.launch.recipe) == ("tiny", "owner")
    assert mine.volume.optimal_examples == other.volume.optimal_examples == 5_000
    assert mine.quality.relevance == other.quality.relevance == 0.8
    assert mine.evidence == other.evidence


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("quality: {rating: 3}", "quality.rating"),
        ("quality: {average_rating: 7}", "quality.average_rating"),
        ("volume: {earliest_days: 40}", "must not be below"),
        ("volume: {minimum_examples: 9000}", "must not be below"),
        ("evidence: {window_days: [28, 14]}", "the short window comes first"),
        ("evidence: {alpha: 0}", "evidence.alpha"),
        ("launch: {evaluation_items: 0}", "launch.evaluation_items"),
        ("cooldown: {}", "retraining.cooldown"),
        (
            f"segments: {{{SEGMENT}: {{volumes: {{minimum_examples: 5}}}}}}",
            f"segments.{SEGMENT}: 'volumes' is not one of volume",
        ),
        (f"segments: {{{SEGMENT}: {{volume: {{minimum_example: 5}}}}}}", "volume.minimum_example"),
        (f"segments: {{{SEGMENT}: {{volume: {{minimum_examples: 9000}}}}}}", "must not be below"),
        (f"segments: {{{SEGMENT}: {{volume: 5}}}}", f"segments.{SEGMENT}.volume"),
        ("segments: {Tutoring.TA: {volume: {earliest_days: 7}}}", "segments.Tutoring.TA"),
        ("quality: {rating_drop: .inf}", "quality.rating_drop"),
        ("evidence: {baseline_days: 1000000}", "evidence.baseline_days"),
    ],
)
def test_a_figure_that_does_not_fit_is_refused_by_name(tmp_path, text, said):
    with pytest.raises(ConfigError) as error:
        loaded(tmp_path, f"retraining: {{{text}}}")
    assert said in str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        "evidence: {window_days: [7, 14]}",
        "evidence: {baseline_days: 30}",
        "launch: {weekly_budget: 3}",
        "launch: {claim_seconds: 9}",
    ],
)
def test_values_that_hold_for_all_segments_are_refused_in_one(tmp_path, text):
    key = text.split("{")[1].split(":")[0]
    with pytest.raises(ConfigError, match=f"segments.{SEGMENT}: {key} hold for all segments alike"):
        loaded(tmp_path, f"retraining: {{segments: {{{SEGMENT}: {{{text}}}}}}}")


def test_a_segment_s_other_values_of_these_sections_may_differ(tmp_path):
    found = loaded(
        tmp_path,
        f"retraining: {{segments: {{{SEGMENT}: {{evidence: {{minimum_rated: 20}}, launch: {{same_cause_days: 7}}}}}}}}",
    )
    assert (found.for_segment(SEGMENT).evidence.minimum_rated, found.for_segment(SEGMENT).launch.same_cause_days) == (
        20,
        7,
    )
