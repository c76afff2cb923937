"""Registered benchmarks: files in <data>/benchmarks that must never leak into a dataset. Searching belongs to benchmark_overlap.py.

A file dropped there is registered. An optional benchmarks.yaml says more about some of them:

    benchmarks:
      - file: gsm8k_test.jsonl
        name: gsm8k_test          # default: the file's name without its ending
        question: question        # field names; found by themselves where they have a usual name
        answer: answer
        id: id
        on_overlap: exclude       # or block (default): refuse the dataset until somebody decides
"""

from __future__ import annotations

import csv
import io
from pathlib import PurePosixPath
from typing import Literal

import orjson
import pyarrow as pa
import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from lyo_pipelines.bounded_yaml import read_bounded_yaml
from lyo_pipelines.dataset.errors import BenchmarkError
from lyo_pipelines.interactions.hidden_ids import hide_ids
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.json_types import RawRow
from lyo_pipelines.storage.lake import Lake

ENDINGS = (".jsonl", ".ndjson", ".json", ".csv", ".tsv")
QUESTION_FIELDS = ("question", "prompt", "problem", "query", "input", "instruction", "text")
ANSWER_FIELDS = ("answer", "solution", "output", "target", "completion", "response")
ID_FIELDS = ("id", "question_id", "qid", "problem_id", "task_id", "uid")
REGISTER = "benchmarks.yaml"
SPECIFIC_ID = 6
"""Characters from which a source id counts by itself; a shorter one counts as `<benchmark name>:<id>` only."""


class Registration(BaseModel):
    """One entry of benchmarks.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str
    name: str | None = None
    question: str | None = None
    answer: str | None = None
    id: str | None = None
    on_overlap: Literal["block", "exclude"] = "block"


class Benchmark(BaseModel):
    """One benchmark in memory; `table` has the string columns id (null where the source has none), question, answer.

    hidden_ids: forms in which the lake may hold the id of an item as a question id, one array each; null where there is none.
    """

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    name: str
    file: str
    on_overlap: Literal["block", "exclude"]
    table: pa.Table
    hidden_ids: tuple[pa.Array, ...] = ()


def registered_benchmarks(lake: Lake, pseudonyms: Pseudonyms | None = None) -> list[Benchmark]:
    """Read every registered benchmark, sorted by name. pseudonyms: of the lake, whose question ids are hashed by them.

    Raises BenchmarkError when benchmarks.yaml or a file cannot be used: a benchmark that is skipped in silence protects nobody.
    """
    folder = lake.side("benchmarks")
    names = [name for name in lake.names(folder) if name.endswith(ENDINGS) and not name.startswith(".")]
    entries = _register(lake, folder)
    missing = sorted(set(entries) - set(names))
    if missing:
        raise BenchmarkError(
            f"{folder}/{REGISTER} names {', '.join(missing)}, which is not there. Put the file there or remove its entry."
        )
    found = [
        _read(lake, f"{folder}/{name}", entries.get(name) or Registration(file=name), pseudonyms) for name in names
    ]
    by_name = {benchmark.name for benchmark in found}
    if len(by_name) < len(found):
        raise BenchmarkError(f"{folder}: two benchmarks have the same name; give them different ones in {REGISTER}.")
    return sorted(found, key=lambda benchmark: benchmark.name)


def _register(lake: Lake, folder: str) -> dict[str, Registration]:
    path = f"{folder}/{REGISTER}"
    if not lake.exists(path):
        return {}
    try:
        content = read_bounded_yaml(lake.read_text(path)) or {}
        entries = [Registration.model_validate(entry) for entry in content.get("benchmarks") or []]
    except (yaml.YAMLError, ValidationError, AttributeError, TypeError, UnicodeDecodeError) as error:
        raise BenchmarkError(f"{path} does not fit: {error}. Its shape stands in {folder}/README.md.") from error
    return {entry.file: entry for entry in entries}


def _read(lake: Lake, path: str, entry: Registration, pseudonyms: Pseudonyms | None) -> Benchmark:
    try:
        rows = _rows(lake.read_text(path), PurePosixPath(path).suffix)
    except (ValueError, csv.Error) as error:
        raise BenchmarkError(f"{path} cannot be read: {error}. Mend the file or move it out of the folder.") from error
    fields = list(dict.fromkeys(key for row in rows for key in row))
    question = _field(entry.question, QUESTION_FIELDS, fields)
    if question is None:
        raise BenchmarkError(
            f"{path}: no question field among {', '.join(map(str, fields)) or 'no fields'}. Name it in {REGISTER} (question: …)."
        )
    answer, identifier = _field(entry.answer, ANSWER_FIELDS, fields), _field(entry.id, ID_FIELDS, fields)
    for wanted in (entry.question, entry.answer, entry.id):
        if wanted is not None and wanted not in fields:
            raise BenchmarkError(f"{path}: {REGISTER} names the field {wanted!r}; the file has {', '.join(fields)}.")
    rows = [row for row in rows if str(row.get(question) or "").strip()]
    columns = {
        name: pa.array(
            [None if field is None or row.get(field) is None else str(row[field]) for row in rows], pa.string()
        )
        for name, field in (("id", identifier), ("question", question), ("answer", answer))
    }
    name = entry.name or PurePosixPath(path).stem
    hidden = () if pseudonyms is None else _hidden(columns["id"], name, pseudonyms)
    file = PurePosixPath(path).name
    return Benchmark(name=name, file=file, on_overlap=entry.on_overlap, table=pa.table(columns), hidden_ids=hidden)


def _hidden(ids: pa.Array, name: str, pseudonyms: Pseudonyms) -> tuple[pa.Array, ...]:
    """The ids that can only mean an item, and `<benchmark name>:<id>`, as the lake keeps question ids."""
    told = ids.to_pylist()
    named = [None if one is None else f"{name}:{one}" for one in told]
    forms = (pa.array(form, pa.string()) for form in ([specific_id(one) for one in told], named))
    return tuple(hide_ids(form, "question_id", pseudonyms) for form in forms)


def specific_id(identifier: str | None) -> str | None:
    """An id that can only mean this item: short ones ("17", "q3") are everybody's."""
    return identifier if identifier is not None and len(identifier) >= SPECIFIC_ID else None


def _field(named: str | None, usual: tuple[str, ...], fields: list[str]) -> str | None:
    if named is not None:
        return named
    lower = {str(field).lower(): field for field in fields}
    return next((lower[name] for name in usual if name in lower), None)


def _rows(text: str, ending: str) -> list[RawRow]:
    text = text.removeprefix("\ufeff")
    if ending in {".jsonl", ".ndjson"}:
        rows = [orjson.loads(line) for line in text.splitlines() if line.strip()]
    elif ending == ".json":
        rows = orjson.loads(text)
        if isinstance(rows, dict):  # {"data": [...]} and the like
            rows = next((value for value in rows.values() if isinstance(value, list)), [])
    else:
        rows = _separated(text, "\t" if ending == ".tsv" else ",")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError("expected one object per item")
    return rows


def _separated(text: str, delimiter: str) -> list[RawRow]:
    """Read CSV or TSV; a first line without any usual field name is data (question, answer), as in MGSM."""
    quoting = csv.QUOTE_NONE if delimiter == "\t" else csv.QUOTE_MINIMAL
    lines = [line for line in csv.reader(io.StringIO(text), delimiter=delimiter, quoting=quoting) if any(line)]
    if not lines:
        return []
    usual = {*QUESTION_FIELDS, *ANSWER_FIELDS, *ID_FIELDS}
    if any(cell.strip().lower() in usual for cell in lines[0]):
        return [dict(zip(lines[0], line, strict=False)) for line in lines[1:]]
    names = ("question", "answer", *(f"field_{n}" for n in range(3, 99)))
    return [dict(zip(names, line, strict=False)) for line in lines]
