"""Coverage of the curriculum: which topics have enough recent examples."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.retraining.coverage import curriculum_coverage, thin_topics
from lyo_pipelines_tests.retraining.signal_factory import SEGMENT, area, signals, topic
from lyo_pipelines_tests.retraining.test_assess import config, curriculum

NAMES = st.sampled_from("abcdef")


@given(st.dictionaries(NAMES, st.integers(0, 60)), st.sets(NAMES, min_size=1), st.integers(1, 40))
def test_a_topic_is_thin_when_it_has_too_few_examples_or_none(kept, taught, enough):
    topics = [topic(name, kept=count) for name, count in kept.items()]
    thin = thin_topics(area(30, *taught), topics, enough)
    assert set(thin) == {name for name in taught if kept.get(name, 0) < enough}
    assert list(thin) == sorted(thin)


def test_every_segment_of_the_curriculum_is_told_the_least_covered_first():
    taught = curriculum()
    name = next(iter(taught.areas[SEGMENT].topics))
    known = {SEGMENT: signals(topics=(topic(name, kept=30),))}
    found = curriculum_coverage(known, taught, config())
    assert {one.segment for one in found} == set(taught.areas)
    assert found[-1].segment == SEGMENT and found[-1].covered == 1
    assert all(one.covered == 0 for one in found[:-1])
