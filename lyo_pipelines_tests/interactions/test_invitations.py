"""`rating_invited` from an input file to raw_interactions: true, false, or not known."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest

from lyo_pipelines.interactions.errors import RowError
from lyo_pipelines.interactions.fields.columns import parse_flag
from lyo_pipelines_tests.interactions.landing_lake import as_csv, as_parquet, build, jsonl, lake_at, land, row

SAID = (True, False, None)


def asked(table):
    return dict(zip(table["interaction_id"].to_pylist(), table["rating_invited"].to_pylist(), strict=True))


@pytest.mark.parametrize("write", [jsonl, as_parquet], ids=["json lines", "parquet"])
def test_what_the_log_says_of_invitations_reaches_raw_interactions(tmp_path, write):
    rows = [row(n, rating_invited=said) for n, said in enumerate(SAID)] + [row(3)]
    lake = lake_at(tmp_path)
    land(lake, write(tmp_path / "inbox" / f"log.{'jsonl' if write is jsonl else 'parquet'}", rows))
    assert asked(build(lake)) == {"i0": True, "i1": False, "i2": None, "i3": None}


def test_cells_of_a_table_say_it_in_words_or_digits(tmp_path):
    lake = lake_at(tmp_path)
    words = ["true", "False", "1", "0", "yes", ""]
    land(lake, as_csv(tmp_path / "inbox" / "log.csv", [row(n, rating_invited=word) for n, word in enumerate(words)]))
    assert list(asked(build(lake)).values()) == [True, False, True, False, True, None]


def test_an_invitation_that_is_not_understood_costs_itself_alone(tmp_path):
    lake = lake_at(tmp_path)
    report = land(lake, jsonl(tmp_path / "inbox" / "log.jsonl", [row(0, rating_invited="perhaps"), row(1)]))
    assert (report.accepted, asked(build(lake))["i0"]) == (2, None)
    assert any("bad_rating_invited" in note for note in report.notes)
    with pytest.raises(RowError):
        parse_flag(2, "rating_invited")


def test_files_that_landed_before_there_were_invitations_are_still_read(tmp_path):
    lake = lake_at(tmp_path)
    land(lake, jsonl(tmp_path / "inbox" / "log.jsonl", [row(0, rating_invited=True)]))
    (day,) = lake.days("landing", name="")
    (name,) = lake.names(lake.landing_dir(day))
    path = f"{lake.landing_dir(day)}/{name}"
    table = lake.read_table(path)
    lake.write_table(table.drop_columns(["rating_invited"]), path)
    lake.fs.rm(lake.path("landed"), recursive=True)  # nor were sizes of what landed noted then
    assert "rating_invited" not in pq.read_schema(lake.local(path)).names
    assert asked(build(lake)) == {"i0": None}
