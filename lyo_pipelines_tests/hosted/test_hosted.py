"""A hosted job is paid once whatever dies, sends nothing without consent, and never more than its cap allows."""

from __future__ import annotations

import json
from datetime import date

import httpx
import pytest

from lyo_pipelines.config.loading import lay_over
from lyo_pipelines.hosted.client import HostedClient, HostedClosedError, HostedError, UnsureError
from lyo_pipelines.hosted.endpoints import with_hosted_models
from lyo_pipelines.hosted.job import cancel_job, metrics_of, new_job, run_job
from lyo_pipelines.hosted.prepare import (
    HostedRefusedError,
    Prepared,
    bytes_per_token,
    prepare_files,
    require_allowed,
    require_within_cap,
)
from lyo_pipelines.hosted.record import EVENTS, cause_of, hosted_dir, read_job
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.hosted.fake_provider import FakeProvider, KilledError

TODAY = date(2026, 12, 1)
LINE = b'{"messages": []}\n'
PREPARED = Prepared(
    {"train": LINE * 20, "validation": LINE * 3}, {"train": 20, "validation": 3}, {}, tokens=400, estimate=0.8
)


def config(**changes):
    told = {
        "base_url": "https://provider.example/v1", "model": "small", "consent": True, "price_per_million_tokens": 2000.0,
        "spending_cap": 5.0, "wait_seconds": 0, "poll_seconds": 0, **changes,
    }  # fmt: skip
    return lay_over({"hosted": told}).hosted


def run(folder, provider, **changes):
    """One process of ours, from its beginning; it may die."""
    figures = config(**changes)
    intent = new_job(cause_of("feed", figures), "tutoring.en.math", "feed", figures, PREPARED)
    client = HostedClient(figures, "key", transport=provider.transport(), sleep=lambda _: None)
    return run_job(folder, intent, PREPARED, client, sleep=lambda _: None)


def test_a_job_is_uploaded_created_followed_and_recorded(tmp_path):
    provider = FakeProvider()
    job = run(tmp_path, provider)
    assert (job.status, job.fine_tuned_model, job.trained_tokens, job.error) == ("succeeded", "ft:small:ours", 900, "")
    assert job.cost == pytest.approx(1.8)
    ((_, created),) = provider.jobs.items()
    assert created["method"]["supervised"]["hyperparameters"] == {
        "n_epochs": 3, "batch_size": 16, "learning_rate_multiplier": 0.1,
    }  # fmt: skip
    assert [row["train_loss"] for row in metrics_of(tmp_path / EVENTS)] == [1.5, 0.5]
    assert job.checkpoints[0]["step_number"] == 2
    assert read_job(tmp_path) == job


@pytest.mark.parametrize("after", [False, True], ids=["before the call works", "after it has worked"])
@pytest.mark.parametrize("keeps_names", [True, False], ids=["suffix and metadata", "by its file only"])
def test_whatever_call_we_die_at_there_is_one_job_and_one_copy_of_each_file(tmp_path, after, keeps_names):
    calls = FakeProvider(keeps_names=keeps_names)
    run(tmp_path / "undisturbed", calls)
    for at in range(1, len(calls.calls) + 1):
        provider, folder = FakeProvider(kill_at=at, after=after, keeps_names=keeps_names), tmp_path / str(at)
        with pytest.raises(KilledError):
            run(folder, provider)
        job = run(folder, provider)
        assert job.status == "succeeded", f"killed at {calls.calls[at - 1]}"
        assert (len(provider.jobs), len(provider.files)) == (1, 2), f"killed at {calls.calls[at - 1]}"


@pytest.mark.parametrize("fault", [{"lost": True}, {"lost_status": 502}])
def test_a_creation_whose_answer_is_lost_is_found_and_not_repeated(tmp_path, fault):
    provider = FakeProvider(**fault)
    assert run(tmp_path, provider).status == "succeeded"
    assert len(provider.jobs) == 1


def test_a_creation_that_cannot_be_found_is_left_to_the_next_run(tmp_path):
    provider = FakeProvider()
    listed = provider._list
    provider._list = lambda request: FakeProvider._page([])
    provider.lost = True
    with pytest.raises(UnsureError):
        run(tmp_path, provider)
    assert read_job(tmp_path).committed == 0.8, "what may be paid counts against the cap"
    provider._list, provider.lost = listed, False
    assert run(tmp_path, provider).status == "succeeded"
    assert len(provider.jobs) == 1


def test_a_second_run_sends_nothing_and_a_failed_job_is_not_paid_again(tmp_path):
    provider = FakeProvider(fails=True)
    assert run(tmp_path, provider).error == "too short"
    before = len(provider.calls)
    assert run(tmp_path, provider).status == "failed"
    assert all(call.startswith("GET") for call in provider.calls[before:])


@pytest.mark.parametrize("refusal", [(404, "not found"), (403, "Fine-tuning is no longer available"), (410, "gone")])
def test_a_provider_without_fine_tuning_is_told_before_anything_is_sent(tmp_path, refusal):
    provider = FakeProvider(refuses=refusal)
    with pytest.raises(HostedClosedError, match="no fine-tuning"):
        run(tmp_path, provider)
    assert not provider.files


def test_reading_is_tried_again_and_a_wrong_key_is_not(tmp_path):
    answers = iter(
        [httpx.Response(429), httpx.Response(503), httpx.Response(200, json={"id": "j", "status": "queued"})]
    )
    client = HostedClient(config(), "key", transport=httpx.MockTransport(lambda _: next(answers)), sleep=lambda _: None)
    assert client.job("j")["status"] == "queued"
    with pytest.raises(HostedError, match="wrong key"):
        HostedClient(config(), "other", transport=FakeProvider().transport()).require_open()


def test_a_running_job_can_be_cancelled(tmp_path):
    provider = FakeProvider(kill_at=12)
    with pytest.raises(KilledError):
        run(tmp_path, provider)
    client = HostedClient(config(), "key", transport=provider.transport())
    assert cancel_job(tmp_path, client).status == "cancelled"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"base_url": None}, "is off"),
        ({"consent": False}, "consent is false"),
        ({"price_per_million_tokens": None}, "price"),
        ({}, "LYO_HOSTED_API_KEY is not set"),
    ],
)
def test_nothing_leaves_without_address_consent_price_and_key(changes, says):
    with pytest.raises(HostedRefusedError, match=says):
        require_allowed(config(**changes), TODAY, {})
    assert require_allowed(config(), TODAY, {"LYO_HOSTED_API_KEY": "key"}) == "key"


def test_it_is_off_as_delivered_and_a_provider_that_closed_is_refused_from_that_day():
    with pytest.raises(HostedRefusedError):
        require_allowed(lay_over().hosted, TODAY, {"LYO_HOSTED_API_KEY": "key"})
    openai = config(base_url="https://api.openai.com/v1")
    assert require_allowed(openai, date(2027, 1, 6), {"LYO_HOSTED_API_KEY": "key"})
    with pytest.raises(HostedClosedError, match="2027-01-06"):
        require_allowed(openai, date(2027, 1, 7), {"LYO_HOSTED_API_KEY": "key"})


def test_all_jobs_together_stay_within_the_cap_and_estimates_learn_from_trained_tokens(tmp_path):
    done = run(tmp_path, FakeProvider())
    require_within_cap(config(), 3.2, [done])
    with pytest.raises(HostedRefusedError, match=r"1\.80 are spent"):
        require_within_cap(config(), 3.3, [done])
    assert bytes_per_token(config(), [done]) == pytest.approx(done.bytes * 3 / 900)


def test_rows_that_show_pictures_are_never_sent(monkeypatch):
    import pyarrow as pa

    def split(lake, segment, fingerprint, name, columns):
        images = pa.array([["a.png"], None], pa.list_(pa.string()))
        return pa.table({"messages": [[{"role": "user", "content": "?"}]] * 2, "images": images})

    monkeypatch.setattr("lyo_pipelines.hosted.prepare.read_split", split)
    version = type("V", (), {"segment": "tutoring.en.math", "fingerprint": "feed"})()
    with pytest.raises(HostedRefusedError, match="1 rows of train show pictures"):
        prepare_files(None, version, config(), lay_over().curation, [])


def test_what_is_sent_is_redacted_once_more_and_never_the_test_split(monkeypatch):
    import pyarrow as pa

    opened = []

    def split(lake, segment, fingerprint, name, columns):
        opened.append(name)
        said = [
            {"role": "user", "content": "Write to ravi.kumar@example.org"},
            {"role": "assistant", "content": "Done."},
        ]
        whole = [*said, {"role": "user", "content": "Thanks"}, {"role": "assistant", "content": "Yes"}]
        return pa.table({"messages": [whole] * 12, "images": pa.nulls(12, pa.list_(pa.string()))})

    monkeypatch.setattr("lyo_pipelines.hosted.prepare.read_split", split)
    version = type("V", (), {"segment": "tutoring.en.math", "fingerprint": "feed"})()
    made = prepare_files(None, version, config(), lay_over().curation, [])
    assert opened == ["train", "validation"]
    assert made.redacted["EMAIL"] >= 1
    first = json.loads(made.files["train"].splitlines()[0])["messages"]
    assert first[0]["content"] == "Write to <EMAIL>"
    assert [one.get("weight") for one in first] == [None, 0, None, None]
    assert made.tokens == round(len(made.files["train"]) / 2.5 * 3)


def test_a_report_asks_hosted_models_of_its_dataset_only_where_that_is_wanted(tmp_path):
    lake, figures = Lake(str(tmp_path)), config(evaluate=True)
    run(hosted_dir(lake, "tutoring.en.math", "feed", cause_of("feed", figures)), FakeProvider())
    evaluation = lay_over().evaluation
    asked = with_hosted_models(evaluation, figures, lake, "tutoring.en.math", "feed").endpoints
    assert [(one.name, one.model) for one in asked] == [(f"hosted_{cause_of('feed', figures)}", "ft:small:ours")]
    for fingerprint, other in (("beef", figures), ("feed", config()), ("feed", config(evaluate=True, consent=False))):
        assert with_hosted_models(evaluation, other, lake, "tutoring.en.math", fingerprint).endpoints == ()
