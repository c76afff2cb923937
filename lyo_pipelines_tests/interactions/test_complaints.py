"""Which complaints are cultural."""

from __future__ import annotations

import polars as pl
import pytest

from lyo_pipelines.config.loading import load_config
from lyo_pipelines.curation.culture import cultural_complaint
from lyo_pipelines.interactions.complaints import is_cultural

CATEGORIES = load_config().curation.cultural_complaint_categories


def judged(*told: str | None) -> list[bool]:
    frame = pl.DataFrame({"complaint_category": told}, schema={"complaint_category": pl.String})
    return frame.select(found=is_cultural(CATEGORIES))["found"].to_list()


@pytest.mark.parametrize(
    "told",
    [
        "cultural",
        "Cultural",
        " GENDER ",
        "Culturally inappropriate",
        "culturally-inappropriate",
        "rude; caste",
        "religion/tone",
    ],
)
def test_spelling_and_company_do_not_hide_a_cultural_category(told: str) -> None:
    assert judged(told) == [True]


@pytest.mark.parametrize(
    "told", [None, "", "wrong", "agriculture", "castell", "cultural_studies_missing", "not gendered"]
)
def test_other_categories_and_words_that_only_hold_one_are_not_cultural(told: str | None) -> None:
    assert judged(told) == [False]


def test_without_categories_nothing_is_cultural() -> None:
    frame = pl.DataFrame({"complaint_category": ["cultural", None]})
    assert frame.select(found=is_cultural(()).first())["found"].to_list() == [False]
    assert frame.with_columns(found=is_cultural(()))["found"].to_list() == [False, False]


def test_curation_counts_what_the_shared_definition_counts() -> None:
    told = ["Religion ", "rude", None, "caste|tone"]
    found = cultural_complaint(pl.Series("complaint_category", told), load_config().curation)
    assert found.to_list() == judged(*told)
