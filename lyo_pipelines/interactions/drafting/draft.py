"""A mapping as text, with its guesses marked and the columns that nobody asked for listed by their shape."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lyo_pipelines.interactions.drafting.guesses import Guess, guesses_of
from lyo_pipelines.interactions.drafting.shapes import Column, columns_of
from lyo_pipelines.interactions.fields.scrub import dump_json
from lyo_pipelines.interactions.formats.detect import detect_format, single_messages
from lyo_pipelines.interactions.formats.row_format import Row
from lyo_pipelines.personal import EMAIL

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_RESERVED = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}
_MISSING = {
    "occurred_at": "no column looks like a time",
    "question": "no column looks like a question, or a list of messages",
    "answer": "no column looks like an answer: without one a row is a question that the model failed to answer",
}
_WIDTH = 62


def draft_mapping(name: str, rows: Sequence[Row], subjects: Sequence[str] = ()) -> str:
    """The text of a first mapping for a file of this name with these first rows. subjects: the curriculum's names of them."""
    columns = columns_of(rows)
    guesses = guesses_of(columns, subjects)
    if single_messages(rows) is not None:
        guesses = [guess for guess in guesses if guess.field not in ("question", "answer")]
    used = [guess for guess in guesses if guess.used]
    fields = {guess.field for guess in used}
    lines = [
        f"# A first mapping for {_safe(name)}, from its first {len(rows):,} rows. Every `guess` is one: check it, then look with",
        "#   lyo ingest FILE --mapping THIS_FILE --dry-run",
        "# What the keys mean: data/mappings/example.yaml.",
        *_known_format(rows),
        "rows: interactions",
        "",
        "fields:" if used else "fields: {}",
    ]
    lines += [_line(guess, "  ") for guess in used]
    lines += [_line(guess, "  # ") for guess in guesses if not guess.used]
    proposed = {guess.field for guess in guesses}
    lines += [f"  # missing: {field}: {why}" for field, why in _MISSING.items() if field not in proposed]
    lines += ["", "constants:", *_constants(fields), *_metadata(columns, guesses)]
    return "\n".join(lines) + "\n"


def _known_format(rows: Sequence[Row]) -> list[str]:
    """A line that says that the rows need no mapping, where they are in a format that is known."""
    if (speaker := single_messages(rows)) is not None:
        return [
            f"# Each row seems to be one message (`{speaker}` says whose). No mapping puts question and answer together: write",
            "# rows with the whole conversation under `messages`, or with question and answer.",
        ]
    found = detect_format(rows)
    return [f"# They look like {found.format} ({found.why}), which is read without a mapping."] if found else []


def _constants(fields: set[str]) -> list[str]:
    lines = []
    if "task" not in fields:
        lines.append("  task: tutoring  # guess: a task of yours, see lyo_pipelines/tasks")
    if "language" not in fields:
        lines.append("  # language: en  # say it where all rows have one language and no column does")
    return lines if "task" not in fields else [*lines, "  {}"]


def _metadata(columns: Sequence[Column], guesses: Sequence[Guess]) -> list[str]:
    asked = {guess.column.path for guess in guesses}
    left = [column for column in columns if column.path not in asked]
    if not left:
        return []
    lines = [
        "",
        "# Columns that no field asks for. Those worth keeping go into the metadata:",
        "#   metadata: {name: column}",
    ]
    return lines + [f"#   {_scalar(_safe(column.path))}: {column.shape}" for column in left]


def _line(guess: Guess, indent: str) -> str:
    parts = [f"from: {_scalar(guess.column.path)}", *(f"{key}: {_flow(value)}" for key, value in guess.keys.items())]
    said = f"{guess.field}: {{{', '.join(parts)}}}" if guess.keys else f"{guess.field}: {_scalar(guess.column.path)}"
    return f"{indent}{said:<{_WIDTH}}  # guess: {guess.why}"


def _flow(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_scalar(str(key))}: {item}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(str, value))}]"
    text = str(value)
    return text if text.startswith('"') else _scalar(text)


def _scalar(text: str) -> str:
    """Text as YAML reads it again."""
    if _PLAIN.fullmatch(text) and text.lower() not in _RESERVED:
        return text
    if text.isprintable():
        return dump_json(text)
    letters = (dump_json(letter)[1:-1] if letter.isprintable() else f"\\U{ord(letter):08x}" for letter in text)
    return f'"{"".join(letters)}"'


def _safe(text: str) -> str:
    """Text for a comment or a name that is only shown."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text)
    return EMAIL.sub("…", shown)[:120]
