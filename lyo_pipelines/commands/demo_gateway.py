"""The demo's loop: simulated students ask the gateway over real HTTP, some rate, and what they did comes back through the inbox.

The gateway is the one that `lyo gateway` starts, the answers are the adapter's and the base model's; only the students are made, and
their ratings are drawn without a look at the answer: they show the way, not the quality.
"""

from __future__ import annotations

import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from random import Random

import httpx
from rich.console import Console
from rich.table import Table

from lyo_pipelines.errors import LyoError
from lyo_pipelines.external_process.command import WORKING_DIRECTORY, module_command
from lyo_pipelines.sample.traffic import Traffic
from lyo_pipelines.storage.lake import Lake

STUDENTS = 60
"""Questions of one round; a tenth of the students are the canary's."""
ANSWER_TOKENS = 24
_TOGETHER = 8
_INVITED_RATE, _OTHERS_RATE = 0.6, 0.15
"""How many of those who were asked to rate do so, and of those who were not."""


@dataclass(frozen=True)
class Visit:
    """One question and what became of it. arm: of the release, if the student takes part; error: why there is no answer."""

    interaction: str
    arm: str
    version: str
    invited: bool
    rating: int | None
    error: str = ""


def ask_as_students(url: str, segment: str, day: date, *, students: int = STUDENTS, seed: int = 5) -> list[Visit]:
    """Ask the gateway at `url` the questions of simulated students, several at once, and rate some answers; in the order asked."""
    rows = Traffic(segment, users=students, seed=seed).day(day, lambda _: (None, None), questions=students)
    with httpx.Client(base_url=url, timeout=300) as client, ThreadPoolExecutor(_TOGETHER) as pool:
        return list(pool.map(lambda row: _visit(client, segment, row), rows))


def _visit(client: httpx.Client, segment: str, row: dict) -> Visit:
    answer = client.post(
        "/v1/chat/completions",
        json={
            "model": segment, "user": row["user_id"], "max_tokens": ANSWER_TOKENS,
            "messages": [{"role": "system", "content": row["system_prompt"]}, {"role": "user", "content": row["question"]}],
            "metadata": {"grade": str(row["grade"]), "conversation_id": row["conversation_id"]},
        },
    )  # fmt: skip
    told = answer.headers
    interaction, invited = told.get("x-lyo-interaction-id", ""), told.get("x-lyo-invite-rating") == "1"
    arm, version = told.get("x-lyo-experiment-arm", ""), told.get("x-lyo-adapter-version", "")
    if answer.is_error:
        return Visit(interaction, arm, version, invited, None, answer.text[:200])
    draw = Random(interaction)
    if draw.random() >= (_INVITED_RATE if invited else _OTHERS_RATE):
        return Visit(interaction, arm, version, invited, None)
    rating = draw.choice((3, 4, 4, 5, 5))
    client.post("/feedback", json={"interaction_id": interaction, "rating": rating}).raise_for_status()
    return Visit(interaction, arm, version, invited, rating)


@dataclass(frozen=True)
class CameBack:
    """What the lake holds of a round of visits: rows of raw_interactions, those with a rating, those that name their release."""

    rows: int
    rated: int
    released: int


def came_back(lake: Lake, day: date, visits: list[Visit]) -> CameBack:
    """Look for the visits among the interactions of a day (and of the day after: a round may go over midnight)."""
    asked = {visit.interaction for visit in visits}
    rows: list[dict] = []
    for found in lake.days("interactions"):
        if found >= day:
            columns = ["interaction_id", "rating", "release_id"]
            rows += lake.read_table(lake.interactions(found), columns).to_pylist()
    mine = [row for row in rows if row["interaction_id"] in asked]
    return CameBack(
        len(mine), sum(row["rating"] is not None for row in mine), sum(row["release_id"] is not None for row in mine)
    )


class GatewayDidNotStartError(LyoError):
    """`lyo gateway` ended before it listened; the message is what it said."""


@contextmanager
def running_gateway() -> Iterator[str]:
    """`lyo gateway` on any free port, as a process of its own; its address without /v1. At the end it is stopped in order, so that
    every row is in the inbox."""
    command = module_command("lyo_pipelines.cli", "gateway", options={"--port": 0})
    process = subprocess.Popen(
        command, cwd=WORKING_DIRECTORY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    said: list[str] = []
    try:
        for line in process.stdout:
            said.append(line)
            if line.startswith("http://"):
                break
        else:
            raise GatewayDidNotStartError(f"the gateway did not start: {''.join(said[-5:]).strip()}")
        yield line.strip().removesuffix("/v1")
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate()


def print_round(console: Console, visits: list[Visit], back: CameBack) -> None:
    """How many went each way, and how many came back."""
    table = Table(title="\nWho answered the simulated students", title_justify="left")
    for name in ("arm", "answered by", "questions", "invited to rate", "ratings", "failed"):
        table.add_column(name, justify="left" if name in ("arm", "answered by") else "right")
    ways = Counter((visit.arm, visit.version) for visit in visits)
    for (arm, version), count in sorted(ways.items(), key=lambda way: (-way[1], way[0])):
        there = [visit for visit in visits if (visit.arm, visit.version) == (arm, version)]
        table.add_row(
            arm or "in no release", version, str(count), str(sum(visit.invited for visit in there)),
            str(sum(visit.rating is not None for visit in there)), str(sum(bool(visit.error) for visit in there)),
        )  # fmt: skip
    console.print(table)
    console.print(
        f"Back through the inbox: {back.rows} of {len(visits)} questions stand in raw_interactions, {back.rated} of them rated,"
        f" {back.released} named as the release's.",
        highlight=False, soft_wrap=True,
    )  # fmt: skip
