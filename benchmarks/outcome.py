"""Does a training help on logs that nobody here made? Base, our adapter and a plain TRL script, on held-out groups of public data.

    python benchmarks/outcome.py --data FOLDER [--task NAME ...] [--tokens 80000] [--models FOLDER] [--keep FOLDER]

FOLDER holds oatutor/problems.jsonl (CAHLR/OATutor-Content), mathdial/dialogues.jsonl (eth-nlped/mathdial) and
benchmarks/gsm8k_test.jsonl (openai/grade-school-math). Four tasks: the hints of a step, the course that a problem belongs to (a task
added by a file), the tutor's next turn, a worked answer. Each goes the whole way of the product, from a canonical log over curation
and splits to a training with the recipe `cpu_demo`, and to one report. The plain script sees the same training rows for as many
tokens, with TRL's and PEFT's defaults for everything. The report compares ours with the base and with the script, on test groups.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

OUT = Path(__file__).parent / "out" / "outcome.json"
END = datetime(2026, 11, 1, tzinfo=UTC)
COURSES = '''
"""The course that a problem belongs to."""

from pydantic import BaseModel, ConfigDict

from lyo_pipelines.tasks.base import TaskFormat
from lyo_pipelines.tasks.measures import label_metrics


class Course(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    course: str


FORMAT = TaskFormat(
    task="courses",
    version="courses-1",
    system_prompt=lambda row: 'Name the course that the problem belongs to, as {"course": "..."}.',
    description="A problem in the question, its course out.",
    answer=Course,
    metrics=label_metrics("course", lambda answer: answer.course, "course"),
    general_metrics=("loss",),
)
'''
WITH_TASKS = (
    "import runpy, sys, lyo_pipelines.tasks as tasks; tasks.__path__.append(sys.argv.pop(1)); "
    "runpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)"
)
Row = dict[str, Any]


def hints(data: Path) -> Iterator[Row]:
    """Each step of a problem with its hints, without those that are other questions."""
    for problem in lines(data / "oatutor" / "problems.jsonl"):
        for step in problem["steps"]:
            told = [
                hint["text"].strip()
                for hint in step.get("hints", [])
                if hint.get("type") == "hint" and hint.get("text")
            ]
            question = joined(problem["title"], problem["body"], step["stepTitle"], step["stepBody"])
            if told and question:
                answer = step["stepAnswer"][0] if step.get("stepAnswer") else None
                yield {"task": "live_study", "question": question, "answer": "\n".join(told), "reference_answer": answer,
                       "group": problem["id"]}  # fmt: skip


def courses(data: Path) -> Iterator[Row]:
    """Each problem with the course it is taught in; courses of fewer than forty problems are left out."""
    problems = list(lines(data / "oatutor" / "problems.jsonl"))
    names = [problem["courseName"] for problem in problems]
    for problem in problems:
        question = joined(problem["title"], problem["body"], *(step["stepTitle"] for step in problem["steps"][:2]))
        if names.count(problem["courseName"]) >= 40 and question:
            answer = json.dumps({"course": problem["courseName"].removeprefix("OpenStax: ")})
            yield {"task": "courses", "question": question, "answer": answer, "group": problem["id"]}


def turns(data: Path) -> Iterator[Row]:
    """What the teacher says next, with the dialogue so far."""
    for dialogue in lines(data / "mathdial" / "dialogues.jsonl"):
        said = [
            re.sub(r"^(Teacher|[^:]{1,40}): (\([^)]*\))?", "", turn).strip()
            for turn in dialogue["conversation"].split("|EOM|")
        ]
        by_teacher = [turn.lstrip().startswith("Teacher:") for turn in dialogue["conversation"].split("|EOM|")]
        history: list[dict[str, str]] = []
        for text, teacher in zip(said, by_teacher, strict=True):
            if teacher and history and text:
                yield {
                    "task": "tutoring", "question": history[-1]["content"], "answer": text, "history": history[:-1],
                    "context": dialogue["question"], "group": str(dialogue["qid"]),
                }  # fmt: skip
            history = [*history, {"role": "assistant" if teacher else "user", "content": text or "…"}]


def worked(data: Path) -> Iterator[Row]:
    """A word problem and its solution, step by step."""
    for number, row in enumerate(lines(data / "benchmarks" / "gsm8k_test.jsonl")):
        answer = re.sub(r"<<[^>]*>>", "", row["answer"]).replace("#### ", "The answer is ") + "."
        yield {"task": "chain_of_thought", "question": row["question"], "answer": answer, "reasoning_mode": "chain_of_thought",
               "reference_answer": row["answer"].rpartition("#### ")[2], "group": str(number)}  # fmt: skip


TASKS: dict[str, tuple[Callable[[Path], Iterator[Row]], str]] = {
    "hints": (hints, "live_study.en"),
    "courses": (courses, "courses.en"),
    "turns": (turns, "tutoring.en.math"),
    "worked": (worked, "chain_of_thought.en"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--task", action="append", choices=TASKS, help="default: all four")
    parser.add_argument("--tokens", type=int, default=80_000, help="of a training, ours and the plain one's")
    parser.add_argument("--rows", type=int, default=1200, help="rows of the log, drawn by group")
    parser.add_argument("--items", type=int, default=100, help="test items of a report")
    parser.add_argument("--set", action="append", default=[], help="a value of the recipe: key=value")
    parser.add_argument("--models", type=Path, default=Path(__file__).parents[1] / "data" / "models")
    parser.add_argument("--keep", type=Path, help="folder that keeps datasets, adapters and reports")
    parser.add_argument("--plain", type=Path, nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.plain:
        train_plainly(*options.plain, options.models, options.tokens)
        return
    found = []
    with tempfile.TemporaryDirectory() as temporary:
        work = options.keep or Path(temporary)
        for name in options.task or TASKS:
            found.append(outcome(name, options, work / name))
            show(found[-1])
            OUT.parent.mkdir(exist_ok=True)
            OUT.write_text(json.dumps({"load_average": os.getloadavg()[0], "tasks": found}, indent=2) + "\n")
    print(f"written: {OUT}")


def outcome(name: str, options: argparse.Namespace, work: Path) -> dict[str, Any]:
    """The whole way for one task; the figures of its report."""
    rows, segment = TASKS[name]
    tasks = work / "tasks"
    tasks.mkdir(parents=True, exist_ok=True)
    (tasks / "courses.py").write_text(COURSES)
    dataset = make_dataset(list(rows(options.data)), segment, work, tasks, options.rows)
    ours, plain, seconds = work / "ours", work / "plain", {}
    changes = [
        f"--set={change}" for change in (f"budget.tokens={options.tokens}", "logging.tracking=none", *options.set)
    ]
    started = time.perf_counter()
    module("lyo_pipelines.training.engine", tasks, "--recipe", "cpu_demo", "--dataset", dataset, "--output", ours,
           "--models", options.models, *changes)  # fmt: skip
    seconds["ours"], started = time.perf_counter() - started, time.perf_counter()
    if not (plain / "adapter_config.json").exists():
        run([sys.executable, __file__, "--data", options.data, "--models", options.models, "--tokens", options.tokens,
             "--plain", dataset, plain])  # fmt: skip
    seconds["plain"], started = time.perf_counter() - started, time.perf_counter()
    as_ours(plain, ours)
    settings = work / "evaluation.json"
    settings.write_text(json.dumps({"max_items": options.items}))
    places = ("--models", options.models, "--data", work / "data", "--evaluation-config", settings)
    module("lyo_pipelines.evaluation.engine", tasks, "--dataset", dataset, "--adapter", ours, "--champion", plain,
           "--output", work / "report", *places)  # fmt: skip
    seconds["report"] = time.perf_counter() - started
    report = json.loads((work / "report" / "report.json").read_text())
    manifest = json.loads((dataset / "manifest.json").read_text())
    return {
        "task": name, "segment": segment, "examples": manifest.get("counts") or manifest.get("splits"), "seconds": seconds,
        "n_test": report["n_test"], "groups": report["groups"],
        "values": {role: {metric: one["value"] for metric, one in values.items()} for role, values in report["models"].items()},
        "comparisons": report["comparisons"],
    }  # fmt: skip


def make_dataset(rows: list[Row], segment: str, work: Path, tasks: Path, count: int) -> Path:
    """Ingest, curate and split; returns the folder of the version."""
    import lyo_pipelines.tasks
    from lyo_pipelines.config.loading import load_config
    from lyo_pipelines.curation.day import curate_day
    from lyo_pipelines.dataset.build import build_dataset
    from lyo_pipelines.interactions.days.build import build_day
    from lyo_pipelines.interactions.landing.land_file import land_file
    from lyo_pipelines.interactions.pseudonyms import Pseudonyms
    from lyo_pipelines.storage.lake import Lake

    if str(tasks) not in lyo_pipelines.tasks.__path__:
        lyo_pipelines.tasks.__path__.append(str(tasks))
        lyo_pipelines.tasks.task_formats.cache_clear()
    config, lake = load_config(), Lake(str(work / "data"))
    log = work / "log.jsonl"
    log.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in canonical(rows, segment, count)))
    landed = land_file(lake, str(log), pseudonyms=Pseudonyms("k" * 32), config=config.interactions, now=END)
    print(f"\n{work.name}: {landed.accepted} rows of {landed.read} landed", flush=True)
    for day in days():
        build_day(lake, day)
        curate_day(lake, day, config.curation)
    version = build_dataset(lake, segment, config.dataset, config.curation, now=END)
    return Path(lake.local(version.path))


def canonical(rows: list[Row], segment: str, count: int) -> Iterator[Row]:
    """Rows as a log holds them, over four weeks; whole groups are drawn until there are enough."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row["group"], []).append(row)
    names, number = sorted(groups), 0
    random.Random(7).shuffle(names)
    subject = "math" if segment.startswith("tutoring") else None
    for name in names:
        for row in groups[name]:
            if number >= count:
                return
            occurred = END - timedelta(days=28) + timedelta(minutes=number * 30)
            more = {key: value for key, value in row.items() if key != "group" and value}
            yield {
                "interaction_id": f"i{number}", "occurred_at": occurred.isoformat(), "user_id": f"user {number % 97}",
                "language": "en", "rating": 5, "conversation_id": f"c{name}", **({"subject": subject} if subject else {}), **more,
            }  # fmt: skip
            number += 1


def days() -> list[date]:
    return [(END - timedelta(days=past)).date() for past in range(28, -1, -1)]


def train_plainly(dataset: Path, output: Path, models: Path, tokens: int) -> None:
    """What a reader of TRL's documentation would write, for as many tokens of training rows."""
    import peft
    import pyarrow.parquet as pq
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    from lyo_pipelines.training.dtypes import multiplies_bfloat16
    from lyo_pipelines.training.engine import base

    source = base.resolve("smollm2-135m-instruct", models)
    tokenizer = base.load_tokenizer(source)
    messages = pq.read_table(dataset / "train.parquet", columns=["messages"])["messages"].to_pylist()
    length = sum(len(tokenizer.apply_chat_template(row, return_dict=False)) for row in messages)
    config = SFTConfig(
        output_dir=str(output / "trainer"),
        num_train_epochs=max(0.1, tokens / length),
        use_cpu=True,
        bf16=multiplies_bfloat16("cpu"),  # TRL's default; on a CPU without it the script would take ten times as long
        report_to="none",
        disable_tqdm=True,
    )
    rows = Dataset.from_list([{"prompt": row[:-1], "completion": row[-1:]} for row in messages])
    trainer = SFTTrainer(model=source, args=config, train_dataset=rows, peft_config=peft.LoraConfig())
    trainer.train()
    trainer.save_model(str(output))
    shutil.rmtree(output / "trainer", ignore_errors=True)


def as_ours(plain: Path, ours: Path) -> None:
    """The manifest that a report asks of an adapter: ours, with the plain adapter's files and a version of its own."""
    manifest = json.loads((ours / "adapter_manifest.json").read_text())
    files = ("adapter_model.safetensors", "adapter_config.json")
    manifest["files"] = {name: hashlib.sha256((plain / name).read_bytes()).hexdigest() for name in files}
    manifest["version"] = "plain-000000000000"
    (plain / "adapter_manifest.json").write_text(json.dumps(manifest))


def module(name: str, tasks: Path, *arguments: object) -> None:
    run([sys.executable, "-c", WITH_TASKS, tasks, name, *arguments])


def run(command: list[object]) -> None:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command[:6]))} …\n{done.stdout[-1500:]}\n{done.stderr[-3000:]}")


def lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as handle:
        yield from (json.loads(line) for line in handle if line.strip())


def joined(*texts: str) -> str:
    return "\n".join(dict.fromkeys(text.strip() for text in texts if text and text.strip()))


def show(found: dict[str, Any]) -> None:
    took = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in found["seconds"].items())
    print(f"{found['task']}: {found['n_test']} test items in {found['groups']} groups; {took}")
    print(f"{'metric':22}{'base':>10}{'plain':>10}{'ours':>10}   ours - base                 ours - plain")
    roles = ("base", "champion", "candidate")
    for metric in sorted({one["metric"] for one in found["comparisons"]}):
        values = [found["values"][role].get(metric) for role in roles]
        told = [comparison(found, metric, other) for other in ("base", "champion")]
        print(
            f"{metric:22}"
            + "".join("         —" if v is None else f"{v:10.3f}" for v in values)
            + "   "
            + "  ".join(told),
            flush=True,
        )


def comparison(found: dict[str, Any], metric: str, other: str) -> str:
    one = next((c for c in found["comparisons"] if (c["metric"], c["b"]) == (metric, other)), None)
    if one is None or one.get("difference") is None:
        return f"{'not measured':28}"
    if one["ci_low"] is None:
        return f"{one['difference']:+.3f} {one['verdict']:20}"
    return f"{one['difference']:+.3f} [{one['ci_low']:+.3f}, {one['ci_high']:+.3f}] {one['verdict']:11}"


if __name__ == "__main__":
    main()
