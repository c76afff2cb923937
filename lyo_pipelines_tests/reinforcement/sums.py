"""A tiny world of sums: a model that has learnt to answer "answer: <digit>", not yet which digit, and ratings of such answers."""

from __future__ import annotations

import json
import os
import random
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lyo_pipelines.dataset.preferences.contract import LABEL_SCHEMA
from lyo_pipelines_tests.engine_process import run_engine
from lyo_pipelines_tests.training.tiny import make_model

SEGMENT = "tutoring.en.math"
SPLIT_SCHEMA = pa.schema(
    [
        ("example_id", pa.string()),
        ("group_id", pa.string()),
        ("language", pa.string()),
        ("segment", pa.string()),
        ("messages", pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))),
        ("weight", pa.float32()),
        ("reference_answer", pa.string()),
    ]
)


def sums(folder: Path, train: int = 48, validation: int = 12, *, checkable: bool = True) -> Path:
    """A dataset version of sums; without a checkable result its answers are words."""
    rng = random.Random(1)
    folder.mkdir(parents=True)
    for split, count in (("train", train), ("validation", validation)):
        rows = []
        for at in range(count):
            a, b = rng.choice((1, 2)), rng.choice((1, 2))
            answer = f"answer: {a + b}" if checkable else "we get the number of apples"
            chat = [("user", f"add {a} {b}"), ("assistant", answer)]
            rows.append(
                {
                    "example_id": f"{split}{at}",
                    "group_id": f"{split}{at}",
                    "language": "en",
                    "segment": SEGMENT,
                    "messages": [{"role": role, "content": text} for role, text in chat],
                    "weight": 1.0,
                    "reference_answer": None,
                }
            )
        pq.write_table(pa.Table.from_pylist(rows, schema=SPLIT_SCHEMA), folder / f"{split}.parquet")
    (folder / "test.parquet").write_bytes(b"training must never open this file")
    (folder / "manifest.json").write_text(json.dumps({"segment": SEGMENT, "fingerprint": "5fde"}))
    return folder


def ratings(folder: Path, count: int = 480, *, informative: bool = True) -> Path:
    """Preference data in which long answers are rated well, or in which ratings say nothing."""
    rng = random.Random(2)
    folder.mkdir(parents=True)
    rows = []
    for at in range(count):
        long = at % 2 == 0
        good = long if informative else rng.random() < 0.5
        words = rng.randint(12, 20) if long else rng.randint(1, 5)
        rows.append(
            {
                "example_id": f"r{at}",
                "group_id": f"g{at}",
                "segment": SEGMENT,
                "messages": [{"role": "user", "content": f"add {at} 1"}],
                "answer": "answer: " + " ".join(["step"] * words),
                "label": good,
                "rating": float(rng.choice((4, 5)) if good else rng.choice((1, 2))),
            }
        )
    pq.write_table(pa.Table.from_pylist(rows, schema=LABEL_SCHEMA), folder / "kto_train.parquet")
    (folder / "manifest.json").write_text(json.dumps({"segment": SEGMENT, "fingerprint": "4a7e"}))
    return folder


class SumWorld:
    """A base model, an adapter that has learnt the form of the answers, and a dataset version of sums."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.base = make_model(root / "base")
        self.dataset = sums(root / "dataset")
        self.adapter = root / "adapter"
        learning = {"optimizer.learning_rate": 0.02, "budget.epochs": 30, "budget.steps": 60}
        quiet = {"validation.interval": 60, "checkpoints.interval": 60}
        self.run(self.command("lyo_pipelines.training.engine", self.adapter, **learning, **quiet))

    def command(self, module: str, output: Path, *more: str, dataset: Path | None = None, **changes: Any) -> list[str]:
        """The command of an engine; changes: of the recipe tiny_test."""
        sets = {"base_model": str(self.base), "speed.threads": 1, **changes}
        return [
            sys.executable, "-m", module, "--recipe", "tiny_test", "--dataset", str(dataset or self.dataset), "--output", str(output),
            "--models", str(self.root), *(part for key, value in sets.items() for part in ("--set", f"{key}={value}")), *more,
        ]  # fmt: skip

    def reinforce(self, output: Path, *more: str, dataset: Path | None = None, **changes: Any) -> list[str]:
        """The command of a training by rewards from the adapter."""
        sets = {
            "method": "grpo", "batch.size": 8, "batch.accumulation": 2, "budget.epochs": 9, "budget.steps": 6,
            "validation.interval": 3, "optimizer.learning_rate": 0.003, "reinforcement.max_new_tokens": 12,
            "reinforcement.temperature": 0.2,
            "reinforcement.max_kl": 50, "reinforcement.max_length_ratio": 20, **changes,
        }  # fmt: skip
        return self.command(
            "lyo_pipelines.reinforcement", output, "--start-from", str(self.adapter), *more, dataset=dataset, **sets
        )

    def run(self, command: list[str]) -> str:
        """Run it; returns what it printed. It must not fail."""
        code, printed = run_engine(command, self.environment())
        assert code == 0, printed
        return printed

    def environment(self) -> dict[str, str]:
        """Without a GPU, with locks of its own."""
        own = {"LYO_LOCK_DIR": str(self.root / "locks"), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
        return os.environ | own
