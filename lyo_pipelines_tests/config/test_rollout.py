"""Configuration of the rollout: the owner's are shipped, and what makes no sense is refused by name."""

from __future__ import annotations

import pytest

from lyo_pipelines.config.loading import ConfigError, load_config

STAGE = "{share: 0.5, days: 1, watch: usual, confidence: 0.9}"


def test_the_configured_values_are_the_shipped_ones():
    shipped = load_config().rollout
    assert [(stage.share, stage.days) for stage in shipped.stages] == [(0.1, 3), (0.25, 4), (0.5, 7), (1.0, 0)]
    assert [stage.watch for stage in shipped.stages[:3]] == ["close", "usual", "usual"]
    assert (shipped.brakes.rating_drop, shipped.brakes.errors, shipped.brakes.response_time) == (0.3, 0.05, 2.0)
    assert shipped.up.margin == 0.1
    assert (shipped.experiment.share, shipped.experiment.days) == (0.1, 14)


def test_a_closely_watched_stage_needs_less_of_everything():
    shipped = load_config().rollout
    close, usual = shipped.watched(1), shipped.watched(2)
    assert all(getattr(close, name) < getattr(usual, name) for name in type(close).model_fields)


def test_there_are_only_the_stages_that_there_are():
    shipped = load_config().rollout
    for number in (0, 5):
        with pytest.raises(ValueError, match="there are 4"):
            shipped.stage(number)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"stages: [{STAGE}, {STAGE.replace('0.5', '0.4')}]", "must grow"),
        (f"stages: [{STAGE}]", "rollout.stages"),
        ("brakes: {rating_drop: 0.05}", "must not be below up.margin"),
        ("brakes: {error: 0.1}", "rollout.brakes.error"),
        ("brakes: {rating_drop: 30}", "rollout.brakes.rating_drop"),  # no rating can fall by more than 4 points
        ("brakes: {response_time: .inf}", "rollout.brakes.response_time"),
        ("brakes: {errors: .nan}", "rollout.brakes.errors"),
        (f"stages: [{STAGE.replace('days: 1', 'days: .inf')}, {STAGE}]", r"rollout\.stages\.0\.days"),
        ("watch: {close: {confidence: 0.5}}", "rollout.watch.close.confidence"),
        ("experiment: {share: 1.0}", "rollout.experiment.share"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_by_name(tmp_path, text, said):
    path = tmp_path / "config.yaml"
    path.write_text(f"rollout: {{{text}}}", encoding="utf-8")
    with pytest.raises(ConfigError, match=said):
        load_config(path)
