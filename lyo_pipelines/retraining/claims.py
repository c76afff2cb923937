"""Claims: who launches what, so that each cause is launched once whatever crashes and however many sensors see it at a time.

A claim is a file that can be made only once (`lake/decisions/launches/<cause hash>-<attempt>-<generation>.json`). It comes before the
launch; when no run is ever seen for it, the sensor that made it claims again (the next generation) with the same run key, which
Dagster launches at most once. Deciding belongs to decide.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from lyo_pipelines.json_types import JsonObject
from lyo_pipelines.retraining.decide import RetrainingDecision
from lyo_pipelines.retraining.history import Launch
from lyo_pipelines.storage.damage import DamagedFileError
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.small_files import is_hidden, read_object

OTHERS_WAIT = timedelta(hours=25)
"""Another sensor takes over a claim without a run only after this: Dagster resumes an interrupted tick for up to 24 hours."""
TOLERANCE = timedelta(minutes=10)
"""Clocks of machines that are kept in time differ by far less."""


_NAME = re.compile(r"(.+)-(\d{1,9})-(\d{1,9})\.json")
"""Launch, attempt and generation."""


@dataclass(frozen=True)
class Claim:
    """One launch that a sensor has taken on itself; `run_id` once its run was seen. `segment`: "" where its file is damaged."""

    launch: str
    attempt: int
    generation: int
    segment: str
    causes: tuple[str, ...]
    kinds: tuple[str, ...]
    says: str
    by: str
    at: datetime
    run_id: str = ""

    @property
    def name(self) -> str:
        """File name without its ending; generations of one attempt share what stands before."""
        return f"{self.launch}-{self.attempt}-{self.generation}"


def read_claims(lake: Lake, troubles: dict[str, str] | None = None) -> list[Claim]:
    """The newest generation of every claim, oldest first.

    One that cannot be read still holds its launch (its name says which), as long as another sensor's would. troubles: is told, by
    file, what cannot be read or does not belong there.
    """
    troubles = {} if troubles is None else troubles
    newest: dict[tuple[str, int], Claim] = {}
    for name in lake.names(_folder(lake)):
        if is_hidden(name):
            continue
        path = f"{_folder(lake)}/{name}"
        named = _NAME.fullmatch(name)
        if named is None:
            troubles[path] = f"{path} is no claim: move it elsewhere."
            continue
        try:
            claim = _claim(read_object(lake, path))
        except FileNotFoundError:  # taken back since it was listed
            continue
        except (DamagedFileError, ValueError, KeyError, TypeError) as error:
            try:
                at = _written_at(lake, path)
            except FileNotFoundError:
                continue
            says = (
                error.message
                if isinstance(error, DamagedFileError)
                else f"{path} is damaged: {type(error).__name__}: {error}"
            )
            until = f"{at + OTHERS_WAIT:%Y-%m-%d %H:%M} UTC"
            troubles[path] = (
                f"{says}. What it launched is not launched again before {until}; restore it or move it elsewhere."
            )
            launch, attempt, generation = named.groups()
            claim = Claim(launch, int(attempt), int(generation), "", (), (), "", "", at)
        key = claim.launch, claim.attempt
        if key not in newest or newest[key].generation < claim.generation:
            newest[key] = claim
    return sorted(newest.values(), key=_age)


def _claim(told: JsonObject) -> Claim:
    """A claim as its file tells it; what a later version of this project added is left out."""
    values: dict[str, Any] = {one.name: told[one.name] for one in fields(Claim) if one.name in told}
    at = datetime.fromisoformat(values["at"])
    if at.tzinfo is None or not all(isinstance(values[name], str) for name in ("launch", "segment", "by")):
        raise ValueError("a time without a zone, or a name that is no text")
    lists = {name: tuple(map(str, values[name])) for name in ("causes", "kinds")}
    return Claim(
        **{**values, **lists, "at": at, "attempt": int(values["attempt"]), "generation": int(values["generation"])}
    )


def _written_at(lake: Lake, path: str) -> datetime:
    """When a file was written, by the file system's clock."""
    at: datetime = lake.fs.modified(path)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def make_claim(
    lake: Lake, decision: RetrainingDecision, *, by: str, now: datetime, budget: int, seconds: float
) -> Claim | None:
    """Claim a decision that fires; None when another has it, or when the weekly budget filled up meanwhile."""
    mine = Claim(
        launch=decision.cause_hash, attempt=decision.attempt, generation=0, segment=decision.segment, causes=decision.causes,
        kinds=decision.kinds, says=decision.says, by=by, at=now,
    )  # fmt: skip
    claims = read_claims(lake)
    found = next((claim for claim in claims if (claim.launch, claim.attempt) == (mine.launch, mine.attempt)), None)
    if found is not None:
        if found.run_id or not is_free(found, by=by, now=now, seconds=seconds):
            return None
        mine = replace(mine, generation=found.generation + 1)
    if not lake.create_text(_text(mine), _path(lake, mine)):
        return None
    # counted again with the own claim in place. Another sensor may have counted before this claim was there, so whoever sees
    # too many steps back, even if both do: the budget holds, and the next tick tries again
    recent = [claim for claim in read_claims(lake) if claim.attempt == 1 and now - timedelta(days=7) < claim.at]
    if mine.attempt == 1 and len(recent) > budget:
        lake.fs.rm(_path(lake, mine))
        return None
    return mine


def is_free(claim: Claim, *, by: str, now: datetime, seconds: float) -> bool:
    """Whether a claim of which no run was seen may be claimed again by this sensor.

    One from the future was made by a clock that was wrong, so nobody can tell its age: its own sensor claims it again, with the same
    run key, or it would hold its segment until that day.
    """
    if claim.at > now + TOLERANCE:
        return claim.by == by
    return now - claim.at >= (timedelta(seconds=seconds) if claim.by == by else OTHERS_WAIT)


def launches_of_claims(
    lake: Lake, claims: Iterable[Claim], runs: Sequence[Launch], *, by: str, now: datetime, seconds: float
) -> list[Launch]:
    """What was launched, newest first: the runs that carry a launch's tags, and claims whose run is not seen (yet).

    A claim whose run was seen once and is gone (its record was deleted) counts as done; one that `by` may claim again does not count.
    """
    # a run that a person executed again carries the same tags: the newest one counts
    of_run = {(run.launch, run.attempt): run for run in sorted(runs, key=lambda run: run.at) if run.launch}
    found = list(of_run.values())
    for claim in claims:
        run = of_run.get((claim.launch, claim.attempt))
        if run is not None:
            if not claim.run_id and claim.segment:
                lake.write_text(_text(replace(claim, run_id=run.run_id)), _path(lake, claim))
            continue
        if not claim.run_id and is_free(claim, by=by, now=now, seconds=seconds):
            continue
        status = "succeeded" if claim.run_id else "running"
        found.append(
            Launch(
                claim.launch, claim.attempt, claim.segment, claim.at, status, claim.causes, claim.kinds, claim.run_id
            )
        )
    return sorted(found, key=lambda launch: launch.at, reverse=True)


def _age(claim: Claim) -> tuple[datetime, str]:
    return claim.at, claim.name


def _folder(lake: Lake) -> str:
    return lake.path("decisions", "launches")


def _path(lake: Lake, claim: Claim) -> str:
    return f"{_folder(lake)}/{claim.name}.json"


def _text(claim: Claim) -> str:
    return json.dumps({**asdict(claim), "at": claim.at.isoformat()}, ensure_ascii=False, indent=2) + "\n"
