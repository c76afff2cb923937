"""Does learning from rewards help the embedded model? Multiple-choice questions of OATutor: supervised, then GRPO, then the report.

    python benchmarks/rewards.py --data FOLDER [--tokens 8000] [--steps 24] [--items 60] [--models FOLDER] [--keep FOLDER]

FOLDER holds oatutor/problems.jsonl (CAHLR/OATutor-Content, CC BY 4.0). A question stands with its two to four choices, lettered, and
its answer is "The answer is B.": a guess is right one time in three, so rewards differ from answer to answer, as they must. The whole
way of the product: a log, curation, splits, an adapter by `cpu_demo`, then `grpo_cpu_demo` on top of it, and a report that compares
the two (and the base) on the same test items. Written to benchmarks/out/rewards.json.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from outcome import joined, lines, make_dataset

OUT = Path(__file__).parent / "out" / "rewards.json"
SEGMENT, LONGEST = "tutoring.en.math", 260


def questions(data: Path) -> Iterator[dict[str, Any]]:
    """Short questions with their choices, and the letter of the right one; those that need a picture or a table are left out."""
    seen: set[str] = set()
    for problem in lines(data / "oatutor" / "problems.jsonl"):
        for step in problem["steps"]:
            choices, right = step.get("choices") or [], (step.get("stepAnswer") or [None])[0]
            asked = joined(problem["title"], problem["body"], step["stepTitle"], step["stepBody"])
            text = "\n".join((asked, *(f"{chr(65 + at)}) {one}" for at, one in enumerate(choices)))).replace("$$", "$")
            if not 2 <= len(choices) <= 4 or right not in choices or len(text) > LONGEST or text in seen:
                continue
            if any(sign in text for sign in (".png", ".gif", "##")):
                continue
            seen.add(text)
            letter = chr(65 + choices.index(right))
            yield {
                "task": "tutoring", "question": text, "answer": f"The answer is {letter}.", "reference_answer": letter,
                "group": f"{step['id']} {len(seen)}",
            }  # fmt: skip


def learnt(options: argparse.Namespace, work: Path) -> dict[str, Any]:
    """Both trainings and the report."""
    (work / "tasks").mkdir(parents=True, exist_ok=True)
    dataset = make_dataset(list(questions(options.data)), SEGMENT, work, work / "tasks", 2_000)
    counts = json.loads((dataset / "manifest.json").read_text())["counts"]
    print(counts, flush=True)
    start, tuned, report = work / "start", work / "tuned", work / "report"
    common = ("--dataset", dataset, "--models", options.models, "--set=logging.tracking=none")
    supervised = (f"--set=budget.tokens={options.tokens}", "--set=validation.max_examples=16")
    steps = (f"--set=budget.steps={options.steps}", f"--set=validation.interval={max(1, options.steps // 3)}")
    settings = work / "evaluation.json"
    settings.write_text(json.dumps({"max_items": options.items, "max_new_tokens": 24}))
    seconds = {
        "supervised": run(
            "lyo_pipelines.training.engine", "--recipe", "cpu_demo", *common, "--output", start, *supervised
        ),
        "rewards": run(
            "lyo_pipelines.reinforcement", "--recipe", "grpo_cpu_demo", *common, "--output", tuned, "--start-from", start, *steps
        ),
        "report": run(
            "lyo_pipelines.evaluation.engine", "--dataset", dataset, "--adapter", tuned, "--start", start, "--output", report,
            "--models", options.models, "--data", work / "data", "--evaluation-config", settings,
        ),
    }  # fmt: skip
    told = json.loads((report / "report.json").read_text())
    return {
        "examples": counts, "seconds": seconds, "n_test": told["n_test"], "models": told["models"],
        "comparisons": told["comparisons"], "reinforcement": told.get("reinforcement"),
    }  # fmt: skip


def run(*command: object) -> float:
    """Run a module; the seconds it took."""
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", *map(str, command)], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{command[0]}\n{done.stdout[-1500:]}\n{done.stderr[-3000:]}")
    return round(time.perf_counter() - began, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--tokens", type=int, default=8_000, help="of the supervised training")
    parser.add_argument("--steps", type=int, default=24, help="of the training by rewards")
    parser.add_argument("--items", type=int, default=60, help="test items of the report")
    parser.add_argument("--models", type=Path, default=Path(__file__).parents[1] / "data" / "models")
    parser.add_argument("--keep", type=Path, help="folder that keeps dataset, adapters and report")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        found = learnt(options, options.keep or Path(temporary))
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps({name: found[name] for name in ("seconds", "n_test", "reinforcement")}, indent=2))
    for one in found["comparisons"]:
        print(one["metric"], one["a"], one["b"], one["difference"], one["ci_low"], one["ci_high"], one["verdict"])


if __name__ == "__main__":
    main()
