"""An upload goes through the inbox and curation like any log, and a job is one job however often it is asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import pytest

from lyo_pipelines.fine_tuning import jobs as jobs_module
from lyo_pipelines.fine_tuning.files import (
    UploadError,
    checked_rows,
    content_of,
    delete_file,
    keep_file,
    remove_forgotten,
)
from lyo_pipelines.fine_tuning.jobs import JobRequestError, create_job, recipe_of, recover_jobs
from lyo_pipelines.fine_tuning.progress import progress_of
from lyo_pipelines.fine_tuning.record import (
    CANCELLED,
    CONTENT,
    FAILED,
    TuningJob,
    content_path,
    end_job,
    folder_of,
    read_files,
    read_jobs,
    record_path,
)
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.training.recipe_loading import load_recipe
from lyo_pipelines_tests.fine_tuning.world import configured, jsonl, taken_in

NOW = 1_795_000_000.0


def kept(lake, content=None, name="mangoes.jsonl", **changes):
    figures = configured(**changes).gateway.fine_tuning
    return keep_file(lake, name, jsonl() if content is None else content, figures, now=NOW, language_of=lambda _: "en")


def wanted(config, **changes) -> TuningJob:
    told = {
        "id": "", "file_id": "", "model": jobs_module.base_model_of(config, "fine_tuning.en"), "suffix": "mango tutor", "seed": 7,
        "segment": "", "landed_as": "", "file_hash": "", "rows": 0, "created_at": 0,
    }  # fmt: skip
    return TuningJob(**told | changes)


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(str(tmp_path))


def inbox(lake) -> list[str]:
    return [name for name in lake.names(lake.side("inbox")) if name.endswith(".jsonl")]


def test_an_upload_becomes_a_file_of_the_inbox_of_a_segment_of_its_own(lake):
    config = configured()
    file = kept(lake)
    assert inbox(lake) == [], "nobody has said yet what it is for"
    job = create_job(lake, file, wanted(config), config, now=NOW)
    assert job.segment == f"fine_tuning.en.mango_tutor_{file.id.removeprefix('file-')[:8]}"
    assert inbox(lake) == [job.landed_as]
    assert not lake.exists(content_path(lake, file.id)), "one copy, and that where erasure and retention look"
    assert [json.loads(line) for line in content_of(lake, file).splitlines()] == [
        json.loads(line) for line in jsonl().splitlines()
    ]


def test_its_examples_are_landed_and_curated_before_anything_is_trained(lake):
    config = configured()
    job = create_job(lake, kept(lake), wanted(config), config, now=NOW)
    assert progress_of(lake, job, config).stage == "landing"
    taken_in(lake, config, NOW + 60)
    found = progress_of(lake, job, config)
    assert (found.stage, found.kept) == ("ready", 30), found.says


def test_examples_that_curation_does_not_keep_refuse_the_job_and_say_how_many(lake):
    config = configured()
    short = {
        "messages": [{"role": "user", "content": "What is seven plus five?"}, {"role": "assistant", "content": "12"}]
    }
    content = b"".join(json.dumps(short).encode() + b"\n" for _ in range(12))
    job = create_job(lake, kept(lake, content), wanted(config), config, now=NOW)
    taken_in(lake, config, NOW + 60)
    found = progress_of(lake, job, config)
    assert found.stage == "refused"
    assert "kept 0 of 12" in found.says


def test_the_same_request_is_the_same_job_and_another_figure_another_one(lake):
    config = configured()
    file = kept(lake)
    assert kept(lake) == file
    first = create_job(lake, file, wanted(config), config, now=NOW)
    assert create_job(lake, file, wanted(config), config, now=NOW + 500) == first
    other = create_job(lake, file, wanted(config, hyperparameters={"n_epochs": 1.0}), config, now=NOW)
    assert other.id != first.id and other.segment == first.segment
    assert inbox(lake) == [first.landed_as]
    third = create_job(lake, file, wanted(config, suffix="another"), config, now=NOW)
    assert third.segment != first.segment and len(inbox(lake)) == 2, "its content was read back from the inbox"


class DiedError(BaseException):
    """The gateway was killed."""


@contextmanager
def killed(lake, at: int, *, after: bool) -> Iterator[None]:
    """A process that dies at its `at`-th change of the disk: before it, or right after."""
    made = count(1)

    def dying(real):
        def change(self, *given, **more):
            number = next(made)
            if number == at and not after:
                raise DiedError
            told = real(self, *given, **more)
            if number == at:
                raise DiedError
            return told

        return change

    with pytest.MonkeyPatch.context() as patched:
        for place, name in ((Lake, "write_text"), (Lake, "create_text"), (type(lake.fs), "rm")):
            patched.setattr(place, name, dying(getattr(place, name)))
        yield


@pytest.mark.parametrize("after", [False, True])
def test_a_gateway_killed_at_any_write_leaves_one_job_that_the_next_one_finishes(tmp_path, after):
    config = configured()
    for at in count(1):
        lake = Lake(str(tmp_path / str(at)))
        survived = True
        try:
            with killed(lake, at, after=after):
                create_job(lake, kept(lake), wanted(config), config, now=NOW)
        except DiedError:
            survived = False
        recover_jobs(lake, config, now=NOW)  # the next gateway starts
        begun = read_jobs(lake)
        assert inbox(lake) == [one.landed_as for one in begun], "what was on the disk is finished, and nothing else"
        assert len(staged(lake)) == len(read_files(lake)) - len(begun), "no copy is left that no record knows"
        job = create_job(
            lake, kept(lake), wanted(config), config, now=NOW + 9
        )  # the client heard nothing and asks again
        assert (read_jobs(lake), inbox(lake), staged(lake)) == ([job], [job.landed_as], [])
        if survived:
            break
    assert at > 5, "it died at every write that there is"


def staged(lake) -> list[str]:
    return [name for name in lake.names(folder_of(lake, "files")) if name.endswith(CONTENT)]


def test_what_was_taken_out_of_the_inbox_does_not_come_back(lake):
    config = configured()
    job = create_job(lake, kept(lake), wanted(config), config, now=NOW)
    lake.fs.rm(lake.side("inbox", job.landed_as))
    recover_jobs(lake, config, now=NOW)
    assert inbox(lake) == []


def test_a_job_that_has_ended_stays_as_it_ended(lake):
    config = configured()
    job = create_job(lake, kept(lake), wanted(config), config, now=NOW)
    assert end_job(lake, job, CANCELLED, now=NOW).status == CANCELLED
    assert end_job(lake, job, FAILED, now=NOW, error="the run was stopped").status == CANCELLED


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "line 1 is no JSON"),
        (b"\n\n[1]\n", "line 3: expected an object"),
        (b'{"messages": [{"role": "user", "content": "hi"}]}', "end with the assistant's answer"),
        (b'{"messages": [{"role": "tool", "content": "hi"}]}', "expected an object with `messages`"),
        (b'{"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": " "}]}', "line 1"),
        (b"\n", "holds no examples"),
    ],
)
def test_a_file_that_is_no_chat_examples_is_refused_by_its_line(content, said):
    with pytest.raises(UploadError, match=said):
        list(checked_rows(content))


def test_sizes_and_numbers_of_uploads_are_limited(lake):
    with pytest.raises(UploadError, match="larger than") as too_large:
        kept(lake, largest_file=1024)
    assert too_large.value.status == 413
    with pytest.raises(UploadError, match="at most 5"):
        kept(lake, largest_rows=5)
    kept(lake, files=1)
    with pytest.raises(UploadError, match="wait for a job already"):
        kept(lake, jsonl(12), files=1)


def test_uploads_that_no_job_takes_are_forgotten_and_taken_ones_cannot_be_deleted(lake):
    config = configured()
    taken, left = kept(lake), kept(lake, jsonl(12))
    create_job(lake, taken, wanted(config), config, now=NOW)
    with pytest.raises(UploadError, match="was taken by a job"):
        delete_file(lake, taken)
    figures = config.gateway.fine_tuning
    assert remove_forgotten(lake, figures, now=NOW + 23 * 3600) == 0
    assert remove_forgotten(lake, figures, now=NOW + 25 * 3600) == 1
    assert read_files(lake) == [taken] and not lake.exists(content_path(lake, left.id))


def test_a_damaged_record_keeps_no_other_back_and_is_logged(lake, caplog):
    config = configured()
    whole, torn = kept(lake), kept(lake, jsonl(12))
    job = create_job(lake, whole, wanted(config), config, now=NOW)
    lake.write_text("{", record_path(lake, "files", torn.id))
    lake.write_text("{", record_path(lake, "jobs", "ftjob-torn"))
    assert (read_files(lake), read_jobs(lake)) == ([whole], [job])
    assert torn.id in caplog.text and "ftjob-torn" in caplog.text


def test_hyperparameters_change_the_recipe_that_retraining_launches(lake):
    config = configured()
    given = {"n_epochs": 2.0, "batch_size": 12.0, "learning_rate_multiplier": 0.1}
    job = create_job(lake, kept(lake), wanted(config, hyperparameters=given), config, now=NOW)
    name, changes = recipe_of(job, config)
    recipe, own = load_recipe(name, changes), load_recipe(name)
    assert (recipe.budget.epochs, recipe.batch.size * recipe.batch.accumulation) == (2, 12)
    assert recipe.optimizer.learning_rate == pytest.approx(own.optimizer.learning_rate / 10)


def test_another_base_model_is_not_trained_here(lake):
    config = configured()
    with pytest.raises(JobRequestError, match="is not trained here"):
        create_job(lake, kept(lake), wanted(config, model="gpt-4o-mini"), config, now=NOW)
    few = kept(lake, jsonl(5))
    with pytest.raises(JobRequestError, match="holds 5 examples; at least 10"):
        create_job(lake, few, wanted(config), config, now=NOW)
    assert read_jobs(lake) == []
