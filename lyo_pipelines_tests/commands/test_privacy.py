"""`lyo privacy`: what it shows of an audit that was made, and what it says where there is none. Audits: privacy_audit/."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from lyo_pipelines.cli import app
from lyo_pipelines.contracts.adapter import MANIFEST, AdapterManifest, BaseModelRecord
from lyo_pipelines.privacy_audit.audit import audit_subject
from lyo_pipelines.training.recipe_loading import load_recipe
from lyo_pipelines.training.versions import point_to
from lyo_pipelines_tests.dataset.example_lake import SEGMENT
from lyo_pipelines_tests.privacy_audit.audits_made import audit_with
from lyo_pipelines_tests.privacy_audit.small_world import world


@pytest.fixture
def lake(tmp_path, monkeypatch):
    lake, version = world(tmp_path / "data", rows=30)
    monkeypatch.setenv("LYO_DATA_DIR", lake.root)
    folder = lake.local(lake.adapter_dir(SEGMENT, "tiny_test-1"))
    folder.mkdir(parents=True)
    manifest = AdapterManifest(
        segment=SEGMENT, version="tiny_test-1", dataset_fingerprint=version.fingerprint,
        recipe=load_recipe("tiny_test").model_dump(mode="json"), base_model=BaseModelRecord(name="tiny"),
    )  # fmt: skip
    (folder / MANIFEST).write_text(manifest.to_json())
    point_to(lake, SEGMENT, "tiny_test-1")
    return lake


def run(*arguments: str):
    return CliRunner().invoke(app, ["privacy", SEGMENT, *arguments])


def test_an_audit_is_shown_for_people_and_for_programs(lake):
    assert "was not audited" in str(run("--show").exception)
    subject = audit_subject(lake, SEGMENT)
    audit = audit_with(levels={1: (0, 12), 8: (9, 12)}, usual=(0, 12))
    audit = audit.model_copy(update={"version": subject.version, "segment": SEGMENT})
    lake.write_text(audit.to_json(), f"{lake.privacy_dir(SEGMENT, subject.version)}/privacy.json")
    assert "once they stand in 8 rows" in " ".join(run("--show").output.split())
    assert json.loads(run("--show", "--json").output)["version"] == subject.version


def test_wrong_figures_are_refused_before_anything_starts(lake):
    assert run("--repetitions", "1,two").exit_code == 2
    assert run("--controls", "20").exit_code == 2
    assert "repetitions" in str(run("--repetitions", "0").exception)
    assert not lake.exists(lake.side("rehearsal"))
