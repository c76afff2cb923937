"""Argilla records: a record is an interaction, what people answered to its questions is feedback or a better answer.

interactions.argilla in the configuration says which field is the question and which the answer, and what each Argilla question sets:
a feedback field, or `answer`: then a person's text becomes the edited answer beside the model's own, which the rating speaks of.
Several answers to one Argilla question: only submitted ones count, of those the newest; where no time is given, the last of the list.
Suggestions are a model's or a rule's, never a person's: they stay in the metadata. A record whose newest response was discarded is
rejected (`discarded`). Of a record without a time of its own the file's counts, as for other chat files.
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
from lyo_pipelines.interactions.fields.columns import parsed_json
from lyo_pipelines.interactions.fields.times import parse_moment
from lyo_pipelines.interactions.formats.annotations import Annotation, feedback_fields
from lyo_pipelines.interactions.formats.argilla_record import SUBMITTED, ArgillaRecord, Response, record_of
from lyo_pipelines.interactions.formats.chat_metadata import STATED, lay_time, stated_fields
from lyo_pipelines.interactions.formats.row_format import Row, RowFormat

QUESTIONS = "interactions.argilla.questions"
_TIMES = ("inserted_at",)
_NOTHING = (None, "", [], {})


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
    record = record_of(row)
    counting = _counting(record)
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
    result["user_id"] = _user(row)
    lay_time(result, row, metadata, fallback, last=_TIMES)
    result["context"] = used.get("context") or result.get("context")
    lay_chat(result, chat, metadata)
    _lay_over(result, counting, config, metadata)
    metadata.update(
        {name: value for name, value in record.fields.items() if name not in used and value not in _NOTHING}
    )
    if record.suggestions:
        metadata["suggestions"] = record.suggestions
    result["metadata"] = metadata or None
    return result


def _id(row: Row) -> Any:
    return next((row[name] for name in ("external_id", "id", "_server_id") if row.get(name) not in _NOTHING), None)


def _counting(record: ArgillaRecord) -> dict[str, Response]:
    """The response that counts for each question. Raises RowError for a discarded record."""
    counting: dict[str, Response] = {}
    ranked = sorted(enumerate(record.responses), key=lambda pair: (_at(pair[1]), pair[0]))
    newest = ranked[-1][1] if ranked else None
    if record.discarded or (newest is not None and newest.status == "discarded"):
        raise RowError("discarded", "an annotator discarded this record")
    for _, response in ranked:
        if response.status == SUBMITTED and response.value not in _NOTHING:
            counting[response.question] = response
    return counting


def _at(response: Response) -> int:
    return (parse_moment(response.at, "feedback_at") if response.at is not None else None) or 0


def _chat(record: ArgillaRecord, config: ArgillaConfig) -> tuple[Chat, Row]:
    """What was said, and the fields it was found in: by their name, or by what they are for."""
    used: Row = {}
    for purpose, names in config.fields.items():
        for name in names:
            if record.fields.get(name) not in _NOTHING:
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
    return talk_of(question) if answer in _NOTHING else chat_of(question, answer)


def _lay_over(result: Row, counting: dict[str, Response], config: ArgillaConfig, metadata: Row) -> None:
    """The feedback and the corrected answer of a record; answers to questions that nobody configured go to the metadata."""
    feedback, moments, corrected = {}, [], None
    for question, response in counting.items():
        score, value = config.questions.get(question), response.value
        if score is None:
            metadata[question] = value
        elif score.field == "answer":
            corrected = answer_in(reply_of(value))
        else:
            label = value if isinstance(value, str) else ", ".join(map(str, value)) if isinstance(value, list) else None
            annotation = Annotation(question, score=None if label is not None else value, label=label)
            feedback |= feedback_fields(annotation, config.questions, QUESTIONS)
            moments += [response.at] if response.at is not None else []
    if corrected and corrected != result["answer"]:
        result["edited_answer" if result["answer"] else "answer"] = corrected
    result.update(feedback)
    if feedback and moments:
        result["feedback_at"] = max(moments, key=lambda at: parse_moment(at, "feedback_at") or 0)
