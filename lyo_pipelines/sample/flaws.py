"""Flaws planted on purpose, each labelled, so that tests and figures can say what was planted and what was found.

A flaw changes one finished row (never an earlier turn, so that no history carries it on) and returns its label: the kinds that
were planted and their details (the personal value and its fields, the declared and the written language, the slip, …). A kind is
the name of its function; `pii_<type>` for personal data; a cultural slip that drew a complaint has both. Copies of whole rows
(near_duplicate, exact_duplicate) stand in duplicates.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from pydantic import JsonValue

from lyo_pipelines.json_types import JsonObject
from lyo_pipelines.sample.conversations import Turn
from lyo_pipelines.sample.identifiers import MAKERS, person
from lyo_pipelines.sample.lesson import kinds_for, make_lesson, wrong_result
from lyo_pipelines.sample.people import Chances, Student
from lyo_pipelines.sample.phrase import pick
from lyo_pipelines.sample.problems import KINDS
from lyo_pipelines.sample.rows import Row, rate
from lyo_pipelines.sample.voice import Voice

_WINDOWS_1252 = [
    bytes([byte]).decode("cp1252" if byte not in b"\x81\x8d\x8f\x90\x9d" else "latin-1") for byte in range(256)
]
"""How a browser reads each byte: the five that Windows-1252 leaves open become control characters."""

Label = tuple[list[str], JsonObject]


@dataclass(frozen=True, slots=True)
class FlawCase:
    """A row that is about to be spoilt, with what it was made from."""

    rng: Random
    row: Row
    turn: Turn
    student: Student
    voices: dict[str, Voice]

    def first_line(self, line: str) -> str:
        """The answer with another first line."""
        return "\n".join((line, *self.row["answer"].split("\n")[1:]))

    def say(self, lines: Any, **slots: str) -> str:
        """Say one of several phrases in the row's language."""
        return self.turn.lesson.say(self.rng, lines, **slots)


def private_data(case: FlawCase) -> Label:
    """Personal data in the question; a name sometimes comes back in the answer."""
    rng, row, voice = case.rng, case.row, case.turn.lesson.voice
    kind = pick(rng, ("name", *voice.private)) if rng.random() < 0.85 else "name"
    value = person(rng, voice.words) if kind == "name" else MAKERS[kind](rng)
    sentence = case.say(voice.private[kind], value=value, grade=row["grade"])
    gap = "\n\n" if "code" in case.turn.lesson.values else " "
    row["question"] = gap.join((sentence, row["question"]) if rng.random() < 0.5 else (row["question"], sentence))
    fields: list[JsonValue] = ["question"]
    if kind == "name" and rng.random() < 0.5:
        row["answer"] = case.first_line(f"{case.say(voice.greetings, person=value)} {row['answer'].split(chr(10))[0]}")
        fields.append("answer")
    rate(rng, row, case.student)
    return [f"pii_{kind}"], {"value": value, "fields": fields}


def wrong_language(case: FlawCase) -> Label:
    """Question and answer, or the answer alone, in another language than the declared one."""
    rng, row, lesson = case.rng, case.row, case.turn.lesson
    other = case.voices[pick(rng, [code for code in ("en", "hi", "ta") if code[:2] != lesson.voice.language[:2]])]
    kind = (
        lesson.kind
        if lesson.kind.name in other.wordings
        else pick(rng, kinds_for(other, KINDS[lesson.kind.name].subject, case.student.grade))
    )
    spoken = make_lesson(rng, other, kind)
    both = rng.random() < 0.6
    if both:
        row["question"], row["reference_answer"] = spoken.body, spoken.result
    row["answer"] = spoken.answer(spoken.say(rng, other.warm))
    rate(rng, row, case.student, is_bad=not both)
    return ["wrong_language"], {
        "declared": row["language"],
        "written": other.language,
        "fields": ["question", "answer"] if both else ["answer"],
    }


def romanised(case: FlawCase) -> Label:
    """Hindi in Latin letters that the application calls "hi"."""
    rate(case.rng, case.row, case.student)
    case.row["language"] = "hi"
    return ["romanised"], {"declared": "hi", "written": "hi_latn"}


def truncated(case: FlawCase) -> Label:
    """The answer stops in the middle of a sentence."""
    rng, row = case.rng, case.row
    at = int(len(row["answer"]) * (0.4 + 0.35 * rng.random()))
    row["answer"] = row["answer"][:at].rstrip(" \n.:।=+×÷−,") or row["answer"][:at]
    by_length = rng.random() < 0.6
    row["finish_reason"] = "length" if by_length else "stop"
    rate(rng, row, case.student, is_bad=rng.random() < 0.5)
    return ["truncated"], {"finish_reason": row["finish_reason"]}


def error(case: FlawCase) -> Label:
    """The service failed: an error and no answer."""
    rng, row = case.rng, case.row
    row["answer"], row["finish_reason"], row["relevance_score"] = None, "error", None
    row["error"] = pick(rng, ("timeout after 30 s", "upstream 503", "context length exceeded", "rate limited"))
    row["retries"] = int(rng.random() * 3)
    row["response_time_ms"], row["time_to_first_token_ms"] = 30_000.0, None
    return ["error"], {"error": row["error"]}


def low_rating(case: FlawCase) -> Label:
    """A wrong result or a rude tutor, and a student who says so with 1 or 2."""
    rng, row, lesson = case.rng, case.row, case.turn.lesson
    details: JsonObject = {}
    if rng.random() < 0.7 and case.turn.checked:
        wrong = wrong_result(rng, lesson.result)
        row["answer"] = row["answer"].removesuffix(lesson.result) + wrong
        details = {"cause": "wrong_result", "wrong": wrong, "right": lesson.result}
    else:
        row["answer"] = case.first_line(case.say(lesson.voice.rude))
        details = {"cause": "rude"}
    row["rating"] = 1 if rng.random() < 0.6 else 2
    return ["low_rating"], details


def refusal(case: FlawCase) -> Label:
    """The tutor declines a harmless exercise."""
    case.row["answer"] = case.say(case.turn.lesson.voice.refusals)
    rate(case.rng, case.row, case.student, is_bad=True)
    return ["refusal"], {}


def empty(case: FlawCase) -> Label:
    """An answer without a word."""
    case.row["answer"] = pick(case.rng, ("", "  ", "\n", "…"))
    rate(case.rng, case.row, case.student, is_bad=True)
    return ["empty"], {}


def repeated(case: FlawCase) -> Label:
    """The model loops over one line."""
    first, line = case.row["answer"].split("\n")[:2]
    case.row["answer"] = "\n".join([first, *[line] * (6 + int(case.rng.random() * 5))])
    rate(case.rng, case.row, case.student, is_bad=True)
    return ["repeated"], {}


def retry(case: FlawCase) -> Label:
    """The student asked again before it was good enough."""
    case.row["retries"] = 1 + int(case.rng.random() * 3)
    rate(case.rng, case.row, case.student, is_bad=case.rng.random() < 0.3)
    return ["retry"], {"retries": case.row["retries"]}


def complaint(case: FlawCase) -> Label:
    """A complaint with category and text, with or without a low rating."""
    category = pick(case.rng, ("wrong_answer", "too_slow", "not_clear", "rude"))
    case.row["complaint_category"] = category
    case.row["complaint_text"] = case.say(case.turn.lesson.voice.complaints[category])
    rate(case.rng, case.row, case.student, is_bad=True)
    return ["complaint"], {"category": category}


def cultural(case: FlawCase) -> Label:
    """A slip of the tutor: persona grammar, disrespect, caste, or food and drink that does not belong in a school exercise."""
    rng, voice = case.rng, case.turn.lesson.voice
    slip = pick(rng, (*voice.slips, *voice.slip_problems))
    if slip in voice.slips:
        line = case.say(voice.slips[slip])
    else:
        line = f"{case.row['answer'].split(chr(10))[0]} {case.say(voice.slip_problems[slip])}"
    case.row["answer"] = case.first_line(line)
    kinds = ["cultural"]
    if rng.random() < 0.3:
        case.row["complaint_category"] = "cultural"
        case.row["complaint_text"] = case.say(voice.complaints["cultural"])
        kinds.append("complaint")
    rate(rng, case.row, case.student, is_bad=rng.random() < 0.4)
    return kinds, {"slip": slip, "line": line}


def mojibake(case: FlawCase) -> Label:
    """UTF-8 read as Windows-1252, the commonest broken encoding; in some rows bytes are lost for good."""
    rng, row = case.rng, case.row
    text = row["answer"].replace("'", "\u2019").replace("!", " \u2013 ")
    lost = rng.random() < 0.3
    row["answer"] = (
        re.sub(r"[^\x00-\x7f]{1,3}", "\ufffd", text) if lost else "".join(map(_WINDOWS_1252.__getitem__, text.encode()))
    )
    rate(rng, row, case.student)
    return ["mojibake"], {"recoverable": not lost}


def boilerplate(case: FlawCase) -> Label:
    """A line of assistant boilerplate before the answer."""
    line = case.say(case.turn.lesson.voice.boilerplate)
    case.row["answer"] = f"{line}\n{case.row['answer']}"
    rate(case.rng, case.row, case.student)
    return ["boilerplate"], {"line": line}


FLAWS: Chances[Callable[[FlawCase], Label] | None] = Chances(
    {
        private_data: 0.030, wrong_language: 0.012, truncated: 0.014, error: 0.016, low_rating: 0.030, refusal: 0.007, empty: 0.006,
        repeated: 0.004, retry: 0.020, complaint: 0.012, cultural: 0.016, mojibake: 0.006, boilerplate: 0.008, None: 0.819,
    }
)  # fmt: skip
"""Share of the conversations whose last turn gets each flaw."""
