"""Logs with people planted in every field, and a scan of bytes that finds whoever was left."""

from __future__ import annotations

import json
import re
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

_SIGN = re.compile(
    r"zqvx[a-z0-9.\-]*|(?<![0-9a-z])(?:\+?91)?984\d{7}(?![0-9a-z])|(?<![0-9a-z.])771\d{4}(?![0-9a-z])|203\.0\.113\.\d+",
    re.IGNORECASE,
)
"""What all that is planted begins with: logins and addresses, telephone numbers, student numbers (seven digits that are no fraction of
a second), network addresses."""


def person(number: int) -> str:
    """A raw user id: a login of letters, one with digits, an address, a telephone number, a student number."""
    letters = "".join(string.ascii_lowercase[int(digit)] for digit in f"{number:05d}")
    address, phone = f"Zqvx.{letters}@school.example", f"+91984{number:07d}"
    return [f"zqvx{letters}", f"zqvx.{letters}-{number}", address, phone, f"771{number:04d}"][number % 5]


def planted_row(number: int, at: str) -> dict[str, Any]:
    """An interaction with its user in every field that may hold one; in what people write where landing can tell an id from a word."""
    who, phone, mail = person(number), f"984{number:07d}", f"zqvx{number}@home.example"
    said = f" I am {who}." if number % 5 in (1, 2, 3) else ""
    row = {
        "interaction_id": [f"{who}-{number}", f"wa:{phone}", who, f"{number}/{mail}"][number % 4],
        "occurred_at": at,
        "task": "tutoring",
        "language": "en",
        "user_id": who,
        "conversation_id": [f"{who}:{at[:10]}:1", f"tel {phone}", f"chat-{who}"][number % 3],
        "question_id": f"{who}-q{number % 7}",
        "trace_id": f"trace {phone}",
        "subject": ["math", f"ask {phone}", mail, "physics"][number % 4],
        "topic": [None, mail, f"call {phone}"][number % 3],
        "team": [mail, None][number % 2],
        "grade": ["9", phone][number % 2],
        "model": f"tutor {mail}",
        "question": f"A shop sells {number} mangoes and then twice as many. How many in all?{said}",
        "answer": f"First {number}, then {2 * number}. Together that is {3 * number}.{said}",
        "history": [{"role": "user", "content": f"Hello.{said}"}],
        "system_prompt": f"You teach.{said}",
        "complaint_category": mail,
        "complaint_text": f"No.{said}",
        "rating": 5,
        "error": None,
        "metadata": _metadata(number, who, phone, mail),
        f"field_of_{mail}": who,
    }
    if number % 10 == 9:
        row |= {"occurred_at": "never", "question": f"I am Zqvx{number} Patil, {phone}, {mail}"}
    return row


def _metadata(number: int, who: str, phone: str, mail: str) -> dict[str, Any]:
    return {
        "app": f"web of {mail} ({phone})",
        "full_name": f"Zqvx{number} Patil",
        "guardian": {"contact": int(phone)},
        "ip": "203.0.113.9",
        "note": f"asked by {who}",
        "ids": [who, {"deep": who.upper()}],
        who: 1,
        mail: {phone: mail},
        "raw": json.dumps({"who": who}),
    }


def planted_feedback(number: int, at: str) -> dict[str, Any]:
    """A late rating that quotes the raw id of the interaction."""
    row = planted_row(number, at)
    said = {name: row[name] for name in ("interaction_id", "user_id")}
    return {**said, "rating": 4, "feedback_at": at, "complaint_category": row["user_id"]}


def left_over(*folders: Path) -> Iterator[tuple[str, str]]:
    """(file, what was found) of everything planted in names and bytes below the folders; Parquet is unpacked."""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            text = str(path.relative_to(folder))
            if path.suffix == ".parquet":
                table = pq.ParquetFile(path).read()
                text += str(table.schema.metadata) + json.dumps(table.to_pylist(), default=str, ensure_ascii=False)
            elif path.is_file():
                text += path.read_bytes().decode("utf-8", "replace")
            for found in _SIGN.findall(text):
                yield str(path.relative_to(folder)), found
