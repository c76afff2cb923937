"""Which answer of a trace a user saw: a rating of a trace, a session or a root span belongs to it.

Calls of tools, calls that were made after the answer (a title, a summary) and earlier steps are beside it. Of the calls of one trace
on one day, in their order, the answer is the last with a text that goes on with the talk: with earlier turns, or with the question of
the first (or with the question inside of it, where the first is a helper's template around that: it rewrites or sorts questions).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import orjson
import pyarrow as pa

from lyo_pipelines.storage.lake import Lake

_KEYS = ["interaction_key", "trace_key"]
_TOLD = ["occurred_at", "source_line", "question", "answer", "history"]
_LEAST_INSIDE = 8
"""Characters of a question that is looked for inside of another one: shorter ones stand anywhere by chance."""
_OF_CALLS = ("function", "arguments", "args", "functionCall", "input", "tool_use", "toolUse")


@dataclass(frozen=True)
class BesideTheAnswer:
    """Keys of interactions (sorted). of_trace: all but the answer of each trace. helpers: those that no user saw as an answer."""

    of_trace: np.ndarray
    helpers: np.ndarray


def beside_the_answer(lake: Lake, paths: list[str], keep: dict[str, np.ndarray]) -> BesideTheAnswer:
    """What is beside the answers of one day's traces. keep: as in duplicates.kept_copies."""
    keys, traces, files, rows = [], [], [], []
    for number, path in enumerate(paths):
        table = lake.read_table(path, columns=_KEYS)
        kept = keep.get(path, np.ones(len(table), bool)) & table["trace_key"].is_valid().to_numpy()
        here = np.flatnonzero(kept)
        some = table.take(pa.array(here))
        keys.append(some["interaction_key"].to_numpy().astype(np.uint64))
        traces.append(some["trace_key"].to_numpy().astype(np.uint64))
        files.append(np.full(len(here), number))
        rows.append(here)
    nothing = np.empty(0, np.uint64)
    if not keys:
        return BesideTheAnswer(nothing, nothing)
    key, trace, file, row = (np.concatenate(parts) for parts in (keys, traces, files, rows))
    unique, counts = np.unique(trace, return_counts=True)
    several = np.isin(trace, unique[counts > 1])
    of_trace: list[int] = []
    helpers: list[int] = []
    for calls in _by_trace(lake, paths, key[several], trace[several], file[several], row[several]):
        answer, others = _answer_of(calls)
        of_trace += [call.key for call in calls if call is not answer]
        helpers += [call.key for call in others]
    return BesideTheAnswer(np.unique(np.array(of_trace, np.uint64)), np.unique(np.array(helpers, np.uint64)))


@dataclass(frozen=True)
class _Call:
    key: int
    order: tuple[int, int, int]
    question: str
    answer: str | None
    goes_on: bool


def _by_trace(
    lake: Lake, paths: list[str], key: np.ndarray, trace: np.ndarray, file: np.ndarray, row: np.ndarray
) -> list[list[_Call]]:
    """The calls of each trace in their order."""
    found: dict[int, list[_Call]] = {}
    for number, path in enumerate(paths):
        here = np.flatnonzero(file == number)
        if not len(here):
            continue
        table = lake.read_table(path, columns=_TOLD).take(pa.array(row[here]))
        told = zip(key[here].tolist(), trace[here].tolist(), table.to_pylist(), strict=True)
        for one, of, item in told:
            at = int(item["occurred_at"].timestamp() * 1_000_000)
            order = (at, number, item["source_line"] or 0)
            call = _Call(one, order, item["question"], item["answer"], bool(item["history"]))
            found.setdefault(of, []).append(call)
    return [sorted(calls, key=lambda call: call.order) for calls in found.values()]


def _answer_of(calls: list[_Call]) -> tuple[_Call | None, list[_Call]]:
    """The call whose answer the user saw, and those that are no answers to anybody."""
    asked = _asked(calls)
    talk = [call for call in calls if call.goes_on or call.question == asked]
    spoken = [call for call in talk if call.answer and not is_call_of_tools(call.answer)]
    seen = {id(call) for call in spoken}
    helpers = [call for call in calls if id(call) not in seen]
    return (spoken[-1] if spoken else None), helpers


def _asked(calls: list[_Call]) -> str:
    """The question of the first call; where that is the template of a helper around what a later call was asked, the latter."""
    asked = calls[0].question
    for call in calls[1:]:
        if _LEAST_INSIDE <= len(call.question.strip()) < len(asked) and call.question.strip() in asked:
            asked = call.question
    return asked


def is_call_of_tools(text: str) -> bool:
    """Whether an answer is nothing but calls of tools, as they are kept: JSON objects with a function or its arguments."""
    if text[:1] not in "[{":
        return False
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    items = value if isinstance(value, list) else [value]
    return bool(items) and all(isinstance(item, dict) and any(name in item for name in _OF_CALLS) for item in items)
