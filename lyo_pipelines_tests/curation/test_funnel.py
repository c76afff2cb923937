from __future__ import annotations

import io
import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.curation.contract import FUNNEL
from lyo_pipelines.curation.funnel import combined, funnel_plot, funnel_table
from lyo_pipelines.curation.rules import RULES
from lyo_pipelines.plotting import MAXIMUM_BYTES
from lyo_pipelines_tests.hypothesis_profile import draws

counts = st.dictionaries(
    st.tuples(st.sampled_from(["tutoring.en.math", "tutoring.hi", "search.en"]), st.integers(-1, len(RULES) - 1)),
    st.integers(1, 5000),
    max_size=12,
)


@given(counts)
def test_a_funnel_loses_no_row(made):
    table = funnel_table(made)
    assert table.schema.equals(FUNNEL)
    steps = combined([table])
    assert steps[0] == ("read", 0, sum(made.values()))
    assert steps[-1][2] == sum(number for (_, position), number in made.items() if position < 0)
    for before, after in itertools.pairwise(steps):
        assert before[2] - after[1] == after[2]


@given(counts, counts)
def test_days_and_segments_add_up(monday, tuesday):
    both = combined([funnel_table(monday), funnel_table(tuesday)])
    assert both[0][2] == sum(monday.values()) + sum(tuesday.values())
    segments = {segment for segment, _ in (*monday, *tuesday)}
    assert (
        sum(combined([funnel_table(monday), funnel_table(tuesday)], segment)[0][2] for segment in segments)
        == both[0][2]
    )


@settings(max_examples=draws(3))
@given(counts)
def test_the_picture_is_a_small_png(made):
    from PIL import Image

    png = funnel_plot([funnel_table(made)])
    assert len(png) < MAXIMUM_BYTES
    assert Image.open(io.BytesIO(png)).size[0] == 420, "as wide as the page of an asset shows it"


def test_a_full_picture_is_small_enough_for_the_ui():
    full = {("tutoring.en.math", position): 97 * (position + 2) ** 2 for position in range(-1, len(RULES))}
    assert (
        len(funnel_plot([funnel_table(full)], "tutoring.en.math", "A title of a usual length, 2026-01-05"))
        < MAXIMUM_BYTES
    )
