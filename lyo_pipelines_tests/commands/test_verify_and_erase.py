"""`lyo verify` and `lyo erase` say what is damaged and what is there of a person; nothing changes without --yes."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from lyo_pipelines.commands.erase import NobodyError, erase_people, request_erasure
from lyo_pipelines.commands.retention import keep_to_retention
from lyo_pipelines.commands.verify import NothingToVerifyError, show_verification
from lyo_pipelines.defs.checks.integrity import lake_intact
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.erasure.requests import waiting_requests
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.interactions.landing_lake import build, jsonl, lake_at, land, row

USER = "student-2@example.org"


@pytest.fixture
def lake(tmp_path, monkeypatch) -> Lake:
    for name, value in (("DATA_DIR", tmp_path), ("PSEUDONYM_KEY", "a key for the tests"), ("CONFIG", "")):
        monkeypatch.setenv(f"LYO_{name}", str(value))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    lake = lake_at(tmp_path)
    land(lake, jsonl(tmp_path / "inbox" / "log.jsonl", [row(n) for n in range(8)]))
    build(lake)
    return lake


def said(run, *args, **options) -> tuple[object, str]:
    out = io.StringIO()
    result = run(Console(file=out, width=400), *args, **options)
    return result, out.getvalue()


def test_verify_names_the_file_what_is_wrong_and_what_to_do(lake):
    whole, text = said(show_verification, None, deep=True, as_json=False)
    assert whole
    assert "as it was written" in text
    part = next(Path(lake.path("landing")).rglob("*.parquet"))
    part.unlink()
    whole, text = said(show_verification, None, deep=False, as_json=False)
    assert not whole
    assert str(part) in text
    assert "lyo ingest" in text
    told = json.loads(said(show_verification, None, deep=False, as_json=True)[1])
    assert [one["path"] for one in told["findings"]] == [str(part)]
    result = lake_intact(Store(data_dir=lake.root))
    assert not result.passed
    assert str(part) in (result.description or "")
    with pytest.raises(NothingToVerifyError, match=r"tutoring\.xx"):
        show_verification(Console(file=io.StringIO()), "tutoring.xx", deep=False, as_json=False)


def test_the_plan_is_shown_first_and_the_search_last(lake):
    _, text = said(erase_people, [USER, "nobody"], reason="", yes=False, build=False, as_json=False)
    assert "Nothing was changed" in text
    assert "Nothing is known of nobody" in text
    assert "Not reached" in text
    plan = json.loads(said(erase_people, [USER], reason="", yes=False, build=False, as_json=True)[1])
    assert (plan["changed"], plan["plan"]["interactions"]) == (False, 1)
    _, text = said(erase_people, [USER], reason="asked", yes=True, build=True, as_json=False)
    assert "found in 0" in text
    assert USER not in Path(lake.side("inbox", "log.jsonl")).read_text()
    _, text = said(erase_people, [USER], reason="asked", yes=True, build=True, as_json=False)
    assert "erased before" in text
    with pytest.raises(NobodyError, match="nothing was changed"):
        erase_people(Console(file=io.StringIO()), ["nobody"], reason="x", yes=True, build=True, as_json=False)


def test_a_request_waits_for_dagster_under_a_number(lake):
    _, text = said(request_erasure, [USER], reason="asked")
    (waiting,) = waiting_requests(lake)
    assert waiting.number in text
    assert USER not in text
    assert (waiting.users, waiting.reason) == ((USER,), "asked")


def test_retention_says_what_is_too_old_and_takes_it_away_when_asked(lake, tmp_path, monkeypatch):
    _, text = said(keep_to_retention, apply=False, as_json=False)
    assert "kept for ever" in text
    config = tmp_path / "mine.yaml"
    config.write_text("retention: {interactions_days: 28}")
    monkeypatch.setenv("LYO_CONFIG", str(config))
    _, text = said(keep_to_retention, apply=False, as_json=False)
    assert "Nothing was changed" in text
    done = json.loads(said(keep_to_retention, apply=True, as_json=True)[1])
    assert done["changed"]
    assert sum(done["expired"]["days"].values()) == 8
    assert lake.days("landing", name="") == []
    assert "Nothing is older" in said(keep_to_retention, apply=True, as_json=False)[1]
