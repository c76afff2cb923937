"""A real audit of a tiny model that learns by heart: planted canaries are found, left out and erased ones are not, nothing stays."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from lyo_pipelines.contracts.adapter import MANIFEST
from lyo_pipelines.dataset.versions import get_version
from lyo_pipelines.evaluation.inputs.audits import read_audit
from lyo_pipelines.privacy_audit import audit as audit_room
from lyo_pipelines.privacy_audit.audit import AuditSubject, audit_privacy
from lyo_pipelines.privacy_audit.planting import CanariesLostError, plant_canaries
from lyo_pipelines.registry.events import Adapter, RegistryEvent, Who
from lyo_pipelines.registry.log import TaintedVersionError, append_event
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.training.verified_loading import TaintedAdapterError, load_checked
from lyo_pipelines_tests.dataset.example_lake import NOW, SEGMENT
from lyo_pipelines_tests.engine_process import run_engine
from lyo_pipelines_tests.privacy_audit.small_world import figures, overtrained, world
from lyo_pipelines_tests.training.tiny import make_model

STEPS = 150
"""Enough for a hundred thousand random weights to learn eight rows of a canary by heart."""


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def audited(small, tmp_path_factory):
    """(audit, the lake, manifests of what it trained, what it said): with both trainings."""
    lake, version = small
    folder = tmp_path_factory.mktemp("audit")
    recipe = overtrained(make_model(folder / "base", hidden=64), steps=STEPS)
    kept = list[Path]()

    def in_this_suite(command):
        code, printed = run_engine(command, os.environ)
        assert code == 0, printed
        if "--dataset" in command:
            output = Path(command[command.index("--output") + 1])
            kept.append(Path(shutil.copytree(output, folder / f"trained-{len(kept)}")))

    said = list[str]()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(audit_room, "_run", in_this_suite)
        audit = audit_privacy(
            lake, AuditSubject(version, recipe), figures(canaries=12), folder / "models",
            with_erasure=True, clock=lambda: NOW, say=said.append,
        )  # fmt: skip
    return audit, lake, kept, said


def test_planted_canaries_are_found_and_those_that_the_coin_left_out_are_not(audited):
    audit = audited[0]
    assert audit.sound
    assert audit.sees
    assert audit.sees
    assert audit.repetitions[-1].one_run.epsilon > 0
    assert audit.left_out.membership.found <= 1
    assert audit.kept_rows == audit.planted_rows == audit.canary_rows > 0


def test_after_erasure_and_training_again_they_are_at_chance(audited):
    after = audited[0].after_erasure
    assert after.membership.finding != "found"
    assert after.membership.canaries == sum(level.membership.canaries for level in audited[0].repetitions)
    assert after.files_left == 0
    assert after.rows_erased == audited[0].planted_rows


def test_what_learnt_canaries_can_neither_be_loaded_to_serve_nor_registered(audited):
    audit, lake, (trained, again), _ = audited
    for folder in (trained, again):
        assert json.loads((folder / MANIFEST).read_text())["tainted"] == "canaries"
        with pytest.raises(TaintedAdapterError, match="never serve"):
            load_checked(folder)
    adapter = Adapter(audit.trained, SEGMENT, "lora", "tiny", "f", {})
    event = RegistryEvent("registered", adapter, Who("somebody", person=True), "a try", NOW)
    with pytest.raises(TaintedVersionError, match=audit.trained):
        append_event(lake, event, now=NOW)
    assert append_event(lake, replace(event, adapter=replace(adapter, version="tiny-1")), now=NOW)


def test_nothing_of_the_copy_stays_and_the_audit_is_found_by_the_version_of_the_adapter(audited, small):
    audit, lake = audited[:2]
    assert lake.names(lake.side("rehearsal")) == []
    assert not lake.exists(lake.adapter_dir(SEGMENT))
    assert read_audit(lake, SEGMENT, audit.version) == audit
    assert get_version(lake, SEGMENT, small[1].fingerprint).manifest.tainted == ""
    assert "canary-" not in lake.read_text(f"{lake.privacy_dir(SEGMENT, audit.version)}/privacy.json")


def test_canaries_that_curation_removes_are_no_clean_audit(small, tmp_path):
    lake, version = small
    config = figures()
    strict = config.curation.model_copy(update={"user_cap": 3})
    with pytest.raises(CanariesLostError, match="user_cap"):
        plant_canaries(lake, Lake(str(tmp_path)), version, config.model_copy(update={"curation": strict}), now=NOW)


def test_the_copy_differs_from_the_version_by_the_canaries_alone(small, tmp_path):
    lake, version = small
    copy = Lake(str(tmp_path))
    planted = plant_canaries(lake, copy, version, figures(), now=NOW)
    for split in ("validation", "test"):
        assert copy.read_table(f"{planted.version.path}/{split}.parquet") == lake.read_table(
            f"{version.path}/{split}.parquet"
        )
    before, after = (
        place.read_table(f"{one.path}/train.parquet") for place, one in ((lake, version), (copy, planted.version))
    )
    assert after.slice(0, len(before)) == before
    secrets = [canary.secret for canary in planted.canaries for _ in canary.carriers if canary.planted]
    answers = [messages[-1]["content"] for messages in after.slice(len(before))["messages"].to_pylist()]
    assert sorted(answers) == sorted(secrets)
    assert (
        not pa.compute.is_in(after.slice(len(before))["group_id"], before["group_id"].combine_chunks())
        .to_pylist()
        .count(True)
    )
