"""Nothing is learnt from days that other figures made: a run builds them first, and whoever starts behind it is refused."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from lyo_pipelines.curation.inputs import StaleDaysError, days_of_other_rules
from lyo_pipelines.dataset.build import build_dataset
from lyo_pipelines.dataset.preferences.build import build_preferences
from lyo_pipelines.dataset.row_figures import require_current_figures
from lyo_pipelines.dataset.versions import Version, latest_version
from lyo_pipelines.defs import clock
from lyo_pipelines.defs.build import build_defs
from lyo_pipelines.defs.partitions import SEGMENTS
from lyo_pipelines.defs.resources import Store, refuse_stale
from lyo_pipelines.defs.sensors.inbox import inbox_sensor
from lyo_pipelines.health.up_to_date import build_stale_days
from lyo_pipelines.interactions.landing.inbox import land_inbox
from lyo_pipelines.interactions.landing.notices import note_landing, noted_landings
from lyo_pipelines.interactions.landing.report import LandingReport
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines_tests.defs.conftest import drop, row
from lyo_pipelines_tests.defs.test_data_assets import tick

SEGMENT = "tutoring.en.math"
RATING = "curation.minimum_rating"
SMALL = "dataset: {minimum_groups: 3}\ncuration: {segment_minimum_interactions: 10, minimum_rating: %s%s}\n"


@pytest.fixture
def curated(tmp_path: Path) -> Store:
    """A day of ratings 4 and 5, landed and curated, and a configuration that a test changes."""
    store = Store(data_dir=str(tmp_path / "data"), config_path=str(tmp_path / "config.yaml"))
    figures(store, 4.0)
    drop(store, "log.jsonl", [row(n, rating=4 + n % 2) for n in range(1, 61)])
    now = clock.current_time()
    land_inbox(store.lake(), Pseudonyms("k" * 32), store.load_config().interactions, now=now)
    build(store)
    return store


def build(store: Store) -> Version:
    """The version of now, after its days: what a run does, without Dagster."""
    lake, config = store.lake(), store.load_config()
    build_stale_days(lake, config.curation, wanted=lambda day: True, pseudonyms=store.pseudonyms())
    return build_dataset(lake, SEGMENT, config.dataset, config.curation, now=clock.current_time())


def figures(store: Store, minimum_rating: float, more: str = "") -> None:
    Path(store.config_path).write_text(SMALL % (minimum_rating, more))


def splits(store: Store) -> tuple[Version, dg.ExecuteInProcessResult]:
    """One run of the dataset's asset; the version that it made."""
    job = build_defs(resources={"store": store}).resolve_job_def("retrain")
    keys = {dg.AssetKey(name) for name in ("train_split", "validation_split", "test_split")}
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions(SEGMENTS.name, [SEGMENT])
        result = job.get_subset(asset_selection=keys, asset_check_selection=set()).execute_in_process(
            instance=instance, partition_key=SEGMENT
        )
    assert result.success
    version = latest_version(store.lake(), SEGMENT)
    assert version is not None
    return version, result


def learnt(store: Store, version: Version) -> set[float]:
    """Ratings of the rows in a version."""
    lake = store.lake()
    ratings = {
        one["interaction_id"]: one["rating"]
        for day in lake.days("interactions")
        for one in lake.read_table(lake.interactions(day), ["interaction_id", "rating"]).to_pylist()
    }
    names = ("train", "validation", "test")
    tables = [lake.read_table(f"{version.path}/{name}.parquet", ["interaction_id"]) for name in names]
    return {ratings[one] for table in tables for one in table["interaction_id"].to_pylist()}


def test_a_changed_threshold_is_learnt_in_the_same_run_and_named_with_its_value(curated: Store) -> None:
    before = build(curated)
    assert learnt(curated, before) == {4.0, 5.0}
    assert before.manifest.row_figures[RATING] == 4.0

    figures(curated, 4.5)
    lake, config = curated.lake(), curated.load_config()
    assert days_of_other_rules(lake, config.curation)
    after, result = splits(curated)
    assert learnt(curated, after) == {5.0}
    assert after.manifest.row_figures[RATING] == 4.5
    assert f"| `{RATING}` | 4.5 |" in lake.read_text(f"{after.path}/README.md")
    assert days_of_other_rules(lake, config.curation) == []
    told = {event.asset_key.to_user_string() for event in result.all_events if event.is_step_materialization}
    assert {"filtered_examples", "segment_health"} <= told, "the days that it built are events of theirs"
    assert "raw_interactions" not in told, "nothing new had landed"


def test_figures_that_change_weights_alone_make_another_version(curated: Store) -> None:
    before = build(curated)
    figures(curated, 4.0, ", weight_minimum_rating: 0.5")
    after = build(curated)
    assert after.fingerprint != before.fingerprint
    assert learnt(curated, after) == learnt(curated, before)


def test_who_learns_without_that_run_is_refused_with_what_to_do(curated: Store) -> None:
    version, lake = build(curated), curated.lake()
    refuse_stale(lake, curated.load_config(), version.manifest)
    figures(curated, 4.5)
    config = curated.load_config()
    for learn in (build_dataset, build_preferences):
        with pytest.raises(StaleDaysError, match="other figures") as told:
            learn(lake, SEGMENT, config.dataset, config.curation, now=clock.current_time())
        assert "lyo build" in told.value.hint
    with pytest.raises(StaleDaysError, match=rf"{RATING} was 4\.0 and is 4\.5"):
        require_current_figures(lake, version.manifest, config.dataset, config.curation)
    with pytest.raises(dg.Failure):
        refuse_stale(lake, config, version.manifest)


@pytest.mark.parametrize(
    ("damage", "said"), [(Path.unlink, "are gone"), (lambda path: path.write_bytes(b"PAR1"), "is damaged")]
)
def test_a_day_that_lost_its_examples_makes_no_smaller_version_without_a_word(curated: Store, damage, said) -> None:
    drop(curated, "more.jsonl", [row(n, rating=5, occurred_at="2026-11-03T10:00:00Z") for n in range(100, 160)])
    land_inbox(curated.lake(), Pseudonyms("k" * 32), curated.load_config().interactions, now=clock.current_time())
    version, lake, config = build(curated), curated.lake(), curated.load_config()
    first = lake.days("examples")[0]
    damage(Path(lake.examples(first)))
    for learn in (build_dataset, build_preferences):
        with pytest.raises(StaleDaysError, match=rf"1 day \({first}\) was .*{said}"):
            learn(lake, SEGMENT, config.dataset, config.curation, now=clock.current_time())
    assert build(curated).fingerprint == version.fingerprint, "the same examples are there again"


def test_figures_of_speed_checks_and_pictures_make_nothing_stale(curated: Store) -> None:
    version = build(curated)
    figures(curated, 4.0, ", batch_rows: 100, quality_minimum_rows: 7, review_excerpt_characters: 90")
    config = curated.load_config()
    require_current_figures(curated.lake(), version.manifest, config.dataset, config.curation)
    assert build(curated).fingerprint == version.fingerprint


def test_rows_that_landed_since_do_not_refuse_what_was_curated_before(curated: Store) -> None:
    drop(curated, "more.jsonl", [row(n) for n in range(100, 110)])
    lake, config = curated.lake(), curated.load_config()
    land_inbox(lake, Pseudonyms("k" * 32), config.interactions, now=clock.current_time())
    build_dataset(lake, SEGMENT, config.dataset, config.curation, now=clock.current_time())


def test_a_damaged_day_stays_as_it_was_and_keeps_nobody_from_learning(curated: Store) -> None:
    build(curated)
    lake = curated.lake()
    drop(curated, "more.jsonl", [row(n, days_ago=2, rating=5) for n in range(61, 91)])
    land_inbox(lake, Pseudonyms("k" * 32), curated.load_config().interactions, now=clock.current_time())
    kept, other = lake.days("landing", name="")[::-1]
    (part,) = Path(lake.landing_dir(kept)).glob("*.parquet")
    part.write_bytes(part.read_bytes()[:-9])
    figures(curated, 4.5)
    version, _ = splits(curated)
    assert learnt(curated, version) == {5.0}, "new figures reach what the damaged day was built from before"
    assert lake.exists(lake.examples(other)), "the other days go on"


def test_a_landing_without_a_run_becomes_an_event_once(store: Store) -> None:
    lake = store.lake()
    report = LandingReport("f00d", "log.jsonl", "canonical", 4, 3, 1, {"broken_json": 1}, found="its keys")
    note_landing(lake, [report], clock.current_time())
    note_landing(lake, [LandingReport("f00d", "log.jsonl", "canonical", already_landed=True)], clock.current_time())
    lake.write_text("{torn", lake.path("landings", "torn.json"))
    assert len(noted_landings(lake)) == 1, "what was read before is no landing, and a torn note stops nobody"
    with dg.DagsterInstance.ephemeral() as instance:
        told = tick(inbox_sensor, instance, store)
        made, conserved, readable = told.asset_events
        assert (made.asset_key.to_user_string(), made.metadata["read"].value) == ("landed_files", 4)
        assert (conserved.passed, readable.passed) == (True, True)
        again = tick(inbox_sensor, instance, store, cursor=told.cursor)
        assert not again.asset_events
        assert noted_landings(lake) == [], "what was told is removed once Dagster has kept it"
        assert isinstance(tick(inbox_sensor, instance, store, cursor=again.cursor), dg.SkipReason)
