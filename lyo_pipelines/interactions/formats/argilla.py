"""Argilla records: a record is an interaction, what people answered to its questions is feedback or a better answer.

interactions.argilla in the configuration says which field is the question and which the answer, and what each Argilla question sets:
a feedback field, or `answer`: then a person's text becomes the edited answer beside the model's own, which the rating speaks of.
Only submitted responses count, of each person the newest (where no time is given, the last of the list); what several people said is
one judgement (several_people.py). Suggestions are a model's or a rule's, never a person's: they stay in the metadata. A record that
everybody discarded is rejected (`discarded`). Of a record without a time of its own the file's counts, as for other chat files.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lyo_pipelines.config.interactions import ArgillaConfig
from lyo_pipelines.interactions.chats.pairing import Chat, answer_in, exchange, lay_chat
from lyo_pipelines.interactions.chats.questions import EARLIER, WHOLE, asked_beside, chat_of, talk_of
from lyo_pipelines.interactions.chats.replies import reply_of
from lyo_pipelines.interactions.chats.turns import are_messages, turns_of
from lyo_pipelines.interactions.errors import RowError
from lyo_pipelines.interactions.fields.columns import NOTHING, parsed_json
from lyo_pipelines.interactions.fields.notes import note
from lyo_pipelines.interactions.fields.scales import SCALE, Several
from lyo_pipelines.interactions.fields.thumbs import parse_thumb
from lyo_pipelines.interactions.fields.times import parse_moment
from lyo_pipelines.interactions.formats.annotations import Annotation, feedback_fields, speaks_for
from lyo_pipelines.interactions.formats.argilla_record import ArgillaRecord, Response, record_of
from lyo_pipelines.interactions.formats.chat_metadata import STATED, lay_time, stated_fields
from lyo_pipelines.interactions.formats.row_format import Row, RowFormat
from lyo_pipelines.interactions.formats.several_people import (
    NEWEST_TEXT,
    SEVERAL,
    SOME_DISCARDED,
    counting_responses,
    one_judgement,
)

QUESTIONS = "interactions.argilla.questions"
_TIMES = ("inserted_at",)


def argilla(config: ArgillaConfig, file_time: str | None) -> RowFormat:
    """The format of a file of records; `file_time` is its modification time (ISO 8601), for records that name none."""
    fallback = file_time if config.time_from_file else None

    def convert(row: Row) -> Row:
        return _interaction(row, config, fallback)

    return RowFormat("argilla", "interactions", convert, _user, language=config.language)


def _user(row: Row) -> Any:
    """Who asked, where the metadata says so: the people of Argilla are annotators."""
    metadata = parsed_json(row.get("metadata"))
    return metadata.get("user_id") if isinstance(metadata, dict) else None


def _interaction(row: Row, config: ArgillaConfig, fallback: str | None) -> Row:
    return interaction_of(record_of(row), row, config, fallback, QUESTIONS, user=_user(row))


def interaction_of(
    record: ArgillaRecord, row: Row, config: ArgillaConfig, fallback: str | None, where: str, *, user: Any
) -> Row:
    """The canonical row of a record. row: what holds its id and its times; where: the configuration that names the questions."""
    counting, some_discarded = counting_responses(record)
    chat, used = _chat(record, config)
    metadata = record.metadata
    result: Row = {"task": config.task, "turn": chat.turn or 0}
    beside = {
        name: value for name, value in record.fields.items() if name not in used and not isinstance(value, (dict, list))
    }
    stated = stated_fields(beside, metadata)
    result.update(stated)
    used |= dict.fromkeys(name for name in beside if name in STATED)
    result["interaction_id"] = result.get("interaction_id") or _id(row)
    result["user_id"] = user
    lay_time(result, row, metadata, fallback, last=_TIMES, asked_at=chat.at)
    result["context"] = used.get("context") or result.get("context")
    lay_chat(result, chat, metadata)
    if some_discarded:
        note(result, SOME_DISCARDED)
    _lay_over(result, counting, config, metadata, where)
    left = {name: value for name, value in record.fields.items() if name not in used and value not in NOTHING}
    _require_what_was_rated(result, left, where)
    metadata.update(left)
    if record.suggestions:
        metadata["suggestions"] = record.suggestions
    result["metadata"] = metadata or None
    return result


def _require_what_was_rated(result: Row, left: Row, where: str) -> None:
    """Raise RowError where an answer was rated that no field is known to be, though a text is there that may be it."""
    texts = [name for name, value in left.items() if isinstance(value, str)]
    if (
        texts
        and result.get("answer") is None
        and (result.get("rating") is not None or result.get("thumbs") is not None)
    ):
        names = ", ".join(repr(name[:60]) for name in texts[:3])
        raise RowError(
            "unknown_answer",
            f"it is rated, and no field is known to be the answer: is it {names}? Name it in {where.removesuffix('questions')}fields",
        )


def _id(row: Row) -> Any:
    return next((row[name] for name in ("external_id", "id", "_server_id") if row.get(name) not in NOTHING), None)


def _chat(record: ArgillaRecord, config: ArgillaConfig) -> tuple[Chat, Row]:
    """What was said, and the fields it was found in: by their name, or by what they are for."""
    used: Row = {}
    for purpose, names in config.fields.items():
        for name in names:
            if record.fields.get(name) not in NOTHING:
                used[name] = used[purpose] = record.fields[name]
                break
    answer = used.get("answer")
    if answer is None and "prediction" in record.suggestions:  # the older records: the model's text is its prediction
        answer = record.suggestions.pop("prediction")
    chat = _paired(record, used, answer)
    system = "\n\n".join(part for part in (used.get("system_prompt"), chat.system_prompt) if isinstance(part, str))
    return replace(chat, system_prompt=system or None), used


def _paired(record: ArgillaRecord, used: Row, answer: Any) -> Chat:
    """A chat field with its last answer, or with the one that has a field of its own; a question with the chat that was before it."""
    question = used.get("question")
    if isinstance(question, str) and not are_messages(parsed_json(question)):
        for name in (*WHOLE, *EARLIER, "chat"):
            before = parsed_json(record.fields.get(name))
            if name not in used and are_messages(before):
                used[name] = before
                asked = asked_beside({"question": question}, turns_of(before))
                reply = reply_of(answer, asked=question)
                return exchange(asked.turns, reply, question=asked.question, pictures=asked.pictures)
        return chat_of(question, answer)
    return talk_of(question) if answer in NOTHING else chat_of(question, answer)


def _lay_over(
    result: Row, counting: dict[str, list[Response]], config: ArgillaConfig, metadata: Row, where: str
) -> None:
    """The feedback and the corrected answer of a record; answers to questions that nobody configured go to the metadata."""
    feedback, moments, corrected = {}, [], None
    for question, responses in counting.items():
        score = config.questions.get(question)
        if score is None:
            values = [response.value for response in responses]
            metadata[question] = values[0] if len(values) == 1 else values
        elif score.field == "answer":
            corrected = answer_in(reply_of(responses[-1].value))
            _note_several(result, responses, NEWEST_TEXT)
        else:
            feedback |= one_judgement([_judged(question, response, config, where) for response in responses])
            moments += [response.at for response in responses if response.at is not None]
            _note_several(result, responses, NEWEST_TEXT if score.field == "reference_answer" else SEVERAL)
    if corrected and corrected != result["answer"]:
        result["edited_answer" if result["answer"] else "answer"] = corrected
    _keep_praise_apart(feedback, metadata)
    result.update(feedback)
    if feedback and moments:
        result["feedback_at"] = max(moments, key=lambda at: parse_moment(at, "feedback_at") or 0)


def _note_several(result: Row, responses: list[Response], sentence: str) -> None:
    if len({str(response.value) for response in responses}) > 1:
        note(result, sentence)


def _judged(question: str, response: Response, config: ArgillaConfig, where: str) -> Row:
    """What one person's response to a question sets."""
    value = response.value
    label = value if isinstance(value, str) else ", ".join(map(str, value)) if isinstance(value, list) else None
    annotation = Annotation(question, score=None if label is not None else value, label=label)
    return feedback_fields(annotation, config.questions, where)


def _keep_praise_apart(feedback: Row, metadata: Row) -> None:
    """A comment beside nothing but a good rating or thumbs up is no complaint: it goes to the metadata."""
    if feedback.get("complaint_text") is None or feedback.get("complaint_category") is not None:
        return
    rating = feedback.get("rating")
    values = rating if isinstance(rating, Several) else (rating,)
    good = [speaks_for(value, feedback.get(SCALE)) for value in values if value is not None]
    thumb = feedback.get("thumbs")
    if (good and all(good) and thumb in (None, 1)) or (not good and thumb is not None and parse_thumb(thumb) == 1):
        metadata["comment"] = feedback.pop("complaint_text")
