"""What holds no more leaves training and stays where it is held out."""

from __future__ import annotations

from datetime import date, timedelta

import pyarrow as pa
import pytest

from lyo_pipelines.curation.contract import EXAMPLE
from lyo_pipelines.curation.inputs import StaleDaysError
from lyo_pipelines.dataset.build import build_dataset
from lyo_pipelines.dataset.card import dataset_card
from lyo_pipelines.dataset.expiry import EXPIRY_COLUMNS, row_validity
from lyo_pipelines.dataset.preferences.build import build_preferences
from lyo_pipelines.dataset.row_figures import require_current_figures
from lyo_pipelines.dataset.versions import read_split
from lyo_pipelines.validity import NOTHING_DECLARED, Edition, Validity
from lyo_pipelines_tests.dataset.example_lake import CONFIG, CURATION, NOW, SEGMENT, START, examples, lake_with

ENDS = NOW.date() + timedelta(days=10)
ALGEBRA = Validity((Edition("NCERT 2020", (SEGMENT,), topics=("algebra",), last=ENDS),))


@pytest.fixture
def lake(tmp_path):
    return lake_with(tmp_path, examples(range(60)))


def build(lake, later: int = 0, validity: Validity = ALGEBRA):
    return build_dataset(lake, SEGMENT, CONFIG, CURATION, now=NOW + timedelta(days=later), validity=validity)


def rows(lake, version, split: str) -> dict[str, dict]:
    return {row["example_id"]: row for row in read_split(lake, SEGMENT, version.fingerprint, split).to_pylist()}


def test_expired_examples_leave_training_alone_and_the_version_is_new(lake):
    before, after = build(lake), build(lake, 11)
    assert before.fingerprint != after.fingerprint
    for split in ("validation", "test"):
        assert rows(lake, before, split).keys() == rows(lake, after, split).keys(), "what is held out does not move"
    gone = rows(lake, before, "train").keys() - rows(lake, after, "train").keys()
    assert gone and after.manifest.removed_by_rule["expired"] == len(gone)
    assert {row["topic"] for row in rows(lake, after, "train").values()} == {"geometry"}
    states = {(row["topic"], row["validity"], row["valid_until"]) for row in rows(lake, after, "test").values()}
    assert states == {("algebra", "expired", ENDS), ("geometry", None, None)}
    assert before.manifest.expires == {ENDS.isoformat(): len(gone)}
    assert after.manifest.validity["test"].keys() == {"expired", "not said"}


def test_an_expiry_of_held_out_examples_alone_is_a_version_too(lake):
    """Ids are the same then; what the report slices is not."""
    test = next(iter(rows(lake, build(lake), "test").values()))
    only = Validity((Edition("x", (SEGMENT,), topics=(test["topic"],), grades=(test["grade"],), last=ENDS),))
    lake_with(lake.root, [row for row in examples(range(60)) if row["grade"] != test["grade"] or row["topic"] != test["topic"]
                          or row["example_id"] == test["example_id"]])  # fmt: skip
    before, after = build(lake, 1, only), build(lake, 12, only)
    assert "expired" not in after.manifest.removed_by_rule or not after.manifest.removed_by_rule["expired"]
    assert before.fingerprint != after.fingerprint


def test_without_any_validity_everything_holds_always_and_the_card_says_so(lake):
    version = build(lake, validity=NOTHING_DECLARED)
    assert not version.manifest.validity and not version.manifest.expires
    assert "all hold always" in dataset_card(version.manifest)
    assert 'Where it is "not said"' in dataset_card(build(lake, 11).manifest)


def test_when_the_end_is_put_off_the_examples_come_back_to_their_split(lake):
    first = build(lake)
    build(lake, 11)
    put_off = Validity((Edition("NCERT 2020", (SEGMENT,), topics=("algebra",), last=ENDS + timedelta(days=400)),))
    assert rows(lake, build(lake, 12, put_off), "train").keys() == rows(lake, first, "train").keys()


def test_editions_are_figures_that_shaped_the_rows(lake):
    version = build(lake)
    assert version.manifest.row_figures["curriculum.editions"] == [
        f"NCERT 2020 ({SEGMENT}; algebra) until {ENDS.isoformat()}"
    ]
    require_current_figures(lake, version.manifest, CONFIG, CURATION, validity=ALGEBRA)
    with pytest.raises(StaleDaysError, match=r"curriculum\.editions"):
        require_current_figures(lake, version.manifest, CONFIG, CURATION)


def test_preferences_do_not_learn_what_expired(lake):
    for one in examples(range(60, 100), rating=1.0):
        day = START.date() + timedelta(days=int(one["interaction_id"].removeprefix("int-")) % 3)
        table = pa.Table.from_pylist([one], schema=EXAMPLE)
        path = lake.examples(day, "disliked")
        lake.write_table(pa.concat_tables([lake.read_table(path), table]) if lake.exists(path) else table, path)

    def kept(later: int):
        return build_preferences(
            lake, SEGMENT, CONFIG, CURATION, now=NOW + timedelta(days=later), validity=ALGEBRA
        ).manifest

    before, after = kept(0), kept(11)
    assert (before.expired, after.expired > 0) == (0, True)
    assert after.kto["train"]["good"] < before.kto["train"]["good"]
    assert after.kto.get("validation") == before.kto.get("validation")


def test_documents_hold_by_what_they_say_of_themselves():
    told = [
        {"valid_until": date(2026, 1, 1)}, {"valid_from": date(2027, 1, 1)}, {"academic_year": "2026-27"}, {"edition": "NCERT 2020"},
        {},
    ]  # fmt: skip
    table = pa.Table.from_pylist(
        [{"segment": "documents.en.notes", "occurred_at": NOW, **one} for one in told],
        schema=pa.schema([EXAMPLE.field(name).with_nullable(True) for name in ("occurred_at", *EXPIRY_COLUMNS)]),
    )
    found = row_validity(table, ALGEBRA, NOW.date())
    assert found.states.to_pylist() == ["expired", "not_yet", "current", "current", None]
    assert found.valid_until.to_pylist() == [date(2026, 1, 1), None, date(2027, 3, 31), ENDS, None]
