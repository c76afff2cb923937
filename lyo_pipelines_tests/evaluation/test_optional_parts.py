"""Whole evaluations with models behind endpoints: our own server answers the same items, and a ruled one judges."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from lyo_pipelines.config.evaluation import GateConfig
from lyo_pipelines.contracts.dataset import PreferenceManifest, PreferenceSettings
from lyo_pipelines.contracts.report import Report
from lyo_pipelines.dataset.preferences.contract import PAIR_SCHEMA
from lyo_pipelines.evaluation.command import evaluation_command, write_config
from lyo_pipelines.evaluation.engine.__main__ import main
from lyo_pipelines.evaluation.report.build import read_report
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.config.packaged import endpoint_config, judge_config
from lyo_pipelines_tests.evaluation.dataset_lake import curated_day, row
from lyo_pipelines_tests.evaluation.scripted_judge import Odd, ruled
from lyo_pipelines_tests.serving.live_server import served

GATE = GateConfig(name="judge_not_worse", metric="judge", against="current", require="not_worse")


def evaluated(world, folder: Path, *, code: int = 0, lake: Lake | None = None, **config) -> Report | None:
    wanted = world.config.model_copy(update=config)
    command = evaluation_command(
        world.dataset, world.candidate, folder / "report", world.root / "models", champion_dir=world.champion,
        evaluation_config_path=write_config(wanted, folder), cache_dir=folder.parent / "cache", data_dir=lake.root if lake else None,
    )  # fmt: skip
    assert main(command[3:]) == code
    return read_report(folder / "report") if code == 0 else None


@pytest.fixture(scope="module")
def server(world, tmp_path_factory):
    """The tiny base behind our own server: a real process, a real model."""
    with served(tmp_path_factory.mktemp("server"), "--base", str(world.base)) as url:
        yield url


@pytest.fixture(scope="module")
def asked(world, server, tmp_path_factory) -> tuple[Report, Path]:
    folder = tmp_path_factory.mktemp("asked")
    endpoint = endpoint_config(name="hosted", url=server, model="tiny", price_per_million_in=2, price_per_million_out=4)
    return evaluated(world, folder / "r1", endpoints=(endpoint,)), folder


def test_a_model_behind_an_endpoint_stands_beside_ours_without_likelihoods(asked):
    report, _ = asked
    hosted = report.models["hosted"]
    assert set(report.models) == {"base", "champion", "candidate", "hosted"}
    assert hosted["loss"].value is None
    assert hosted["chrf"].n == 18
    assert "hosted" not in report.timings
    assert {c.b for c in report.comparisons} == {"base", "champion", "hosted"}
    loss = next(c for c in report.comparisons if (c.metric, c.b) == ("loss", "hosted"))
    assert (loss.note, loss.verdict) == ("not measured", "cannot_tell")


def test_it_is_asked_the_same_and_its_tokens_are_paid(asked):
    report, _ = asked
    hosted, base = report.models["hosted"], report.models["base"]
    assert hosted["prompt_tokens"] == base["prompt_tokens"], "the same template and tokenizer: the same question"
    (entry,) = report.endpoints
    assert (entry.asked, entry.answered, entry.requests, entry.why) == (18, 18, 18, "")
    assert entry.tokens_in == round(hosted["prompt_tokens"].value * 18)
    assert entry.cost == pytest.approx((entry.tokens_in * 2 + entry.tokens_out * 4) / 1e6)
    assert entry.cost_per_answer == pytest.approx(entry.cost / 18)
    assert entry.answer_ms.p50 > 0


def test_an_endpoint_changes_no_verdict_about_our_own_models(world, asked, tmp_path):
    report, _ = asked
    without = evaluated(world, tmp_path / "r")
    ours = tuple(c for c in report.comparisons if c.b != "hosted")
    assert ours == without.comparisons
    assert report.gates == without.gates
    assert report.data_version != without.data_version


def test_the_readable_report_shows_price_and_comparison(asked):
    _, folder = asked
    text = (folder / "r1" / "report" / "report.md").read_text()
    part = text[text.index("## Other models on the same items") :]
    assert "18 of 18" in part
    assert re.search(r"\| chrf \(0 to 100\) \|", part)
    assert "loss" not in part[: part.index("## ", 5)].replace("loss is not measured", "")
    rows = pq.read_table(folder / "r1" / "report" / "items.parquet").to_pylist()
    assert {row["nll_sum"] for row in rows if row["model"] == "hosted"} == {None}


def test_what_was_answered_is_never_asked_again_and_what_was_not_is(world, tmp_path):
    def half(_: dict, number: int) -> str | Odd:
        return "four" if number < 8 else Odd(400, "enough")

    with ruled(half) as server:
        endpoint = endpoint_config(name="moody", url=server.url, model="m", attempts=1, parallel=1)
        first = evaluated(world, tmp_path / "r1", endpoints=(endpoint,))
        assert first.endpoints[0].answered == 8
        assert "400" in first.incomplete[0]
        assert first.data_version.endswith("-incomplete")
        assert first.models["moody"]["chrf"].n == 8
        assert "Not complete" in (tmp_path / "r1" / "report" / "report.md").read_text()
        assert not any("max_tokens" in request for request in server.requests), "our limit follows from our references"
        before = len(server.requests)
        server.requests.clear()  # it counts from nothing again: eight more are answered
        second = evaluated(world, tmp_path / "r1", endpoints=(endpoint,))
        assert second.endpoints[0].answered == 16
        server.requests.clear()
        third = evaluated(world, tmp_path / "r1", endpoints=(endpoint,))
        assert (third.endpoints[0].answered, len(server.requests), third.incomplete) == (18, 2, ())
        assert before == 10, "one batch of failures, then it stopped asking"
        again = evaluated(world, tmp_path / "r2", endpoints=(endpoint,), alpha=0.01)
        assert len(server.requests) == 2
        assert again.endpoints[0].answered == 18


def test_a_key_that_is_not_set_is_said_before_anything_is_asked(world, tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    endpoint = endpoint_config(name="paid", url="http://127.0.0.1:9/v1", model="m", api_key_env="NO_SUCH_KEY")
    evaluated(world, tmp_path / "r", code=1, endpoints=(endpoint,))
    said = capsys.readouterr().err
    assert "NO_SUCH_KEY is not set" in said
    assert "likelihood" not in said


def shorter(asked: dict, _: int) -> str:
    """A judge of one opinion: the shorter answer is better. It looks at nothing else, the order included."""
    text = asked["messages"][-1]["content"]
    first, second = (
        re.search(rf"begin of answer {name}\]\n(.*)\n\[\w+ end of answer {name}\]", text, re.DOTALL) for name in "AB"
    )
    assert first
    assert second
    sizes = len(first.group(1)), len(second.group(1))
    word = "tie" if sizes[0] == sizes[1] else "AB"[sizes[1] < sizes[0]]
    return f'{{"reason": "by length", "better": "{word}"}}'


def preferences(folder: Path, *, shorter_is_better: bool, n: int = 60) -> Lake:
    """Preference data in which people like short answers, or long ones."""
    import pyarrow as pa

    lake, path = Lake(str(folder)), Lake(str(folder)).preferences_dir("tutoring.en.math", "p1")
    short, long = "It is 4.", "It is, as far as I can say, 4."
    rows = [
        {
            "example_id": f"e{i}", "group_id": f"g{i}", "segment": "tutoring.en.math", "kind": "two_answers",
            "rejected_example_id": f"r{i}", "messages": [{"role": "user", "content": f"{i} + 1?"}],
            "chosen": short if shorter_is_better else long,
            "rejected": long if shorter_is_better else short,
        }
        for i in range(n)
    ]  # fmt: skip
    lake.write_table(pa.Table.from_pylist(rows, schema=PAIR_SCHEMA), f"{path}/dpo_train.parquet")
    lake.write_table(PAIR_SCHEMA.empty_table(), f"{path}/dpo_validation.parquet")
    manifest = PreferenceManifest(
        segment="tutoring.en.math", fingerprint="p1", answers=2 * n, held_out=0, kto={}, kto_before_balancing={},
        dpo={"train": {"two_answers": n}}, figures=PreferenceSettings(),
    )  # fmt: skip
    lake.write_text(manifest.to_json(), f"{path}/manifest.json")
    lake.write_json({"fingerprint": "p1"}, f"{lake.preferences_dir('tutoring.en.math')}/latest.json")
    return lake


@pytest.mark.parametrize("agree", [True, False])
def test_a_judge_gates_only_where_people_agree_with_it(world, tmp_path, agree):
    lake = preferences(tmp_path / "lake", shorter_is_better=agree)
    with ruled(shorter) as server:
        judge = judge_config(url=server.url, model="ruler", items=18, parallel=2)
        report = evaluated(world, tmp_path / "r", lake=lake, judge=judge, gates=(GATE,), minimum_groups=5)
    told = report.judge
    assert (told.against, told.flip_rate, told.parse_failures) == ("champion", 0, 0)
    assert told.wins + told.ties + told.losses == told.n == 18
    rows = pq.read_table(tmp_path / "r" / "report" / "items.parquet").to_pylist()
    size = {(row["item_id"], row["model"]): len(row["answer"]) for row in rows}
    ids = {row["item_id"] for row in rows}
    assert told.wins == sum(size[i, "candidate"] < size[i, "champion"] for i in ids)
    english = told.agreement["en"]
    assert (english.pairs, english.agreement, english.trusted) == (60, 1.0 if agree else 0.0, agree)
    assert told.requests <= 2 * (18 + 60)
    (gate,) = report.gates
    assert (gate.passed is None) is not agree
    text = (tmp_path / "r" / "report" / "report.md").read_text()
    assert f"May it gate? {'Yes, in en' if agree else 'No: people are not shown to agree'}" in text


def test_a_real_model_as_judge_that_writes_nonsense_is_counted_as_unreadable(world, server, tmp_path):
    judge = judge_config(url=server, model="tiny", items=6, max_tokens=8)
    told = evaluated(world, tmp_path / "r", judge=judge, gates=(GATE,)).judge
    assert told.parse_failures == told.replies == 12
    assert (told.n, told.note) == (0, "nothing was judged")


def test_ratings_of_the_training_side_reach_the_report_as_a_prediction_with_its_error(world, tmp_path):
    lake = Lake(str(tmp_path / "lake"))
    rng = np.random.default_rng(1)
    rows = []
    for number in range(400):
        steps = number % 2 == 0
        answer = f"First add.\n2. Then look.\nAnswer: {number}" if steps else f"It is {number}"
        rating = float(np.clip((4.5 if steps else 2.0) + rng.normal(0, 0.5), 1, 5))
        rows.append(row(number, rating, answer=answer, user_pseudonym=f"u{number % 50}"))
    curated_day(lake, date(2026, 1, 1), [r for r in rows if r["rating"] >= 4], low=[r for r in rows if r["rating"] < 4])
    metrics = (*world.config.metrics, "predicted_rating")
    report = evaluated(world, tmp_path / "r", lake=lake, metrics=metrics)
    assert report.satisfaction.measured
    assert report.satisfaction.ratings == 400
    assert report.metrics["predicted_rating"].direction == "higher"
    for role in ("base", "champion", "candidate"):
        assert 1 <= report.models[role]["predicted_rating"].value <= 5
    assert "Learnt from 400 ratings of 50 users" in (tmp_path / "r" / "report" / "report.md").read_text()
