"""Broken inputs for everything that reads what somebody else wrote: no crash, no hang, no memory without end.

    python benchmarks/fuzz_readers.py [--inputs 100000] [--seed 1] [--minutes 60] [--only jsonl,pdf]

In one process, input by input: a good file of each kind is changed (bytes flipped, cut, repeated, swapped, spliced with another, odd
values put in place of others, nested) and read as the product reads it: logs as JSON lines, JSON, CSV, Parquet, Arrow and packed;
feedback; mappings; documents as Markdown, text, HTML and PDF with their front matter and sidecars; requests to the gateway. An
exception that is none of the said ones counts as a crash, more than two seconds of processor time as a hang. Every input follows from
the seed and its number, so `--seed S --first N --inputs 1` reads it again.
"""

from __future__ import annotations

import argparse
import bz2
import gzip
import io
import json
import random
import resource
import signal
import sys
import time
import traceback
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lyo_pipelines.config.loading import load_config
from lyo_pipelines.documents.contract import DocumentMetadata, RejectedError, TextBlock
from lyo_pipelines.documents.metadata import read_sidecar
from lyo_pipelines.documents.read import read_document
from lyo_pipelines.errors import LyoError
from lyo_pipelines.interactions.conversion.blocks import Reading
from lyo_pipelines.interactions.conversion.converter import FileSpec
from lyo_pipelines.interactions.errors import MappingError, UnreadableFileError
from lyo_pipelines.interactions.fields.mapping_files import FoundMapping
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.interactions.reading.source_file import InputFile
from lyo_pipelines.serving.contract import RefusedError, parse_request, refuse_unknown
from lyo_pipelines_tests.documents.sample_documents import drawn_pdf

OUT = Path(__file__).parent / "out" / "fuzz_readers.json"
SECONDS = 2.0
"""Processor time of one input beyond which it counts as a hang."""
STOP = 30
"""Seconds after which an input is stopped."""
SAID = (LyoError, RejectedError, UnreadableFileError, MappingError, RefusedError)
CONFIG = load_config()
PSEUDONYMS = Pseudonyms("a key of a benchmark")
NOTHING = DocumentMetadata(), DocumentMetadata()
ODD = [
    b"null", b"NaN", b"-1", b"1e999", b"9" * 40, b'"\\ud800"', b"[]", b"{}", b"true", b'""', b"\xff\xfe", b"\x00", b"\xef\xbb\xbf",
    "क".encode(), b"'" * 200, b"[" * 300, b"{\"a\":" * 200, b"&a [*a]", b"<div>" * 300, b"=1+1", b"\r", b"\n\n", b"---\n", b"```",
]  # fmt: skip


class _File:
    """What InputFile asks of a file system, of one file in memory."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def open(self, _path: str, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._content)


class HangError(Exception):
    """An input was stopped."""


def row(n: int) -> dict[str, object]:
    """A canonical row."""
    return {
        "interaction_id": f"i{n}", "occurred_at": f"2026-11-{1 + n % 9:02d}T10:00:00Z", "task": "tutoring", "language": "en",
        "subject": "math", "question": f"What is {n} plus 2?", "answer": f"It is {n + 2}, as 2 more than {n}.", "rating": 5,
        "user_id": f"student-{n}", "metadata": {"app": "web", "tags": ["a", n]}, "history": [{"role": "user", "content": "hello"}],
    }  # fmt: skip


def good_files() -> dict[str, bytes]:
    """One good input of each kind, by the name that it has."""
    rows = [row(n) for n in range(6)]
    lines = b"".join(json.dumps(one).encode() + b"\n" for one in rows)
    flat = [{k: v for k, v in one.items() if k not in ("metadata", "history")} for one in rows]
    table = pa.table({name: [one[name] for one in flat] for name in flat[0]})
    parquet, arrow, zipped = io.BytesIO(), io.BytesIO(), io.BytesIO()
    pq.write_table(table, parquet)
    with pa.ipc.new_stream(arrow, table.schema) as writer:
        writer.write_table(table)
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("log.jsonl", lines)
    cells = "\n".join(",".join(f'"{value}"' for value in one.values()) for one in flat)
    chat = {"messages": [{"role": "user", "content": "What is 2 + 2?"}, {"role": "assistant", "content": "4"}]}
    feedback = {"interaction_id": "i1", "feedback_at": "2026-11-02T10:00:00Z", "rating": 2, "complaint_text": "no"}
    note = "# Light\n\nLight travels in straight lines. It is reflected by mirrors, and bent by lenses of glass.\n\n- one\n- two\n"
    front = f"---\ntitle: Light\nlicence: CC BY\ndate: 2026-11-01\nlanguage: en\n---\n{note}"
    page = f"<html><head><title>Light</title></head><body><h1>Light</h1><p>{note}</p><table><tr><td>1</td></tr></table></body></html>"
    return {
        "log.jsonl": lines,
        "log.json": json.dumps({"data": rows}, indent=1).encode(),
        "log.csv": (",".join(flat[0]) + "\n" + cells).encode(),
        "log.parquet": parquet.getvalue(),
        "log.arrow": arrow.getvalue(),
        "log.jsonl.gz": gzip.compress(lines),
        "log.jsonl.bz2": bz2.compress(lines),
        "log.zip": zipped.getvalue(),
        "chat.jsonl": json.dumps(chat).encode() + b"\n",
        "said.jsonl": json.dumps(feedback).encode() + b"\n",
        "flat.mapping.yaml": b"fields: {question: q, occurred_at: {from: t, time: '%Y'}}\nconstants: {task: tutoring, language: en}\n",
        "note.md": front.encode(),
        "note.txt": note.encode(),
        "note.html": page.encode(),
        "note.pdf": drawn_pdf([TextBlock("Light", 1), TextBlock(note)], pages=1),
        "side.meta.yaml": b"title: Light\nlicence: CC BY\ndate: 2026-11-01\n",
        "request.json": json.dumps({
            "model": "m", "messages": chat["messages"], "max_tokens": 5, "stop": ["a"], "seed": 1,
            "response_format": {"type": "text"}, "user": "u", "metadata": {"task": "quiz"}, "tool_choice": "none",
        }).encode(),
    }  # fmt: skip


def read_input(name: str, data: bytes) -> None:
    """Read an input as the product does."""
    if name == "request.json":
        refuse_unknown(parse_request(data), ())
    elif name.endswith(".mapping.yaml"):
        FoundMapping(name, data).parse()
    elif name.endswith(".meta.yaml"):
        read_sidecar(data.decode("utf-8", "replace"), name)
    elif name.startswith("note"):
        read_document(name, data, NOTHING, CONFIG.documents)
    else:
        source = InputFile(_File(data), name, name, len(data), None)
        spec = FileSpec("f" * 32, "auto", None, CONFIG.interactions, PSEUDONYMS, None, 0, 4_000_000_000_000_000)
        with Reading(source, spec) as reading:
            for block in reading.converted():
                if len(block.table) + len(block.rejected) != block.read:
                    raise AssertionError("a row is lost")


def changed(data: bytes, others: list[bytes], draw: random.Random) -> bytes:
    """The input with one to four changes."""
    for _ in range(draw.randint(1, 4)):
        data = draw.choice(_CHANGES)(data, others, draw)
    return data[: 1 << 16]  # a large file takes time linear in its rows, which is no hang


def _flip(data: bytes, _others: list[bytes], draw: random.Random) -> bytes:
    told = bytearray(data or b" ")
    for _ in range(draw.randint(1, 8)):
        told[draw.randrange(len(told))] ^= 1 << draw.randrange(8)
    return bytes(told)


def _cut(data: bytes, _others: list[bytes], draw: random.Random) -> bytes:
    start, end = sorted(draw.randrange(len(data) + 1) for _ in range(2))
    return draw.choice([data[:start], data[start:], data[:start] + data[end:], data[start:end]])


def _repeat(data: bytes, _others: list[bytes], draw: random.Random) -> bytes:
    start, end = sorted(draw.randrange(len(data) + 1) for _ in range(2))
    return data[:start] + data[start : min(end, start + 400)] * draw.choice([2, 3, 50, 500]) + data[start:]


def _odd(data: bytes, _others: list[bytes], draw: random.Random) -> bytes:
    start, end = sorted(draw.randrange(len(data) + 1) for _ in range(2))
    return data[:start] + draw.choice(ODD) + data[draw.choice([start, min(end, start + 12)]) :]


def _splice(data: bytes, others: list[bytes], draw: random.Random) -> bytes:
    other = draw.choice(others)
    return data[: draw.randrange(len(data) + 1)] + other[draw.randrange(len(other) + 1) :]


def _value(data: bytes, _others: list[bytes], draw: random.Random) -> bytes:
    """Something between two signs that stand around values, replaced."""
    places = [n for n, sign in enumerate(data) if sign in b',:"\n <>[{']
    if len(places) < 2:
        return data
    at = draw.randrange(len(places) - 1)
    return data[: places[at] + 1] + draw.choice(ODD) + data[places[at + 1] :]


_CHANGES: list[Callable[[bytes, list[bytes], random.Random], bytes]] = [
    _flip,
    _cut,
    _repeat,
    _odd,
    _splice,
    _value,
    _value,
]


def _stop(*_: object) -> None:
    raise HangError


def main() -> int:
    """Read them all and say what came of it."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--inputs", type=int, default=100_000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--first", type=int, default=0)
    options.add_argument("--minutes", type=float, default=60)
    options.add_argument("--only", default="", help="names of inputs, by a part of them, separated by commas")
    told = options.parse_args()
    good = good_files()
    names = [name for name in sorted(good) if not told.only or any(part in name for part in told.only.split(","))]
    outcomes, crashes, hangs = Counter[str](), list[str](), list[str]()
    slowest, began, read = (0.0, ""), time.monotonic(), 0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    signal.signal(signal.SIGALRM, _stop)
    print(f"seed {told.seed}, inputs {told.first} to {told.first + told.inputs - 1} of {len(names)} kinds")
    for number in range(told.first, told.first + told.inputs):
        if time.monotonic() - began > 60 * told.minutes:
            break
        draw = random.Random(f"{told.seed} {number}")
        name = names[number % len(names)]
        data = changed(good[name], list(good.values()), draw)
        at = time.process_time()
        signal.setitimer(signal.ITIMER_REAL, STOP)
        try:
            read_input(name, data)
            outcomes[f"{name}: read"] += 1
        except HangError:
            hangs.append(f"{number} {name}: stopped after {STOP} s")
        except SAID:
            outcomes[f"{name}: refused"] += 1
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            crashes.append(
                f"{number} {name}: {type(error).__name__} in {Path(where.filename).name}:{where.lineno}: {error!s:.120}"
            )
            outcomes[f"{name}: crash"] += 1
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        took, read = time.process_time() - at, read + 1
        if took > SECONDS:
            hangs.append(f"{number} {name}: {took:.1f} s of processor time")
        slowest = max(slowest, (took, f"{number} {name}"))
        if read % 5_000 == 0:
            print(
                f"  {read:,} read, {len(crashes)} crashes, {len(hangs)} hangs, {time.monotonic() - began:.0f} s",
                flush=True,
            )
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    result = {
        "seed": told.seed, "inputs": read, "outcomes": dict(sorted(outcomes.items())), "crashes": crashes, "hangs": hangs,
        "slowest_seconds": round(slowest[0], 3), "slowest": slowest[1], "memory_grown_mb": round(grown),
    }  # fmt: skip
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))
    return 1 if crashes or hangs else 0


if __name__ == "__main__":
    sys.exit(main())
