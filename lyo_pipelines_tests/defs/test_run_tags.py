"""What is kept in the tags of a run comes back as it was, whatever signs it holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.defs.runs import listed, parts_of


@given(st.lists(st.text(min_size=1, max_size=30), max_size=6))
def test_causes_come_back_as_they_were(causes):
    assert parts_of(listed(causes)) == tuple(causes)


@pytest.mark.parametrize(
    ("tag", "causes"),
    [
        ("", ()),
        ("volume.minimum#1", ("volume.minimum#1",)),
        ("quality.rating_drop#1,volume.refresh:abc#2", ("quality.rating_drop#1", "volume.refresh:abc#2")),
        (
            "performance.retries:salt, sugar and water#1,quality.relevance#1",
            ("performance.retries:salt, sugar and water#1", "quality.relevance#1"),
        ),
    ],
)
def test_a_tag_that_was_written_with_commas_is_still_read(tag, causes):
    assert parts_of(tag) == causes
