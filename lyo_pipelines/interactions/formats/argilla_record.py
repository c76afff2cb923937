"""One Argilla record, whichever version exported it, to fields, answers of people and suggestions. What they mean: argilla.py.

Understood: records of Argilla 2 (`Record.to_dict`: responses by question; the API's list of responses with `values`; flattened rows
with `<question>.responses`), Feedback datasets of Argilla 1 (`responses: [{values: {question: {value}}, status}]`; the rows of its
Hugging Face export with `<question>-suggestion`), and the older records with `inputs` or `text`, `prediction`, `annotation`, `status`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lyo_pipelines.interactions.fields.columns import parsed_json
from lyo_pipelines.interactions.formats.chat_metadata import metadata_of
from lyo_pipelines.interactions.formats.row_format import Row

SUBMITTED = "submitted"
_AT = ("updated_at", "inserted_at")
_OWN = {"id", "_server_id", "external_id", "metadata", "vectors", "status", "inserted_at", "updated_at", "dataset_id"}
_SUFFIXES = (".responses", ".suggestion", "-suggestion")


@dataclass(frozen=True)
class Response:
    """What one person answered to one question. status: submitted, draft or discarded. at: as it was written, or None. person: who
    it was, or None."""

    question: str
    value: Any
    status: str
    at: Any = None
    person: str | None = None


@dataclass(frozen=True)
class ArgillaRecord:
    """A record: texts by field, the answers of people in their order, values that a model or rule suggested."""

    fields: Row
    responses: list[Response]
    suggestions: Row
    metadata: Row = field(default_factory=dict)
    discarded: bool = False


def looks_like_argilla(row: Row) -> str | None:
    """What tells that a row is an Argilla record, or None."""
    if isinstance(row.get("fields"), dict) and {"responses", "suggestions", "external_id", "_server_id"} & row.keys():
        return "`fields` with `responses` or `suggestions`"
    if ("inputs" in row or "text" in row) and {"annotation", "prediction"} & row.keys():
        return "`inputs` with `prediction` or `annotation`"
    marked = next((key for key in row if key.endswith(_SUFFIXES)), None)
    return f"`{marked[:60]}`" if marked else None


def record_of(row: Row) -> ArgillaRecord:
    """A row as a record."""
    metadata = metadata_of(row)
    if isinstance(row.get("fields"), dict):
        responses = list(_responses(parsed_json(row.get("responses"))))
        return ArgillaRecord(row["fields"], responses, _suggestions(parsed_json(row.get("suggestions"))), metadata)
    if {"annotation", "prediction"} & row.keys():
        return _older(row, metadata)
    return _flattened(row, metadata)


def _responses(value: Any) -> Iterator[Response]:
    if isinstance(value, dict):  # question -> answers
        for question, answers in value.items():
            for item in answers if isinstance(answers, list) else [answers]:
                yield _response(question, item, {})
        return
    for item in value if isinstance(value, list) else ():
        if not isinstance(item, dict):
            continue
        values = parsed_json(item.get("values"))
        if isinstance(values, dict):  # one person -> question -> answer
            for question, answer in values.items():
                yield _response(question, answer, item)
            if not values:  # somebody who only discarded
                yield _response("", None, item)
        elif "question_name" in item:
            yield _response(item["question_name"], item, item)


def _response(question: Any, answer: Any, outer: Row) -> Response:
    inner = answer if isinstance(answer, dict) else {"value": answer}
    status = inner.get("status") or outer.get("status") or SUBMITTED
    at = next((holder[name] for holder in (inner, outer) for name in _AT if holder.get(name)), None)
    person = inner.get("user_id") or outer.get("user_id")
    return Response(str(question), inner.get("value"), _plain(status), at, None if person is None else str(person))


def _plain(status: Any) -> str:
    return str(status).rsplit(".", 1)[-1].lower()  # also "ResponseStatus.submitted"


def _suggestions(value: Any) -> Row:
    if isinstance(value, dict):
        return {name: item.get("value") if isinstance(item, dict) else item for name, item in value.items()}
    found = [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
    return {str(item["question_name"]): item.get("value") for item in found if "question_name" in item}


def _older(row: Row, metadata: Row) -> ArgillaRecord:
    inputs = parsed_json(row.get("inputs"))
    texts = dict(inputs) if isinstance(inputs, dict) else {} if inputs is None else {"text": inputs}
    if isinstance(row.get("text"), str):
        texts.setdefault("text", row["text"])
    status = _plain(row.get("status") or "")
    annotation = parsed_json(row.get("annotation"))
    kept = status in ("validated", "edited", "")
    responses = [Response("annotation", annotation, SUBMITTED if kept else status)] if annotation is not None else []
    prediction = _best(parsed_json(row.get("prediction")))
    suggestions = {} if prediction is None else {"prediction": prediction}
    return ArgillaRecord(texts, responses, suggestions, metadata, discarded=status == "discarded")


def _best(prediction: Any) -> Any:
    """The first prediction's text or label: [[text, score]], [{label | text, score}] or text."""
    item = prediction[0] if isinstance(prediction, list) and prediction else prediction
    if isinstance(item, list):
        return item[0] if item else None
    return item.get("label", item.get("text")) if isinstance(item, dict) else item or None


def _flattened(row: Row, metadata: Row) -> ArgillaRecord:
    """A row with its questions as columns: fields are all columns that are no question's and not the record's own."""
    questions = {key.rsplit(suffix, 1)[0] for key in row for suffix in _SUFFIXES if key.endswith(suffix)}
    texts = {
        name: value
        for name, value in row.items()
        if name not in _OWN and not any(name == q or name.startswith((f"{q}.", f"{q}-")) for q in questions)
    }
    responses, suggestions = [], {}
    for name in sorted(questions):
        responses += _columns_of(row, name)
        suggested = row.get(f"{name}.suggestion", row.get(f"{name}-suggestion"))
        if suggested is not None:
            suggestions[name] = suggested
    return ArgillaRecord(texts, responses, suggestions, metadata)


def _columns_of(row: Row, question: str) -> list[Response]:
    answers = parsed_json(row.get(f"{question}.responses"))
    if isinstance(answers, list):
        statuses = _beside(row, f"{question}.responses.status", len(answers), SUBMITTED)
        people = _beside(row, f"{question}.responses.users", len(answers), None)
        return [
            _response(question, {"value": value, "status": status, "user_id": person}, {})
            for value, status, person in zip(answers, statuses, people, strict=False)
        ]
    answers = parsed_json(row.get(question))  # Argilla 1: a list of {user_id, value, status}
    return (
        [_response(question, item, {}) for item in answers if isinstance(item, dict)]
        if isinstance(answers, list)
        else []
    )


def _beside(row: Row, name: str, length: int, default: Any) -> list[Any]:
    """A column that says something of each response, filled up to as many as there are."""
    found = parsed_json(row.get(name))
    found = found if isinstance(found, list) else []
    return [*found, *[default] * (length - len(found))]
