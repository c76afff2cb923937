"""The page of a search, and the budget of one run."""

from __future__ import annotations

import dagster as dg
import pytest

from lyo_pipelines.config.loading import ConfigError, lay_over
from lyo_pipelines.defs.assets.search import search_budget, search_metadata
from lyo_pipelines.search.outcome import Comparison, SearchResult
from lyo_pipelines.search.record import TrialRecord
from lyo_pipelines.training.recipe_loading import load_recipe


def test_a_given_part_of_the_budget_takes_the_place_of_all_of_the_configurations():
    config = lay_over().search
    assert search_budget(config, {"trials": None}) == config.budget
    assert search_budget(config, {"tokens": 5}).model_dump(exclude_none=True) == {"tokens": 5}
    with pytest.raises(ConfigError, match="minutes"):
        search_budget(config, {"minutes": 5})


def test_the_page_shows_result_pictures_and_trials(tmp_path):
    records = [
        TrialRecord(number=n, figures={"lora.r": 8}, state="complete", loss=1.0 - n / 10, tokens=100, seconds=2.0)
        for n in range(3)
    ]
    found = Comparison(
        difference=-0.2, ci_low=-0.3, ci_high=-0.1, p_adjusted=0.01, n=20, groups=20, of=2, verdict="better"
    )
    result = SearchResult(
        segment="tutoring.en.math", dataset_fingerprint="feed", recipe="owner", why_ended="all its 3 trials have run",
        trials={"complete": 3}, best=2, own_loss=1.0, best_loss=0.8, comparison=found, importance={"lora.r": 1.0},
        tokens=300, seconds=6.0, money=0.0, says="Trial 2 is better.",
    )  # fmt: skip
    with dg.DagsterInstance.ephemeral() as instance:
        page = search_metadata(instance, result, records, tmp_path, load_recipe("owner"))
    assert list(page)[:3] == ["result", "history", "importance"]
    assert page["better_than_recipe"] == dg.MetadataValue.bool(True)
    assert (tmp_path / "history.png").is_file()
    table = page["trials"]
    assert isinstance(table, dg.TableMetadataValue)
    assert [record.data["loss"] for record in table.records] == ["1.0", "0.9", "0.8"]
