"""Label Studio tasks (the JSON export): what a task shows is an interaction, what its annotators chose is feedback.

Read as Argilla records are (argilla.py): interactions.label_studio in the configuration says which keys of a task's `data` are
question and answer and what each control (`from_name`) sets. Skipped annotations count for nothing, predictions are a model's and
stay in the metadata. A chat that an annotator wrote or went on with (`chatmessage`) is the conversation. JSON-MIN and CSV hold a row
for each annotation, under the id of the task: several rows would be several answers, so they are not read.
"""

from __future__ import annotations

from typing import Any

from lyo_pipelines.config.interactions import ArgillaConfig
from lyo_pipelines.interactions.errors import RowError
from lyo_pipelines.interactions.fields.columns import parsed_json
from lyo_pipelines.interactions.fields.notes import note
from lyo_pipelines.interactions.formats.argilla import interaction_of
from lyo_pipelines.interactions.formats.argilla_record import SUBMITTED, ArgillaRecord, Response
from lyo_pipelines.interactions.formats.chat_metadata import TIMES, metadata_of, user_of_chat
from lyo_pipelines.interactions.formats.row_format import Row, RowFormat

QUESTIONS = "interactions.label_studio.questions"
SKIPPED = "an annotation that was skipped counts for nothing"
MADE_IN = "occurred_at: when the task was made in Label Studio, as its data has no time"
_ANNOTATIONS = ("annotations", "completions")  # the latter of versions before 1.0
_MESSAGES = "messages"


def is_task(row: Row) -> bool:
    """Whether a row is a task with its annotations."""
    return isinstance(row.get("data"), dict) and any(isinstance(row.get(name), list) for name in _ANNOTATIONS)


def is_flat_annotation(row: Row) -> bool:
    """Whether a row is an annotation of the JSON-MIN or CSV export."""
    return {"annotation_id", "annotator"} <= row.keys()


def label_studio(config: ArgillaConfig, file_time: str | None) -> RowFormat:
    """The format of a file of tasks; `file_time` is its modification time (ISO 8601), for tasks that name none."""
    fallback = file_time if config.time_from_file else None

    def convert(row: Row) -> Row:
        return _interaction(row, config, fallback)

    return RowFormat("label_studio", "interactions", convert, _user, language=config.language)


def _data(row: Row) -> Row:
    data = parsed_json(row.get("data"))
    if not isinstance(data, dict):
        raise RowError("bad_data", "expected `data`, an object with what the task shows")
    return data


def _user(row: Row) -> Any:
    """Who asked, where the task's data says so: the people of Label Studio are annotators."""
    data = parsed_json(row.get("data"))
    return user_of_chat(data) if isinstance(data, dict) else None


def _interaction(row: Row, config: ArgillaConfig, fallback: str | None) -> Row:
    data = _data(row)
    annotations = next((found for name in _ANNOTATIONS if isinstance(found := row.get(name), list)), [])
    annotations = [item for item in annotations if isinstance(item, dict)]
    kept = [item for item in annotations if item.get("was_cancelled") is not True]
    fields = {name: value for name, value in data.items() if name not in ("metadata", "meta")}
    if messages := _written_chat(kept):
        fields = {**fields, _MESSAGES: messages}
    record = ArgillaRecord(
        fields,
        [response for item in kept for response in _responses(item)],
        _suggestions(row.get("predictions")),
        {**metadata_of({"metadata": row.get("meta")}), **metadata_of(data)},
    )
    times = {name: value for name, value in data.items() if name in TIMES and value not in (None, "")}
    result = interaction_of(
        record,
        {"id": row.get("id"), **(times or {"created_at": row.get("created_at")})},
        config,
        fallback,
        QUESTIONS,
        user=_user(row),
    )
    if result.get("answer") is None:
        raise RowError(
            "missing_answer",
            "a task whose data holds no answer is no interaction: name its key in interactions.label_studio.fields",
        )
    if row.get("created_at") and result["occurred_at"] == row["created_at"]:
        note(result, MADE_IN)
    if len(kept) < len(annotations):
        note(result, SKIPPED)
    return result


def _responses(annotation: Row) -> list[Response]:
    """What one annotation answered to each control of the task."""
    person = annotation.get("completed_by")
    who = person.get("id", person.get("email")) if isinstance(person, dict) else person
    at = annotation.get("updated_at") or annotation.get("created_at")
    return [
        Response(name, value, SUBMITTED, at, None if who is None else str(who))
        for name, value in _results(annotation.get("result"))
    ]


def _results(results: Any) -> list[tuple[str, Any]]:
    """Control -> what was chosen or written, of all but the messages of a chat; parts of one control are one list."""
    found: dict[str, list[Any]] = {}
    for item in results if isinstance(results, list) else ():
        if isinstance(item, dict) and item.get("from_name") and item.get("type") not in (None, "chatmessage"):
            value = item.get("value")
            inner = value.get(item["type"], value.get("text")) if isinstance(value, dict) else value
            found.setdefault(str(item["from_name"]), []).append(value if inner is None else inner)
    return [(name, _plain(values)) for name, values in found.items()]


def _plain(values: list[Any]) -> Any:
    """One choice is that word, lines of a text area are one text."""
    flat = [part for value in values for part in (value if isinstance(value, list) else [value])]
    return flat[0] if len(flat) == 1 else flat


def _suggestions(predictions: Any) -> Row:
    newest = predictions[-1] if isinstance(predictions, list) and predictions else None
    return dict(_results(newest.get("result"))) if isinstance(newest, dict) else {}


def _written_chat(annotations: list[Row]) -> list[Any]:
    """The messages of the chat that stands in the annotation. Raises RowError where several annotators wrote one each."""
    chats = []
    for annotation in annotations:
        results = annotation.get("result")
        said = [
            item["value"]["chatmessage"]
            for item in (results if isinstance(results, list) else ())
            if isinstance(item, dict)
            and item.get("type") == "chatmessage"
            and isinstance(item.get("value"), dict)
            and "chatmessage" in item["value"]
        ]
        chats += [said] if said else []
    if len(chats) > 1:
        raise RowError(
            "several_chats", "several annotators wrote a chat to this task: which one is meant? Export them one by one"
        )
    return chats[0] if chats else []
