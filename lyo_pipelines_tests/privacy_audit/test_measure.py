"""What costs say of canaries: chance is found as often as chance is, what is remembered is found, and few canaries tell nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.config.loading import load_config
from lyo_pipelines.evaluation.report.gates import privacy_gate
from lyo_pipelines.evaluation.report.markdown_privacy import audit_sentence, privacy_part
from lyo_pipelines.privacy_audit.canaries import (
    Canary,
    Carrier,
    TooFewExamplesError,
    by_segment,
    canaries_by_part,
    draw_phrases,
    make_canaries,
)
from lyo_pipelines.privacy_audit.measure import findings_of, rank_canaries
from lyo_pipelines_tests.privacy_audit.audits_made import audit_with
from lyo_pipelines_tests.privacy_audit.small_world import WORDS

CONFIG = load_config().privacy
KEY = ("tutoring.en.math", "en")


def canaries(count: int, seed: int = 0, **changes) -> list[Canary]:
    config = CONFIG.changed({"canaries": count, "words": 3, **changes})
    rng = np.random.default_rng(seed)
    parts = {KEY: [Carrier(*KEY, "math", None, None, f"question {n}") for n in range(20)]}
    wanted = canaries_by_part(parts, count * len(config.repetitions))
    phrases = {KEY: draw_phrases(WORDS, wanted[KEY] * (config.controls + 1), 3, rng)}
    return make_canaries(parts, phrases, wanted, config, rng)


def costs(of: list[Canary], seed: int, remembered: float = 0.0):
    """Nats of candidates without and with training: noise, and what is planted is cheaper by `remembered` for each row."""
    rng = np.random.default_rng(seed)
    base = {one.name: rng.normal(30, 1, len(one.candidates)) for one in of}
    trained = {name: before + rng.normal(-3, 1, len(before)) for name, before in base.items()}
    for one in of:
        trained[one.name][0] -= remembered * one.rows * one.planted
    return base, trained


@given(st.integers(0, 10_000))
def test_every_candidate_is_used_once_and_every_canary_has_as_many_questions_as_rows(seed):
    made = canaries(4, seed, repetitions=[1, 4, 16])
    phrases = [phrase for one in made for phrase in one.candidates]
    assert len(set(phrases)) == len(phrases)
    assert sorted(one.rows for one in made) == [1] * 4 + [4] * 4 + [16] * 4
    assert all(len({carrier.question for carrier in one.carriers}) == one.rows for one in made)


def test_the_coin_is_fair():
    assert 0.44 < np.mean([one.planted for seed in range(40) for one in canaries(4, seed)]) < 0.56


def test_chance_is_found_as_often_as_the_figures_say():
    made = canaries(300, repetitions=[1])
    found = findings_of(rank_canaries(made, *costs(made, seed=1)), CONFIG.changed({"repetitions": [1]}))
    (level,) = found.repetitions
    assert level.membership.finding == "not found"
    assert found.left_out.membership.finding == "not found"
    assert level.membership.ci_low <= CONFIG.kept_false_positives <= level.membership.ci_high
    assert level.exposure.median == pytest.approx(1, abs=0.35)
    assert level.one_run.epsilon < 0.4, "5 % of audits claim something without cause"


def test_what_is_remembered_is_found_from_the_rows_on_that_it_takes_and_the_left_out_are_not():
    made = canaries(24)
    found = findings_of(rank_canaries(made, *costs(made, seed=2, remembered=0.4)), CONFIG)
    by_rows = {level.rows: level for level in found.repetitions}
    assert by_rows[16].membership.finding == by_rows[8].membership.finding == "found"
    assert by_rows[1].membership.finding != "found"
    assert found.left_out.membership.finding != "found"
    assert by_rows[16].one_run.epsilon > 0.5
    assert by_rows[16].exposure.median > 6
    assert by_rows[16].exposure.modelled > by_rows[16].exposure.highest > by_rows[1].exposure.median


def test_few_canaries_tell_nothing():
    made = canaries(4)
    found = findings_of(rank_canaries(made, *costs(made, seed=3)), CONFIG)
    assert {level.membership.finding for level in found.repetitions} == {"cannot tell"}
    assert {level.exposure.ci_low for level in found.repetitions} == {None}


def test_too_few_questions_and_words_are_said():
    carriers = [Carrier(*KEY, None, None, None, "one question")] * 20
    assert by_segment(carriers, 2) == {}
    with pytest.raises(TooFewExamplesError, match="only 3 words"):
        draw_phrases(["a", "b", "c"], 1, 3, np.random.default_rng(0))


@pytest.mark.parametrize(("found", "of", "passed"), [(0, 40, True), (12, 40, False), (1, 8, None), (0, 0, None)])
def test_the_gate_judges_only_what_the_interval_shows(found, of, passed):
    assert privacy_gate(audit_with(usual=(found, of)), 0.1)[0] is passed


def test_an_audit_that_finds_what_nobody_planted_counts_for_nothing():
    audit = audit_with(usual=(30, 40), left_out=(20, 40))
    assert privacy_gate(audit, 0.1)[0] is None
    assert "not sound" in audit_sentence(audit)


def test_the_section_says_from_how_many_rows_on_and_that_finding_nothing_is_no_proof():
    assert "once they stand in 8 rows" in audit_sentence(audit_with(levels={1: (0, 20), 8: (9, 12)}))
    nothing = audit_with(levels={1: (0, 20), 16: (0, 20)})
    assert "not shown that it would find any" in audit_sentence(nothing)
    text = privacy_part(nothing)
    assert "| 16 rows | 0 of 20 | 0% [0%, 17%] |" in text
    assert privacy_part(None) == ""
