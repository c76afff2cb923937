"""What an exported model is asked before it is published: conversations of many shapes and languages, and texts of its own dataset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lyo_pipelines.training.engine.rendering import Message

_QUESTIONS = {
    "en": ("What is 15 percent of 240?", "Why does ice float on water?"),
    "hi": ("त्रिभुज के तीनों कोणों का योग कितना होता है?", "प्रकाश संश्लेषण क्या है?"),
    "ta": ("ஒரு முக்கோணத்தின் கோணங்களின் கூட்டுத்தொகை என்ன?", "ஒளிச்சேர்க்கை என்றால் என்ன?"),
    "bn": ("সংখ্যাটির অর্ধেক কত?",),
    "te": ("గుణకారం అంటే ఏమిటి?",),
    "mr": ("अपूर्णांक म्हणजे काय?",),
}
_SYSTEM = "You are a patient tutor. Explain in steps."
_PER_LANGUAGE = 2


@dataclass(frozen=True)
class Asked:
    """One conversation that ends with a question. answer: what was learnt after it, "" where there is none."""

    language: str
    turns: tuple[Message, ...]
    answer: str = ""


def asked_conversations(dataset: Path | None) -> list[Asked]:
    """Ours, of all shapes; and two of each language from a dataset version's validation split, where it is there."""
    shapes = []
    for language, questions in _QUESTIONS.items():
        first: Message = {"role": "user", "content": questions[0]}
        system: Message = {"role": "system", "content": _SYSTEM}
        history: list[Message] = [
            first, {"role": "assistant", "content": "3 x 4 = 12.\n\nSo: 12"}, {"role": "user", "content": questions[-1]},
        ]  # fmt: skip
        shapes += [Asked(language, (first,)), Asked(language, (system, first)), Asked(language, (system, *history))]
    return [*shapes, *(_of_dataset(dataset) if dataset else [])]


def _of_dataset(folder: Path) -> list[Asked]:
    import pyarrow.parquet as pq

    path = folder / "validation.parquet"
    if not path.is_file():
        return []
    there = pq.read_schema(path).names  # a version of before has no pictures
    wanted = [name for name in ("example_id", "language", "messages", "images") if name in there]
    read = pq.read_table(path, columns=wanted).to_pylist()
    rows = [row for row in read if not row.get("images")]  # what is exported reads text alone
    found: dict[str, list[Asked]] = {}
    for row in sorted(rows, key=lambda row: (len(str(row["messages"])), row["example_id"])):
        messages: Sequence[Message] = row["messages"]
        kept = found.setdefault(row["language"] or "", [])
        if len(messages) > 1 and messages[-1]["role"] == "assistant" and len(kept) < _PER_LANGUAGE:
            kept.append(Asked(row["language"] or "", tuple(messages[:-1]), messages[-1]["content"]))
    return [one for language in sorted(found) for one in found[language]]
