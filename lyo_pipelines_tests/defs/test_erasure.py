"""Requests to be forgotten, carried out by Dagster: a plan, then the deed, and nobody's id in anything that Dagster keeps."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from lyo_pipelines.defs.build import build_defs
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.erasure.requests import waiting_requests, write_request
from lyo_pipelines.interactions.landing.inbox import land_inbox
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines_tests.defs.conftest import drop, row, today

USER = "pupil-3@example.org"


@pytest.fixture
def asked(store: Store) -> Store:
    """Six people's rows, and a request of one of them."""
    drop(store, "log.jsonl", [row(n) for n in range(1, 7)])
    land_inbox(store.lake(), _pseudonyms(store), store.load_config().interactions, today())
    write_request(store.lake(), [USER], reason="asked on paper", now=today())
    return store


def _pseudonyms(store: Store) -> Pseudonyms:
    found = store.pseudonyms()
    assert found is not None
    return found


def _run(name: str, instance: dg.DagsterInstance, store: Store) -> dg.ExecuteInProcessResult:
    job = build_defs(resources={"store": store}).resolve_job_def(name)
    return job.execute_in_process(instance=instance)


def test_a_request_is_planned_then_carried_out_and_dagster_keeps_nobody(on_sqlite, asked, tmp_path: Path) -> None:
    plan = _run("plan_erasure", on_sqlite, asked)
    shown = plan.asset_materializations_for_node("erasure_plan")[0].metadata
    (told,) = shown["plan"].value.records
    assert [str(told.data[name]) for name in ("interactions", "inbox files rewritten")] == ["1", "1"]
    assert len(waiting_requests(asked.lake())) == 1, "a plan changes nothing"

    done = _run("erase_people", on_sqlite, asked)
    metadata = done.asset_materializations_for_node("erased_people")[0].metadata
    assert (metadata["requests"].value, metadata["records"].value) == (1, "00000001.json")
    assert waiting_requests(asked.lake()) == []
    needles = [USER.encode(), (_pseudonyms(asked).of(USER) or "").encode()]
    for folder in (tmp_path / "dagster_home", tmp_path / "data"):
        held = [path for path in folder.rglob("*") if path.is_file() and any(n in path.read_bytes() for n in needles)]
        assert held == []
    assert not any(needle.decode() in str(run.dagster_run) for run in on_sqlite.get_run_records() for needle in needles)


def test_a_run_has_no_place_for_an_id() -> None:
    defs = build_defs()
    for name in ("plan_erasure", "erase_people"):
        with pytest.raises(dg.DagsterInvalidConfigError):
            defs.resolve_job_def(name).execute_in_process(
                run_config={"ops": {"erased_people": {"config": {"users": [USER]}}}}
            )


def test_retention_changes_nothing_unless_days_are_set(on_sqlite, asked) -> None:
    found = _run("apply_retention", on_sqlite, asked).asset_materializations_for_node("retention")[0].metadata
    assert found["record"].value == "none"
    schedule = build_defs().resolve_schedule_def("apply_retention_daily")
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED
