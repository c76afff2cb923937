"""`lyo retrieval`: hit@k and MRR of document sets on their own questions, what the match refuses, and what was logged with answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from statistics import fmean

from rich.console import Console
from rich.table import Table

from lyo_pipelines.commands.output import print_json
from lyo_pipelines.config.loading import load_config
from lyo_pipelines.config.settings import Settings
from lyo_pipelines.documents.contract import TASK, DocumentSetError
from lyo_pipelines.documents.files import set_name
from lyo_pipelines.documents.retrieval.measure import (
    RefusalFigures,
    RetrievalFigures,
    calibrate_refusal,
    measure_retrieval,
    own_questions,
    refusal_at,
)
from lyo_pipelines.documents.retrieval.shelf import passages_of
from lyo_pipelines.retraining.curriculum import load_curriculum
from lyo_pipelines.storage.lake import Lake

_PAIR = "#q"


@dataclass(frozen=True)
class SetRetrieval:
    """Of one set. now: what the configured match refuses; best: what would err least (None: too few questions to say)."""

    name: str
    passages: int
    found: RetrievalFigures
    now: RefusalFigures
    best: RefusalFigures | None


@dataclass
class LoggedRetrieval:
    """What the gateway logged. matches: of answers by how they were rated ("unrated" too); refused: questions that nothing fitted."""

    answers: int = 0
    refused: int = 0
    matches: dict[str, list[float]] = field(default_factory=dict)

    def told(self) -> dict[str, object]:
        """Counts, and the mean match of the best passage by rating."""
        mean = {
            rating: {"n": len(of), "mean_match": round(fmean(of), 3)} for rating, of in sorted(self.matches.items())
        }
        return {"answers": self.answers, "refused": self.refused, "by_rating": mean}


def show_retrieval(console: Console, wanted: str | None, *, as_json: bool) -> None:
    """Measure and print. Raises DocumentSetError where there is no such set."""
    settings = Settings.from_env()
    lake, border = Lake(settings.data_dir), load_config(settings.config_path).gateway.sources.minimum_match
    sets = lake.document_sets()
    if wanted is not None and set_name(wanted) not in sets:
        known = ", ".join(sets) or "none yet"
        raise DocumentSetError(
            f"there is no document set {wanted}. Known: {known}.", hint="`lyo documents PATH --set NAME` adds one."
        )
    names = sets if wanted is None else [set_name(wanted)]
    found = [_measured(lake, name, sets, border) for name in names]
    logged = logged_retrieval(lake)
    if as_json:
        print_json(console, {"sets": [asdict(one) for one in found], "logged": logged.told()})
        return
    _print(console, found, border)
    console.print(
        f"Logged with sources: {logged.answers:,} answers, {logged.refused:,} questions refused"
        + "".join(
            f"; rated {rating}: match {fmean(of):.2f} (n {len(of)})" for rating, of in sorted(logged.matches.items())
        ),
        highlight=False,
    )


def _measured(lake: Lake, name: str, sets: list[str], border: float) -> SetRetrieval:
    passages = passages_of(lake, name, load_curriculum(lake).validity, datetime.now(UTC).date())
    asked, index = own_questions(passages, list(_pairs(lake, name)))
    mine = [one.question for one in asked]
    foreign = [question for other in sets if other != name for _, question, _ in _pairs(lake, other)]
    return SetRetrieval(
        name,
        len(passages),
        measure_retrieval(index, asked),
        refusal_at(index, mine, foreign, border),
        calibrate_refusal(index, mine, foreign),
    )


def _pairs(lake: Lake, name: str) -> Iterator[tuple[str, str, str]]:
    """(document, question, answer) of the pairs that the documents of a set hold."""
    table = lake.read_table(lake.documents(name), ["interaction_id", "conversation_id", "question", "answer"])
    for row in table.to_pylist():
        if _PAIR in row["interaction_id"]:
            yield row["conversation_id"], row["question"], row["answer"]


def logged_retrieval(lake: Lake) -> LoggedRetrieval:
    """What the interactions of all days say of their sources."""
    logged = LoggedRetrieval()
    for day in lake.days("interactions"):
        table = lake.read_table(lake.interactions(day), ["task", "metadata", "rating"])
        for row in table.to_pylist():
            if row["task"] != TASK or not row["metadata"] or '"sources"' not in row["metadata"]:
                continue
            told = json.loads(row["metadata"])
            sources = told.get("sources")
            sources = json.loads(sources) if isinstance(sources, str) else sources
            if not sources:
                logged.refused += 1
                continue
            logged.answers += 1
            rating = "unrated" if row["rating"] is None else f"{row['rating']:.0f}"
            logged.matches.setdefault(rating, []).append(max(float(one["match"]) for one in sources))
    return logged


def _print(console: Console, found: list[SetRetrieval], border: float) -> None:
    head = ("set", "passages", "questions", "hit@1", "hit@3", "hit@5", "MRR", f"at {border:g}: refused", "let through")
    table = Table(*head, "errs least at")
    for one in found:
        figures = [*one.found.hits.values(), one.found.mrr]
        shown = [f"{share:.2f}" if one.found.n else "–" for share in figures]
        refused = f"{one.now.refused:.0%} of {one.now.n}" if one.now.n else "–"
        through = f"{one.now.let_through:.0%} of {one.now.n_foreign}" if one.now.n_foreign else "–"
        table.add_row(one.name, f"{one.passages:,}", f"{one.found.n:,}", *shown, refused, through, _best(one.best))
    console.print(table)
    console.print(
        "Questions are those that the documents answer themselves; their own words are taken out of the passages first. Let through: "
        "questions of other sets, which nothing in this one answers.",
        highlight=False,
    )


def _best(best: RefusalFigures | None) -> str:
    if best is None:
        return "too few questions"
    return f"{best.threshold:.2f} ({best.refused:.0%} refused, {best.let_through:.0%} let through)"
