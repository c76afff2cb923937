"""POST /feedback: what people say of an answer, by its interaction id, as the feedback rows that ingest reads.

The newest feedback of a kind wins when rows are built, so it may come before its answer has landed, after, or twice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from lyo_pipelines.json_types import RawRow
from lyo_pipelines.serving.asked import RowMaker, moment
from lyo_pipelines.serving.contract import RefusedError
from lyo_pipelines.serving.journal.journal import Journal, JournalFullError
from lyo_pipelines.serving.metrics import Metrics

_LONGEST = 200_000
_Said = Literal["rating", "thumbs", "complaint_category", "complaint_text", "edited_answer"]


class Feedback(BaseModel):
    """What is said of one answer. withdrawn: true takes back all that was said of it, a list only what it names.

    rating: 1 (worst) to 5; thumbs: up or down; complaint: its category, or category and text; edited_answer: as it should have been.
    user: whose id may not stand in the texts; it is not kept.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    interaction_id: str = Field(min_length=1, max_length=200)
    user: str | None = Field(default=None, max_length=1_000)
    rating: float | None = Field(default=None, ge=1, le=5)
    thumbs: Literal["up", "down"] | None = None
    complaint_category: str | None = Field(default=None, min_length=1, max_length=200)
    complaint_text: str | None = Field(default=None, min_length=1, max_length=_LONGEST)
    edited_answer: str | None = Field(default=None, min_length=1, max_length=_LONGEST)
    withdrawn: bool | tuple[_Said, ...] = False

    @field_validator("thumbs", mode="before")
    @classmethod
    def _as_a_word(cls, value: object) -> object:
        """1 and -1, true and false are up and down."""
        if isinstance(value, bool | int | float) and value in (1, -1, 0):
            return "up" if value == 1 else "down" if value == -1 or value is False else value
        return value

    @model_validator(mode="before")
    @classmethod
    def _complaint(cls, data: object) -> object:
        """`complaint` is short for its category, or an object with category and text."""
        if not isinstance(data, dict) or (complaint := data.get("complaint")) is None:
            return data
        rest = {name: value for name, value in data.items() if name != "complaint"}
        if isinstance(complaint, dict):
            return rest | {f"complaint_{name}": value for name, value in complaint.items()}
        return rest | {"complaint_category": complaint}

    @model_validator(mode="after")
    def _says_something(self) -> Feedback:
        said = [
            name
            for name in ("rating", "thumbs", "complaint_category", "complaint_text", "edited_answer")
            if getattr(self, name)
        ]
        if self.withdrawn and said:
            raise ValueError(f"what is withdrawn goes alone, without {said[0]}")
        if not self.withdrawn and not said:
            raise ValueError("say one of rating, thumbs, complaint, edited_answer or withdrawn")
        return self

    def row(self, rows: RowMaker) -> RawRow:
        """The canonical feedback row, without its time; texts without the user's raw id."""
        row: RawRow = {"interaction_id": self.interaction_id}
        if self.withdrawn:
            named = () if self.withdrawn is True else self.withdrawn
            return {**row, "withdrawn": True, **dict.fromkeys(named)}
        said = {
            "rating": self.rating,
            "thumbs": None if self.thumbs is None else 1 if self.thumbs == "up" else -1,
            "complaint_category": self.complaint_category,
            "complaint_text": self.complaint_text,
            "edited_answer": self.edited_answer,
        }
        return row | {
            name: rows.text(value, self.user) if isinstance(value, str) else value
            for name, value in said.items()
            if value is not None
        }


class _Times:
    """Times of feedback, each later than the one before: the newest wins, and two may come within one tick of the clock."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self._last = clock, 0.0

    def next(self) -> float:
        self._last = max(self._clock(), self._last + 1e-5)
        return self._last


def feedback_routes(journal: Journal, metrics: Metrics, clock: Callable[[], float], rows: RowMaker) -> list[BaseRoute]:
    """The route of feedback. clock: seconds since 1970; rows: takes raw ids out of texts."""
    times = _Times(clock)

    async def take(request: Request) -> Response:
        try:
            said = Feedback.model_validate_json(await request.body())
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"])) or None
            raise RefusedError(f"{place or 'feedback'}: {first['msg']}", param=place) from error
        try:
            is_new = await journal.feedback(said.interaction_id, said.row(rows), moment(times.next()))
        except JournalFullError as error:
            metrics.turned_away("journal")
            raise RefusedError(
                f"the feedback cannot be kept: {error}", status=503, code="journal_full", retry_after=30
            ) from error
        if is_new:
            metrics.feedback()
        return JSONResponse({"interaction_id": said.interaction_id, "kept": True, "new": is_new})

    return [Route("/feedback", take, methods=["POST"])]
