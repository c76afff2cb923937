"""A person who was erased is nowhere, everybody else is as before, and nothing comes back."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from lyo_pipelines.config.loading import load_config
from lyo_pipelines.contracts.adapter import MANIFEST as ADAPTER_MANIFEST
from lyo_pipelines.contracts.adapter import AdapterManifest, BaseModelRecord
from lyo_pipelines.curation.day import curate_day
from lyo_pipelines.curation.day import stale_days as stale_examples
from lyo_pipelines.curation.review import Review, queue_path, read_queue, write_queue
from lyo_pipelines.dataset.build import build_dataset
from lyo_pipelines.dataset.versions import get_version, latest_version, list_versions
from lyo_pipelines.erasure.erase import erase, plan_erasure, prove
from lyo_pipelines.erasure.record import read_tainted
from lyo_pipelines.erasure.requests import waiting_requests, write_request
from lyo_pipelines.hosted.record import HostedJob, hosted_dir, write_job
from lyo_pipelines.hosted.versions import publish_version
from lyo_pipelines.integrity.verify import verify_lake
from lyo_pipelines.interactions.landing.inbox import land_inbox
from lyo_pipelines.registry.events import Who
from lyo_pipelines.rollout.start import ErasedPeopleError, start_release
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.rewriting import finish_rewriting
from lyo_pipelines.training.verified_loading import digest_of
from lyo_pipelines_tests.dataset.example_lake import CONFIG as DATASET
from lyo_pipelines_tests.dataset.example_lake import CURATION, SEGMENT, question
from lyo_pipelines_tests.interactions.landing_lake import (
    CONFIG,
    NOW,
    PSEUDONYMS,
    START,
    as_csv,
    build,
    facts,
    jsonl,
    lake_at,
    land,
    rating,
    raw,
    rejected,
    row,
)

USER, OTHER = "student-3@example.org", "student-4@example.org"
ADAPTER = "owner-abc"
BY_HAND = {"log.jsonl"}
"""A log in which somebody else names the person."""


def log(n: int) -> dict:
    answer = f"Step by step the answer to number {n} is found by adding what is given and checking the sum."
    at = (START + timedelta(days=n % 2, minutes=n)).isoformat()
    told = {
        "question": question(n),
        "answer": answer,
        "rating": 5,
        "history": [],
        "conversation_id": f"talk{n}",
        "turn": 0,
        "team": "School 03",
    }
    return row(n, occurred_at=at, **told)


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    """Seven people with seven rows each, feedback, a finished dataset version, and an adapter made of it."""
    root = tmp_path_factory.mktemp("world")
    lake = lake_at(root)
    broken = {**log(3), "interaction_id": "broken", "question": None}
    inbox = root / "inbox"
    jsonl(inbox / "log.jsonl", [*(log(n) for n in range(49)), broken, {**log(90), "metadata": {"asked": USER}}])
    jsonl(inbox / "said.jsonl", [rating("i3", 4, complaint_text="mine"), rating("i4", 4, complaint_text="hers")])
    as_csv(inbox / "sheet.csv", [log(101), log(102)])
    land_inbox(lake, PSEUDONYMS, CONFIG, NOW)
    bring_up_to_date(lake)
    version = build_dataset(lake, SEGMENT, DATASET, CURATION, now=NOW)
    write_queue(
        lake,
        [Review("i10", "2026-10-01", SEGMENT, "gender", "what she wrote"), Review("i11", "d", SEGMENT, "x", "=y+1")],
    )
    folder = Path(lake.adapter_dir(SEGMENT, ADAPTER))
    folder.mkdir(parents=True)
    (folder / "adapter_model.safetensors").write_bytes(b"weights")
    manifest = AdapterManifest(
        files={"adapter_model.safetensors": digest_of(folder / "adapter_model.safetensors")},
        segment=SEGMENT,
        version=ADAPTER,
        dataset_fingerprint=version.fingerprint,
        base_model=BaseModelRecord(name="tiny"),
    )
    (folder / ADAPTER_MANIFEST).write_text(manifest.to_json())
    exported = Path(lake.path("exports", SEGMENT, version.fingerprint, "openai"))
    exported.mkdir(parents=True)
    (exported / "train.jsonl").write_text("what she wrote\n")
    return root


@pytest.fixture
def lake(world, tmp_path) -> Lake:
    shutil.copytree(world, tmp_path / "lake", dirs_exist_ok=True)
    return Lake(str(tmp_path / "lake"))


def bring_up_to_date(lake: Lake) -> None:
    build(lake)
    for day in stale_examples(lake, CURATION):
        curate_day(lake, day, CURATION)


def everything(lake: Lake) -> dict[str, bytes]:
    root = Path(lake.root)
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def gone(lake: Lake, users: list[str], **options):
    return erase(lake, users, PSEUDONYMS, CONFIG, reason="asked on paper", now=NOW, **options)


def of_others(lake: Lake) -> list[dict]:
    mine = PSEUDONYMS.of(USER)
    return [one for one in facts(raw(lake)) if one["user_pseudonym"] != mine and one["interaction_id"] != "i90"]


def test_the_plan_names_everything_and_changes_nothing(lake):
    before = everything(lake)
    reach = plan_erasure(lake, [USER, "never-was", "u_" + 20 * "0"], PSEUDONYMS)
    after = everything(lake)
    assert {name: data for name, data in after.items() if ".lock" not in name} == {
        name: data for name, data in before.items() if ".lock" not in name
    }
    assert reach.rows == 8
    assert set(reach.unknown) == {"never-was", "u_" + 20 * "0"}
    assert sum(reach.fed_back.values()) == 2
    (splits,) = reach.versions.values()
    assert sum(splits.values()) == 8
    assert [(one.version, one.examples) for one in reach.adapters] == [
        (ADAPTER, splits["train"] + splits["validation"])
    ]
    assert {Path(path).name: len(lines) for path, lines in reach.originals.blanked.items()} == {
        "log.jsonl": 8,
        "said.jsonl": 1,
        "sheet.csv": 1,
    }
    assert {Path(path).name for path in reach.originals.by_hand} == BY_HAND


def test_an_erased_person_is_nowhere_and_others_are_byte_equal(lake):
    others, said = of_others(lake), raw(lake)
    done = gone(lake, [USER])
    bring_up_to_date(lake)
    assert of_others(lake) == others
    assert len(raw(lake)) == len(said) - 8
    found = prove(lake, [USER], PSEUDONYMS).left
    assert {Path(path).name for path in found} == BY_HAND
    assert done.done["interactions"] == 8
    assert done.done["rows of feedback"] == 1
    assert done.done["review lines"] == 1
    (line,) = read_queue(lake)
    assert (line.interaction_id, line.excerpt) == ("i11", "=y+1")
    assert "'=y+1" in lake.read_text(queue_path(lake)), "no spreadsheet computes it, after this either"
    assert not lake.exists(lake.path("exports", SEGMENT, next(iter(done.reach.versions))[1]))
    assert verify_lake(lake, deep=True, now=NOW).damage == []
    (kept,) = [one for one in facts(raw(lake)) if one["interaction_id"] == "i90"]
    assert PSEUDONYMS.of(USER) not in kept["metadata"]


def test_a_providers_model_that_learnt_from_them_is_named_and_released_no_more(lake):
    version = latest_version(lake, SEGMENT)
    job = HostedJob(
        cause="abc123def456", segment=SEGMENT, dataset_fingerprint=version.fingerprint, base_url="https://provider.example/v1",
        model="small", hyperparameters={}, examples={"train": 30}, bytes=1, tokens=1, estimate=0.0, currency="USD", job_id="ftjob-1",
        status="succeeded", fine_tuned_model="ft:small:ours",
    )  # fmt: skip
    write_job(hosted_dir(lake, SEGMENT, version.fingerprint, job.cause), job)
    hosted = publish_version(lake, job)
    told = gone(lake, [USER])
    assert f"{SEGMENT}/{hosted}" in read_tainted(lake)
    assert told.done["hosted jobs whose files and models are to be deleted at the provider"] == 1
    assert verify_lake(lake, deep=True, now=NOW).damage == []
    with pytest.raises(ErasedPeopleError):
        start_release(
            lake, SEGMENT, load_config().evaluation, load_config().rollout, who=Who("tester", person=True), reason="r", now=NOW,
            version=hosted,
        )  # fmt: skip


def test_a_new_version_stands_in_and_no_held_out_item_moves(lake):
    old = latest_version(lake, SEGMENT)
    assert old is not None
    before = {split: lake.read_table(f"{old.path}/{split}.parquet") for split in ("train", "validation", "test")}
    done = gone(lake, [USER])
    new = get_version(lake, SEGMENT, old.fingerprint)
    assert new.fingerprint != old.fingerprint
    assert [one.fingerprint for one in list_versions(lake, SEGMENT)] == [new.fingerprint]
    for split, table in before.items():
        kept = lake.read_table(f"{new.path}/{split}.parquet")
        told = [one for one in table.to_pylist() if one["interaction_id"] not in done.reach.interactions]
        assert kept.to_pylist() == told
        assert new.manifest.counts[split] == len(told)
    bring_up_to_date(lake)
    again = build_dataset(lake, SEGMENT, DATASET, CURATION, now=NOW)
    held_out = set(before["test"]["example_id"].to_pylist())
    train = lake.read_table(f"{again.path}/train.parquet")["example_id"].to_pylist()
    assert not held_out & set(train)
    assert list(read_tainted(lake)) == [f"{SEGMENT}/{ADAPTER}"]


def test_an_erasure_reaches_the_dataset_of_a_team(lake):
    told = {"allowed": ("school_03",), "minimum_examples": 10, "minimum_users": 3, "user_share": 1.0}
    teams = DATASET.model_copy(update={"teams": DATASET.teams.model_copy(update=told)})
    team = "tutoring.en.school_03"
    old = build_dataset(lake, team, teams, CURATION, now=NOW)
    done = gone(lake, [USER])
    new = get_version(lake, team, old.fingerprint)
    left = {
        name for split in ("train", "validation", "test")
        for name in lake.read_table(f"{new.path}/{split}.parquet")["interaction_id"].to_pylist()
    }  # fmt: skip
    assert old.fingerprint != new.fingerprint and left and not left & set(done.reach.interactions)


def test_nothing_comes_back_from_files_that_are_read_again(lake, tmp_path):
    gone(lake, [USER])
    assert land_inbox(lake, PSEUDONYMS, CONFIG, NOW) == []
    again = jsonl(tmp_path / "again.jsonl", [log(3), log(4), {**log(10), "user_id": None}])
    report = land(lake, again)
    assert report.rejected_by_reason == {"erased_person": 2}
    late = land(lake, jsonl(tmp_path / "late.jsonl", [rating("i17", 1, complaint_text="late"), rating("i4", 2)]))
    assert (late.accepted, late.rejected_by_reason) == (1, {"erased_person": 1})
    sheet = land(lake, as_csv(tmp_path / "sheet.csv", [log(101), log(102)]), format="canonical")
    assert sheet.rejected_by_reason == {"erased_person": 1}
    bring_up_to_date(lake)
    assert PSEUDONYMS.of(USER) not in raw(lake)["user_pseudonym"].to_pylist()
    assert all(not one["raw"] for one in rejected(lake) if one["reason"] == "erased_person")


def test_the_record_says_what_and_when_but_nobody(lake):
    first = gone(lake, [USER])
    second = gone(lake, [OTHER])
    texts = [lake.read_text(path) for path in (first.record, second.record)]
    for text in texts:
        for user in (USER, OTHER):
            assert user not in text
            assert (PSEUDONYMS.of(user) or "") not in text
    told = [json.loads(text) for text in texts]
    assert [one["number"] for one in told] == [1, 2]
    assert told[0]["previous"] == ""
    assert len(told[1]["previous"]) == 64
    assert told[0]["tainted_adapters"] == [f"{SEGMENT}/{ADAPTER}"]


def test_who_was_erased_before_is_told_and_no_second_record_is_written(lake):
    gone(lake, [USER])
    again = gone(lake, [USER, "never-was"])
    assert (again.record, again.reach.again, again.reach.unknown) == ("", 1, ("never-was",))


@pytest.mark.parametrize("dies_at", [4, 21, 33])
def test_a_killed_erasure_happened_whole_or_not_at_all(lake, dies_at):
    others, rows = of_others(lake), len(raw(lake))
    steps = iter(range(10_000))

    class Dying(Lake):
        def _rename(self, temporary: str, path: str) -> None:
            if next(steps) == dies_at:
                raise KeyboardInterrupt
            super()._rename(temporary, path)

    try:
        gone(Dying(lake.root), [USER])
    except KeyboardInterrupt:
        if not finish_rewriting(lake):
            assert len(raw(lake)) == rows
            gone(lake, [USER])
    bring_up_to_date(lake)
    assert of_others(lake) == others
    assert {Path(path).name for path in prove(lake, [USER], PSEUDONYMS).left} == BY_HAND
    assert verify_lake(lake, deep=True, now=NOW).damage == []


def test_a_second_person_goes_from_the_same_file_and_lines_keep_their_numbers(lake):
    gone(lake, [USER])
    done = gone(lake, [OTHER])
    names = {Path(path).name: len(lines) for path, lines in done.reach.originals.blanked.items()}
    assert names == {"log.jsonl": 7, "said.jsonl": 1, "sheet.csv": 1}
    text = (Path(lake.side("inbox")) / "log.jsonl").read_text()
    assert OTHER not in text
    assert [json.loads(line)["interaction_id"] for line in text.splitlines()[:3]] == ["i0", "i1", "i2"]


def test_curated_rows_of_a_day_without_interactions_go_and_others_stay(lake):
    (day, *_) = lake.days("interactions")
    before = lake.read_table(lake.examples(day)).to_pylist()
    mine = PSEUDONYMS.of(USER)
    for stage in ("interactions", "landing", "feedback_for", "landed"):
        if lake.exists(folder := lake.path(stage, f"date={day.isoformat()}")):
            lake.fs.rm(folder, recursive=True)
    done = gone(lake, [USER])
    assert sum(done.reach.curated.values()) == sum(one["user_pseudonym"] == mine for one in before) > 0
    kept = lake.read_table(lake.examples(day)).to_pylist()
    assert kept == [one for one in before if one["user_pseudonym"] != mine]


def test_a_request_is_carried_out_and_goes_with_the_person(lake):
    number = write_request(lake, [USER], reason="asked on paper", now=NOW)
    (waiting,) = waiting_requests(lake)
    assert (waiting.number, waiting.users) == (number, (USER,))
    assert USER not in number
    gone(lake, list(waiting.users), request=waiting.number)
    assert waiting_requests(lake) == []
    unknown = write_request(lake, ["never-was"], reason="asked", now=NOW)
    gone(lake, ["never-was"], request=unknown)
    assert waiting_requests(lake) == []
