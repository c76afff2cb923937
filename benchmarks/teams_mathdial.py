"""Do real groups differ enough for adapters of their own? On dialogues of MathDial, where people teach learners of six kinds.

    python benchmarks/teams_mathdial.py --data FOLDER                        # how far apart the groups are; seconds
    python benchmarks/teams_mathdial.py --data FOLDER --train [--tokens 15000] [--team NAME]

FOLDER holds mathdial/dialogues.jsonl (eth-nlped/mathdial, CC BY-SA 4.0) and oatutor/problems.jsonl (CAHLR/OATutor-Content). The
teams of MathDial are what its learners find hard; those of OATutor, for comparison, are courses. What a teacher (or a hint) says is a
point in DIMENSIONS directions (TF-IDF, truncated SVD), each scaled to a spread of 1 within teams, as in benchmarks/teams.py: `apart`
is how far a team's mean lies from everybody's beyond chance, whole dialogues (problems) being the unit of chance.

`--train` goes the way of the product for one team: logs with the column `team`, curation, the datasets of team and parent, an
adapter of each by `cpu_demo` for as many tokens, and the loss of both on what the team holds out. Written to
benchmarks/out/teams_mathdial.json.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from lyo_pipelines.statistics.bootstrap import paired_bootstrap_by_group

DIMENSIONS, PERMUTATIONS = 16, 1_000
OUT = Path(__file__).parent / "out" / "teams_mathdial.json"
KINDS = {
    "relevance": "pieces of information are relevant", "principles": "underlying ideas and principles",
    "question": "what the problem is asking", "operation": "correct operation to use", "strategy": "what strategy to use",
    "procedure": "what steps or procedures",
}  # fmt: skip
"""Names of teams and the words of a learner's profile by which they are told."""


def dialogues(folder: Path) -> Iterator[dict[str, Any]]:
    """Each dialogue: unit, team, learner (name and grade), problem and turns as (said by the teacher, text)."""
    for line in (folder / "mathdial" / "dialogues.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        turns = [turn.strip() for turn in row["conversation"].split("|EOM|")]
        yield {
            "unit": str(row["qid"]),
            "team": next(name for name, words in KINDS.items() if words in row["student_profile"]),
            "learner": row["student_profile"].partition(". ")[0],
            "problem": row["question"],
            "turns": [
                (turn.startswith("Teacher:"), re.sub(r"^[^:]{1,40}: ?(\([^)]*\))?", "", turn).strip()) for turn in turns
            ],
        }


def teacher_turns(folder: Path) -> list[tuple[str, str, str]]:
    """(team, unit, what the teacher says) of MathDial."""
    return [
        (one["team"], f"{one['unit']} {one['learner']}", text)
        for one in dialogues(folder)
        for teacher, text in one["turns"]
        if teacher and text
    ]


def course_hints(folder: Path) -> list[tuple[str, str, str]]:
    """(course, problem, hint) of OATutor, courses of at least 100 problems."""
    problems = [json.loads(line) for line in (folder / "oatutor" / "problems.jsonl").read_text("utf-8").splitlines()]
    courses = Counter(problem["courseName"] for problem in problems)
    return [
        (problem["courseName"], problem["id"], hint["text"].strip())
        for problem in problems
        for step in problem["steps"]
        for hint in step.get("hints", [])
        if courses[problem["courseName"]] >= 100 and hint.get("text", "").strip()
    ]


def how_far_apart(said: list[tuple[str, str, str]]) -> dict[str, Any]:
    """How far teams lie apart beside the spread of one text within them, and how often chance makes as much of it."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    teams = np.array([team for team, _, _ in said])
    points = TfidfVectorizer(sublinear_tf=True, min_df=5).fit_transform([text for _, _, text in said])
    points = TruncatedSVD(DIMENSIONS, random_state=7).fit_transform(points)
    centred = points.copy()
    for team in np.unique(teams):
        centred[teams == team] -= points[teams == team].mean(0)
    points = points / centred.std(0)

    keys = [f"{team}\n{unit}" for team, unit, _ in said]
    names, of = np.unique(keys, return_inverse=True)
    sizes = np.bincount(of).astype(float)
    means = np.stack([np.bincount(of, points[:, at]) for at in range(DIMENSIONS)], 1) / sizes[:, None]
    belongs = np.array([name.partition("\n")[0] for name in names])
    found = _between(means, sizes, belongs)
    draw = np.random.default_rng(7)
    by_chance = [_between(means, sizes, draw.permutation(belongs)) for _ in range(PERMUTATIONS)]
    return {
        "teams": len(np.unique(teams)), "units": len(names), "texts": len(said),
        "apart": round(float(np.sqrt(max(0.0, found - np.mean(by_chance)))), 3),
        "p": round((1 + sum(one >= found for one in by_chance)) / (1 + PERMUTATIONS), 4),
        "chance alone, 95 %": round(float(np.sqrt(np.quantile(by_chance, 0.95) - np.mean(by_chance))), 3),
    }  # fmt: skip


def _between(means: np.ndarray, sizes: np.ndarray, belongs: np.ndarray) -> float:
    """Mean squared distance of the teams' means from everybody's. means: (units, dimensions); sizes: texts of each unit."""
    middle = np.average(means, axis=0, weights=sizes)
    teams = np.unique(belongs)
    each = [np.average(means[belongs == team], axis=0, weights=sizes[belongs == team]) for team in teams]
    return float(np.mean([((one - middle) ** 2).sum() for one in each]))


def log_rows(folder: Path) -> Iterator[dict[str, Any]]:
    """The dialogues as a log of an application would have them, over four weeks."""
    from datetime import timedelta

    from outcome import END

    number = 0
    for one in dialogues(folder):
        history: list[dict[str, str]] = []
        for teacher, text in one["turns"]:
            if teacher and history and text:
                at = END - timedelta(days=28) + timedelta(minutes=number * 10)
                yield {
                    "interaction_id": f"i{number}", "occurred_at": at.isoformat(), "user_id": one["learner"], "team": one["team"],
                    "task": "tutoring", "language": "en", "subject": "math", "rating": 5, "context": one["problem"],
                    "conversation_id": f"{one['unit']} {one['learner']}", "question": history[-1]["content"], "answer": text,
                    "history": history[:-1],
                }  # fmt: skip
                number += 1
            history = [*history, {"role": "assistant" if teacher else "user", "content": text or "…"}]


def trained(options: argparse.Namespace, work: Path) -> dict[str, Any]:
    """The adapters of one team and of its parent on what the team holds out."""
    lake, config = curated(options.data, work)
    folders = {name: dataset(lake, config, name) for name in (f"tutoring.en.{options.team}", "tutoring.en")}
    adapters, seconds = list[Path](), list[float]()
    for place, folder in zip(("team", "parent"), folders.values(), strict=True):
        began, adapter = time.perf_counter(), work / place
        changes = (f"budget.tokens={options.tokens}", "validation.max_examples=8", "logging.tracking=none")
        run("lyo_pipelines.training.engine", "--recipe", "cpu_demo", "--dataset", folder, "--output", adapter,
            "--models", options.models, *(f"--set={change}" for change in changes))  # fmt: skip
        adapters.append(adapter)
        seconds.append(time.perf_counter() - began)
    out, own = work / "losses.json", next(iter(folders.values()))
    run("lyo_pipelines.training.engine.example_losses", "--adapter", adapters[0], "--adapter", adapters[1], "--dataset", own,
        "--models", options.models, "--out", out)  # fmt: skip
    told = json.loads(out.read_text())
    tokens = np.asarray(told["tokens"], float)
    team, parent = (np.asarray(one) / tokens for one in told["losses"])
    found = paired_bootstrap_by_group(team, parent, told["group_id"], weights=tokens)
    examples = [json.loads((adapter / "adapter_manifest.json").read_text()) for adapter in adapters]
    return {
        "team": options.team, "tokens": [one["metrics"]["tokens"] for one in examples],
        "examples there": [one["examples"]["train"] for one in examples], "seconds": [round(one) for one in seconds],
        "loss": [round(float((one * tokens).sum() / tokens.sum()), 4) for one in (team, parent)],
        "team - parent": [round(value, 4) for value in (found.estimate, found.low, found.high)], "p": round(found.p_value, 4),
        "n": found.n, "groups": found.groups,
    }  # fmt: skip


def curated(data: Path, work: Path) -> tuple[Any, Any]:
    """A lake with the dialogues in it, and the configuration in which every team has agreed."""
    from outcome import END, days

    from lyo_pipelines.config.loading import load_config
    from lyo_pipelines.curation.day import curate_day
    from lyo_pipelines.interactions.days.build import build_day
    from lyo_pipelines.interactions.landing.land_file import land_file
    from lyo_pipelines.interactions.pseudonyms import Pseudonyms
    from lyo_pipelines.storage.lake import Lake

    config, lake, log = load_config(), Lake(str(work / "data")), work / "log.jsonl"
    log.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in log_rows(data)))
    landed = land_file(lake, str(log), pseudonyms=Pseudonyms("k" * 32), config=config.interactions, now=END)
    print(f"{landed.accepted} rows of {landed.read} landed", flush=True)
    for day in days():
        build_day(lake, day)
        curate_day(lake, day, config.curation)
    teams = config.dataset.teams.model_copy(update={"allowed": tuple(KINDS), "minimum_examples": 200})
    shares = config.dataset.fractions.model_copy(update={"train": 0.7, "validation": 0.2, "test": 0.1})
    return lake, config.model_copy(
        update={"dataset": config.dataset.model_copy(update={"teams": teams, "fractions": shares})}
    )


def dataset(lake: Any, config: Any, segment: str) -> Path:
    """The folder of a segment's dataset version."""
    from outcome import END

    from lyo_pipelines.dataset.build import build_dataset

    version = build_dataset(lake, segment, config.dataset, config.curation, now=END)
    print(f"{segment}: {version.manifest.counts}", flush=True)
    return Path(lake.local(version.path))


def run(*command: object) -> None:
    done = subprocess.run([sys.executable, "-m", *map(str, command)], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{command[0]}\n{done.stdout[-1500:]}\n{done.stderr[-3000:]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--train", action="store_true", help="train the adapters of one team and of its parent, too")
    parser.add_argument("--team", choices=KINDS, default="relevance")
    parser.add_argument("--tokens", type=int, default=15_000)
    parser.add_argument("--models", type=Path, default=Path(__file__).parents[1] / "data" / "models")
    options = parser.parse_args()
    told: dict[str, Any] = {}
    for name, said in (("MathDial, by what is hard", teacher_turns), ("OATutor, by course", course_hints)):
        told[name] = how_far_apart(said(options.data))
        print(name, told[name], flush=True)
    if options.train:
        with tempfile.TemporaryDirectory() as work:
            told["adapters"] = trained(options, Path(work))
        print(told["adapters"])
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(told, indent=2) + "\n")


if __name__ == "__main__":
    main()
