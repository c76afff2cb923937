"""The passages that an answer rests on: found for a question, given to the model, told with the answer and logged with its row.

Finding them is documents/retrieval's. What is refused here is no failure of the model that would have answered: it was not asked.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from lyo_pipelines.config.gateway import SourcesConfig
from lyo_pipelines.documents.contract import TASK
from lyo_pipelines.documents.retrieval.index import FoundPassage
from lyo_pipelines.documents.retrieval.shelf import PassageShelf
from lyo_pipelines.json_types import JsonObject
from lyo_pipelines.retraining.curriculum import load_curriculum
from lyo_pipelines.serving.contract import ChatMessage, ChatRequest
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.tasks import task_format
from lyo_pipelines.tasks.messages import CONTEXT

NOTHING_FITS = {
    "en": "The documents say nothing about this.",
    "hi": "दस्तावेज़ों में इसके बारे में कुछ नहीं मिला।",
    "ta": "ஆவணங்களில் இதைப் பற்றி எதுவும் இல்லை.",
}
"""What is answered where no passage fits, by language; English for any other."""
NO_SOURCE = "no_source"
"""The finish_reason of such a row."""


@dataclass(frozen=True)
class Sources:
    """What was found. fitting: passages good enough to answer from, best first, within what the model is given; best: the match of the
    best passage, 0 for none.
    """

    fitting: tuple[FoundPassage, ...]
    best: float

    def told(self) -> list[JsonObject]:
        """The passages as an answer tells them."""
        return [
            {
                "id": one.passage.key,
                "set": one.passage.set,
                "file": one.passage.source_file,
                "title": one.passage.title,
                "text": one.passage.text,
                "score": one.score,
                "match": one.match,
            }
            for one in self.fitting
        ]

    def logged(self) -> dict[str, str]:
        """Ids and scores for the metadata of the row, in the shape that landing keeps: no text, no name of a file."""
        rows = [
            {
                "document": f"d_{one.passage.document}",
                "chunk": one.passage.number,
                "score": one.score,
                "match": one.match,
            }
            for one in self.fitting
        ]
        return {"sources": json.dumps(rows), "source_match": str(self.best)}

    def request(self, model: str, question: str, language: str, name: str) -> ChatRequest:
        """The question with its passages, as the documents' adapter saw material in training; the row keeps the bare question."""
        turn = ChatMessage(role="user", content=question)
        if not self.fitting:  # no model is asked: the row alone
            return ChatRequest(model=model, messages=(turn,), metadata=self.logged())
        prompt = task_format(TASK).system_prompt({"language": language, "subject": name})
        material = "\n\n".join(f"[{number}] {_whole(one)}" for number, one in enumerate(self.fitting, start=1))
        system = ChatMessage(role="system", content=f"{prompt}{CONTEXT}{material}")
        return ChatRequest(model=model, messages=(system, turn), metadata=self.logged())


class SourceFinder:
    """Finds passages for questions; the indexes are kept and made anew when a set or the curriculum changed."""

    def __init__(self, lake: Lake, config: SourcesConfig, clock: Callable[[], float]) -> None:
        self.config, self._clock = config, clock
        self._shelf = PassageShelf(lake, lambda: load_curriculum(lake).validity)

    async def find(self, question: str, name: str) -> Sources:
        """The passages of a set (all sets for "") that fit a question. Raises CurriculumError."""
        return await asyncio.to_thread(self._found, question, name)

    def _found(self, question: str, name: str) -> Sources:
        index = self._shelf.index(name, datetime.fromtimestamp(self._clock(), UTC).date())
        found = index.search(question, self.config.passages)
        best = max((one.match for one in found), default=0.0)
        fitting = [one for one in found if one.match >= self.config.minimum_match]
        return Sources(_within(fitting, self.config.characters), best)


def _within(found: Sequence[FoundPassage], characters: int) -> tuple[FoundPassage, ...]:
    """The best passages that fit into so many characters together; the very best in any case."""
    kept, used = list[FoundPassage](), 0
    for one in found:
        used += len(_whole(one))
        if kept and used > characters:
            break
        kept.append(one)
    return tuple(kept)


def _whole(found: FoundPassage) -> str:
    return "\n".join(part for part in (found.passage.title, found.passage.text) if part)
