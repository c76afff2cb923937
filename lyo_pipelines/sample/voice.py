"""What one language brings to the log: how each kind of problem is asked and worked, and how the tutor and the students speak."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lyo_pipelines.sample.phrase import Phrase, Words, phrases


@dataclass(frozen=True, slots=True)
class Wording:
    """One kind of problem in one language.

    questions: ways to ask; steps: the worked lines; result: the checkable result as it stands after the answer mark;
    rule: the idea in one sentence, used for hints and for "why?".
    """

    questions: tuple[Phrase, ...]
    steps: tuple[Phrase, ...]
    result: Phrase
    rule: Phrase


def wording(questions: Sequence[str], steps: Sequence[str], result: str, rule: str) -> Wording:
    """Compile the wording of one kind."""
    return Wording(phrases(*questions), phrases(*steps), Phrase(result), Phrase(rule))


@dataclass(frozen=True, slots=True)
class Voice:
    """A language of the log. Phrases may use the slots that are named beside them."""

    language: str
    words: Words
    wordings: Mapping[str, Wording]
    personas: Mapping[str, str]  # subject -> system prompt
    openers: tuple[Phrase, ...]  # before a question
    closers: tuple[Phrase, ...]  # after a question
    warm: tuple[Phrase, ...]  # first line of an answer
    step: str  # "Step {n}: "
    answer_mark: str  # "Answer: "
    hint_asks: tuple[Phrase, ...]  # after a question
    hint_answers: tuple[Phrase, ...]  # {rule}
    why_questions: tuple[Phrase, ...]  # {quote} start of the exercise, {wrong} another result
    why_answers: tuple[Phrase, ...]  # {rule}, {last} the last worked step
    attempts: tuple[Phrase, ...]  # {quote}, {tried} the student's result
    right: tuple[Phrase, ...]  # first line after a right attempt
    not_yet: tuple[Phrase, ...]  # first line after a wrong attempt
    another: tuple[Phrase, ...]  # before the next exercise
    greetings: tuple[Phrase, ...]  # a name given in a word: {person}
    private: Mapping[str, tuple[Phrase, ...]]  # kind of personal data -> sentence with {value}
    rude: tuple[Phrase, ...]
    refusals: tuple[Phrase, ...]
    boilerplate: tuple[Phrase, ...]
    slips: Mapping[str, tuple[Phrase, ...]]  # kind of cultural slip -> first line of a bad answer
    slip_problems: Mapping[str, tuple[Phrase, ...]]  # kind of cultural slip -> unsuitable story beside the question
    complaints: Mapping[str, tuple[Phrase, ...]]  # category -> what the user wrote
