"""What structured answers have in common: strict schemas, their one way of being written, and JSON material that rows bring along."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("a blank text")
    return text


Text = Annotated[str, StringConstraints(min_length=1, max_length=2000), AfterValidator(_not_blank)]
"""Words for a person; never blank."""
Label = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=r"^[a-z][a-z0-9_]*$")]
"""A name out of a list, such as an intent."""
Share = Annotated[float, Field(ge=0, le=1)]
Minutes = Annotated[int, Field(ge=1, le=600)]
Number = Annotated[int, Field(ge=1, le=1000)]
"""A place in an order, from 1."""


class Answer(BaseModel):
    """Base of the schemas: no key too many, no text where a number is wanted, no NaN."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Material(BaseModel):
    """Base of what a row's context may say as JSON; keys that a task does not know are left alone."""

    model_config = ConfigDict(extra="ignore", frozen=True)


Brought = TypeVar("Brought", bound=Material)


def read_material(row: Mapping[str, Any], model: type[Brought], column: str = "context") -> Brought | None:
    """Return what the row's context says, or None where it is prose, empty, or JSON of another shape."""
    text = (row.get(column) or "").strip()
    if not text.startswith("{"):
        return None
    try:
        return model.model_validate_json(text)
    except ValidationError:
        return None


def write_answer(answer: BaseModel) -> str:
    """Return the one way in which examples hold an answer: compact JSON, keys in the schema's order."""
    return answer.model_dump_json()
