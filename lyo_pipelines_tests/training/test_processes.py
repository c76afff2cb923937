"""Training in several processes is the training of one, to rounding; and when one of them is killed, all end, and a rerun goes on."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest
import safetensors.torch
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.external_process.reporter import Reporter
from lyo_pipelines.external_process.stopping import StopRequest
from lyo_pipelines.training.batches import TrainingPlan, deal
from lyo_pipelines.training.engine.ranks import ALONE, Ranks
from lyo_pipelines.training.engine.run import train_adapter
from lyo_pipelines.training.lock import DeviceBusyError, device_lock
from lyo_pipelines.training.metrics_log import read_metrics
from lyo_pipelines.training.plan import adapter_version, read_adapter
from lyo_pipelines.training.processes import local_processes, torchrun_command
from lyo_pipelines.training.recipe_loading import RecipeError, load_recipe
from lyo_pipelines_tests.engine_process import EngineProcess
from lyo_pipelines_tests.training.tiny import make_dataset, make_model

SETTINGS = {
    "batch.accumulation": 4,
    "budget.epochs": 2,
    "budget.steps": None,
    "optimizer.learning_rate": 0.01,
    "validation.interval": 3,
    "speed.threads": 1,
}


class Place(NamedTuple):
    """What the trainings of this file share."""

    folder: Path
    model: Path
    dataset: Path

    def command(self, name: str, **more: object) -> list[str]:
        """Arguments of the training's command."""
        changes = SETTINGS | {"base_model": self.model} | more
        settings = [f"{key}={'null' if value is None else value}" for key, value in changes.items()]
        return [
            "--recipe", "tiny_test", "--dataset", str(self.dataset), "--output", str(self.folder / name),
            "--models", str(self.folder / "models"), *(part for one in settings for part in ("--set", one)),
        ]  # fmt: skip

    def train(self, name: str, processes: int, sharding: str) -> tuple[Path, str]:
        """Train in processes as torchrun starts them, but forked; returns the adapter's folder and what they said."""
        arguments = self.command(name, devices=processes, sharding=sharding)
        told = {
            "TORCHELASTIC_RUN_ID": "test", "WORLD_SIZE": processes, "LOCAL_WORLD_SIZE": processes,
            "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port(), "HF_HUB_OFFLINE": 1, "OMP_NUM_THREADS": 1,
            "CUDA_VISIBLE_DEVICES": "",
        }  # fmt: skip
        ranks = [
            EngineProcess(
                [sys.executable, "-m", "lyo_pipelines.training.engine", *arguments, "--devices-held"],
                os.environ | {key: str(value) for key, value in (told | {"RANK": rank, "LOCAL_RANK": rank}).items()},
            )
            for rank in range(processes)
        ]
        said = "".join(rank.communicate(timeout=600)[1] for rank in ranks)
        assert [rank.returncode for rank in ranks] == [0] * processes, said
        return self.folder / name, said


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Place:
    folder = tmp_path_factory.mktemp("processes")
    # 21 examples: the last of six steps has two micro-batches for four places
    return Place(folder, make_model(folder / "llama"), make_dataset(folder / "data", train=21, validation=9))


@pytest.fixture(scope="module")
def alone(place) -> Path:
    recipe = load_recipe("tiny_test", SETTINGS | {"base_model": str(place.model)})
    return train_adapter(
        recipe, place.dataset, place.folder / "alone", place.folder / "models",
        device="cpu", reporter=Reporter(), stop=StopRequest(),
    ).path  # fmt: skip


@pytest.fixture(autouse=True)
def _locks(tmp_path, monkeypatch):
    monkeypatch.setenv("LYO_LOCK_DIR", str(tmp_path / "locks"))


def test_what_all_processes_need_is_made_by_the_first_one_before_the_others_look() -> None:
    here, done = threading.Barrier(2, timeout=60), list[int]()

    class Together(Ranks):
        def wait(self) -> None:
            here.wait()

    def take(rank: int) -> None:
        ranks = Together(rank, 2)
        if ranks.first:
            time.sleep(0.2)  # the other one is here long before
        ranks.first_alone(lambda: done.append(rank))

    threads = [threading.Thread(target=take, args=(rank,)) for rank in (1, 0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert done == [0, 1]
    assert ALONE.first_alone(lambda: "alone") == "alone"


def losses(adapter: Path) -> list[tuple[str, int, float]]:
    rows = read_metrics(adapter / "metrics.jsonl")
    return [(name, row["step"], row[name]) for row in rows for name in ("loss", "eval_loss") if name in row]


def assert_same_training(ours: Path, theirs: Path) -> None:
    assert [one[:2] for one in losses(ours)] == [one[:2] for one in losses(theirs)], "steps are missing, or told twice"
    for (name, step, here), (*_, there) in zip(losses(ours), losses(theirs), strict=True):
        assert here == pytest.approx(there, abs=2e-5), f"{name} of step {step}"
    one, other = (safetensors.torch.load_file(folder / "adapter_model.safetensors") for folder in (ours, theirs))
    assert one.keys() == other.keys(), "a part of the adapter is missing"
    assert max(float((one[name] - other[name]).abs().max()) for name in one) < 1e-3, "weights, after Adam's division"
    assert read_adapter(ours).metrics.best_step == read_adapter(theirs).metrics.best_step


def test_four_processes_learn_what_one_learns(place, alone):
    adapter, said = place.train("four", 4, "ddp")
    assert_same_training(adapter, alone)
    assert said.count("validation loss") == len([one for one in losses(alone) if one[0] == "eval_loss"]), "one speaks"
    newest = max((adapter / "checkpoints").glob("checkpoint-*"), key=lambda path: path.stat().st_mtime)
    assert sum(path.stat().st_size for path in newest.glob("*.safetensors")) < 2 * 10**5, "no base model in it"
    assert (adapter / "probes.json").is_file()


def test_a_killed_process_ends_all_and_the_training_goes_on_split_over_two(place, alone):
    output = place.folder / "killed"
    told = (place.folder / "killed.err").open("w+")
    running = subprocess.Popen(
        [sys.executable, "-m", "lyo_pipelines.training.engine", *place.command("killed", devices=2, sharding="ddp")],
        stderr=told,
        env=os.environ | {"HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""},
    )
    while running.poll() is None and not any(row.get("step", 0) >= 3 for row in read_metrics(output / "metrics.jsonl")):
        time.sleep(0.02)
    with pytest.raises(DeviceBusyError), device_lock("cpu", "mine", wait_seconds=0, say=print):
        pytest.fail("two trainings on one device")
    ranks = [int(line) for line in Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()]
    os.kill(ranks[-1], signal.SIGKILL)
    assert running.wait(timeout=300) == 1
    told.seek(0)
    heard = told.read()
    assert "was killed by SIGKILL, and the others were ended" in heard
    assert not {"Traceback", "elastic"} & {*heard.replace("/", " ").split()}, heard
    assert not any(Path(f"/proc/{rank}").exists() for rank in ranks)
    adapter, said = place.train("killed", 2, "fsdp")
    assert "resuming checkpoint-" in said
    assert_same_training(adapter, alone)


@given(
    st.lists(st.integers(1, 900), min_size=1, max_size=40), st.sampled_from([1, 2, 3, 4]), st.sampled_from([1, 2, 3])
)
def test_every_step_is_dealt_whole_evenly_and_once(tokens, processes, each):
    plan = TrainingPlan(tuple((n,) for n in range(len(tokens))), tuple(tokens), processes * each, len(tokens))
    shares = deal(plan, processes)
    assert {len(share.places) for share in shares} == {len(shares[0].places)}, "somebody would wait for ever"
    for step in range(plan.steps):
        hands = [share.of_step(step) for share in shares]
        counted = Counter(place.number for hand in hands for place in hand if place.counted)
        assert counted == Counter(range(step * processes * each, min((step + 1) * processes * each, len(tokens))))
        loads = [sum(tokens[place.number] for place in hand if place.counted) for hand in hands]
        assert max(loads) - min(loads) <= max(tokens[place.number] for hand in hands for place in hand)
    assert [place.number for place in deal(plan, 1)[0].places] == list(range(len(tokens))), (
        "alone, in the planned order"
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"devices": 2}, "needs sharding: ddp"),
        ({"devices": 3, "sharding": "ddp"}, "cannot be dealt evenly to 3"),
        ({"devices": 2, "sharding": "fsdp", "method": "qlora"}, "not method qlora: take sharding ddp"),
        ({"sharding": "fsdp", "method": "full"}, "not method full"),
        ({"devices": 2, "sharding": "ddp", "method": "dpo"}, "method dpo trains on one device"),
        ({"devices": 0}, "greater than 0"),
        ({"devices": 2, "sharding": "fsdp", "speed.compile": True}, "goes without speed.compile"),
    ],
)
def test_what_cannot_be_shared_is_refused_with_what_can(changes, said):
    with pytest.raises(RecipeError, match=said):
        load_recipe("owner", changes)


def test_the_number_of_processes_is_no_part_of_what_is_learnt_and_auto_takes_what_divides_a_step():
    recipe = load_recipe("owner", {"devices": "auto", "nodes": 2, "sharding": "fsdp"})
    assert adapter_version("abc", recipe) == adapter_version("abc", load_recipe("owner"))
    assert [local_processes(recipe, gpus) for gpus in (1, 2, 3, 8)] == [1, 2, 2, 2], (
        "of four micro-batches, two a machine"
    )
    assert local_processes(recipe, 0, cores=2) == 2
    command = torchrun_command(recipe, 2, ["--recipe", "r.yaml"])
    assert command.startswith("torchrun --nnodes=2 --nproc-per-node=2 --rdzv-backend=c10d")
    assert command.endswith("-m lyo_pipelines.training.engine --recipe r.yaml")
