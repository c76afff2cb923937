"""Requests to an assistant with tools: which tool, with which arguments, or no tool at all. The tools stand in the context."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from lyo_pipelines.sample.phrase import pick
from lyo_pipelines.sample.tasks.made import Made, Structured, TaskSample, sentence
from lyo_pipelines.sample.tasks.topics import topics


def _tool(name: str, says: str, needed: tuple[str, ...], **properties: Structured) -> Structured:
    parameters = {"type": "object", "properties": properties, "required": list(needed), "additionalProperties": False}
    return {"name": name, "description": says, "parameters": parameters}


_TEXT, _WHOLE = {"type": "string"}, {"type": "integer", "minimum": 1}
TOOLS = {
    tool["name"]: tool
    for tool in (
        _tool("search_library", "Search lessons and notes.", ("query",), query=_TEXT, grade=_WHOLE),
        _tool("calculate", "Work out an arithmetic expression.", ("expression",), expression=_TEXT),
        _tool("convert_unit", "Convert between units.", ("value", "from_unit", "to_unit"), value={"type": "number"},
              from_unit=_TEXT, to_unit=_TEXT),
        _tool("set_reminder", "Remind the learner.", ("text", "time"), text=_TEXT,
              time={"type": "string", "pattern": "^[0-2][0-9]:[0-5][0-9]$"}),
        _tool("make_quiz", "Start a quiz.", ("topic", "questions"), topic=_TEXT, questions={**_WHOLE, "maximum": 20}),
        _tool("translate", "Translate a text.", ("text", "language"), text=_TEXT,
              language={"type": "string", "enum": ["Hindi", "Tamil", "English", "Bengali"]}),
    )
}  # fmt: skip
_UNITS = (("km", "m"), ("kg", "g"), ("hours", "minutes"), ("litres", "millilitres"), ("cm", "mm"), ("days", "hours"))
_SENTENCES = ("The sun rises in the east.", "Water boils at 100 degrees.", "My school opens on Monday.", "Plants need light.",
              "The train is late.", "We won the match.", "The moon goes round the earth.", "Wash your hands.")  # fmt: skip
_THANKS = (
    ("Thank you, that was all for today!", "You are welcome! Come back whenever you want to go on."),
    (
        "Who are you?",
        "I am Lyo, your study assistant. I can search lessons, calculate, convert units, remind you and make quizzes.",
    ),
    (
        "Good evening! I am a bit tired.",
        "Good evening! Then let us keep it short today. What would you like to look at first?",
    ),
    ("Do you like mathematics?", "I am a program, so I have no favourites, but I gladly help you with mathematics."),
    ("Hello, can you hear me?", "I can read what you write. What shall we work on?"),
    (
        "I passed my test because of your notes!",
        "Congratulations! Your own work did that. Shall we look at the next topic?",
    ),
)


def _call(tool: str, **arguments: Any) -> Structured:
    return {"tool": tool, "arguments": arguments}


def _search(rng: Random) -> tuple[str, list[Structured]]:
    topic = pick(rng, list(topics().values()))
    ask = pick(
        rng,
        (
            "Find me a lesson on {t} for grade {g}.",
            "Are there notes about {t}? I am in class {g}.",
            "Show grade {g} material on {t}.",
        ),
    )
    return ask.format(t=topic.en, g=topic.grade), [_call("search_library", query=topic.en, grade=topic.grade)]


def _sum(rng: Random) -> tuple[str, list[Structured]]:
    first, second = 12 + int(rng.random() * 880), 3 + int(rng.random() * 95)
    sign, word = pick(rng, (("*", "times"), ("+", "plus"), ("-", "minus")))
    ask = pick(rng, ("What is {a} {w} {b}?", "Please work out {a} {w} {b} for me.", "I need {a} {w} {b}, quickly."))
    return ask.format(a=first, w=word, b=second), [_call("calculate", expression=f"{first} {sign} {second}")]


def _unit(rng: Random) -> tuple[str, list[Structured]]:
    (source, target), value = pick(rng, _UNITS), 2 + int(rng.random() * 90)
    ask = pick(rng, ("How many {b} are {v} {a}?", "Convert {v} {a} to {b}.", "{v} {a} in {b}, please."))
    return ask.format(v=value, a=source, b=target), [
        _call("convert_unit", value=value, from_unit=source, to_unit=target)
    ]


def _remind(rng: Random) -> tuple[str, list[Structured]]:
    topic, time = (
        pick(rng, list(topics().values())),
        f"{15 + int(rng.random() * 6)}:{pick(rng, ('00', '15', '30', '45'))}",
    )
    ask = pick(
        rng,
        (
            "Remind me at {h} to revise {t}.",
            "At {h} I want to practise {t}, do not let me forget.",
            "Set a reminder: {t} at {h}.",
        ),
    )
    return ask.format(h=time, t=topic.en), [_call("set_reminder", text=topic.en, time=time)]


def _quiz(rng: Random) -> tuple[str, list[Structured]]:
    topic, count = pick(rng, list(topics().values())), 3 + int(rng.random() * 8)
    ask = pick(
        rng,
        ("Start a quiz with {n} questions on {t}.", "Test me: {t}, {n} questions.", "I want {n} questions about {t}."),
    )
    return ask.format(n=count, t=topic.en), [_call("make_quiz", topic=topic.en, questions=count)]


def _translation(rng: Random) -> tuple[str, list[Structured]]:
    text, language = pick(rng, _SENTENCES), pick(rng, ("Hindi", "Tamil", "Bengali"))
    ask = pick(rng, ('How do you say "{x}" in {l}?', 'Translate into {l}: "{x}"', '"{x}" in {l}, please.'))
    return ask.format(x=text, l=language), [_call("translate", text=text, language=language)]


def _two(rng: Random) -> tuple[str, list[Structured]]:
    topic, count, time = (
        pick(rng, list(topics().values())),
        3 + int(rng.random() * 8),
        f"{16 + int(rng.random() * 5)}:30",
    )
    ask = pick(
        rng,
        (
            "Find notes on {t} and then quiz me with {n} questions.",
            "First material about {t}, then {n} quiz questions.",
        ),
    )
    if rng.random() < 0.5:
        return ask.format(t=topic.en, n=count), [
            _call("search_library", query=topic.en), _call("make_quiz", topic=topic.en, questions=count),
        ]  # fmt: skip
    return f"Look for a lesson on {topic.en} and remind me of it at {time}.", [
        _call("search_library", query=topic.en), _call("set_reminder", text=topic.en, time=time),
    ]  # fmt: skip


_REQUESTS: tuple[Callable[[Random], tuple[str, list[Structured]]], ...] = (
    _search, _sum, _unit, _remind, _quiz, _translation, _two,
)  # fmt: skip


def make(rng: Random, _: str) -> Made:
    """Make one request; two or three tools that are not needed stand in the context, too."""
    if rng.random() < 0.08:
        question, reply = pick(rng, _THANKS)
        calls: list[Structured] = []
    else:
        question, calls = pick(rng, _REQUESTS)(rng)
        reply = ""
    used = {call["tool"] for call in calls}
    others = rng.sample([name for name in TOOLS if name not in used], 2)
    named = sorted({*used, *others})
    missing = [_call("open_browser", address="library")]
    return Made(
        question=sentence(question),
        answer={"calls": calls, "reply": reply},
        context={"tools": [TOOLS[name] for name in named]},
        reasoning_mode="agent",
        bad={"calls": missing, "reply": ""},
    )


SAMPLE = TaskSample(("en",), make)
