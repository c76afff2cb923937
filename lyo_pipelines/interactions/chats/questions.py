"""What a model was asked, out of whatever its caller logged: messages, a text, or an object with either.

In an object a question may stand beside its history (`question` and `chat_history`, `input` and `messages` …): the question is
new then and the list is what came before. Context and instructions beside them are kept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from lyo_pipelines.interactions.chats.pairing import Chat, conversation, exchange
from lyo_pipelines.interactions.chats.parts import are_parts, content_of
from lyo_pipelines.interactions.chats.pictures import Picture
from lyo_pipelines.interactions.chats.replies import reply_of
from lyo_pipelines.interactions.chats.turns import Turn, are_messages, is_message, turns_of
from lyo_pipelines.interactions.chats.written import parsed
from lyo_pipelines.interactions.errors import RowError
from lyo_pipelines.interactions.fields.columns import NOTHING
from lyo_pipelines.interactions.fields.scrub import dump_json
from lyo_pipelines.json_types import RawRow, is_dict

WHOLE = ("messages", "input_messages", "contents")
"""Lists that may be the whole conversation, the question included."""

EARLIER = (
    *("chat_history", "history", "conversation_history", "message_history", "conversation", "previous_messages"),
    *("chatHistory", "messageHistory", "past_messages"),
)
"""Lists of earlier turns where a question stands beside them, and the whole conversation where none does."""

QUESTIONS = (
    *("question", "query", "input", "user_input", "user_query", "user_message", "user_question", "human_input"),
    *("userInput", "userMessage", "inputText"),
)
_MORE_QUESTIONS = ("prompt", "message", "instruction", "inputs", "text", "content", *WHOLE)
_SYSTEM = (
    "system",
    "system_prompt",
    "systemPrompt",
    "instructions",
    "system_message",
    "systemInstruction",
    "system_instruction",
)
_CONTEXT = ("context", "documents", "retrieved_documents", "source_documents")
_LINES = re.compile(r"^(Human|User|AI|Assistant|System)\s*: ?", re.MULTILINE)


@dataclass(frozen=True)
class Asked:
    """What a model was given.

    question: the new one where it stands beside the turns, with its pictures. is_object: it came as the input of a chain, an object.
    """

    turns: tuple[Turn, ...]
    question: str | None = None
    context: str | None = None
    is_object: bool = False
    pictures: tuple[Picture, ...] = ()

    @property
    def text(self) -> str | None:
        """The question as far as it is one text, to know it again in an output that repeats it."""
        if self.question is not None:
            return self.question
        return self.turns[-1].text if self.turns and self.turns[-1].role == "user" else None


def chat_of(given: Any, answered: Any = None) -> Chat:
    """Question, history and answer out of a model's input and output in any known form. Raises RowError."""
    asked = asked_of(given)
    reply = reply_of(answered, asked=asked.text, from_object=asked.is_object)
    return exchange(asked.turns, reply, question=asked.question, context=asked.context, pictures=asked.pictures)


def talk_of(value: Any) -> Chat:
    """A value that may be a text, a model's input, or a whole conversation with its answer. Raises RowError."""
    asked = asked_of(value)
    if asked.question is not None:
        return exchange(
            asked.turns, reply_of(None), question=asked.question, context=asked.context, pictures=asked.pictures
        )
    return conversation(asked.turns)


def asked_of(value: Any) -> Asked:
    """What a model was asked, in any known form. Raises RowError."""
    found = parsed(value, asked=True)
    if found is None or found == "":
        return Asked(())
    if is_dict(found):
        return _in_object(found)
    if isinstance(found, list):
        if are_parts(found):
            return Asked(tuple(turns_of({"content": found}, "user")))
        if text := _of_texts(found, value):
            return Asked((Turn("user", text),))
        return Asked(tuple(turns_of(found)))
    return Asked((Turn("user", found if isinstance(found, str) else dump_json(found)),))


def asked_beside(row: RawRow, turns: list[Turn]) -> Asked:
    """The turns of a row that holds messages, and the question, instructions and context beside them. Raises RowError."""
    return _laid_together(
        {name: value for name, value in row.items() if name not in _MORE_QUESTIONS}, turns, whole=True
    )


def _of_texts(found: list[Any], value: Any) -> str | None:
    """A list of prompts as one text; a text that is a list of numbers or several texts stays as it is written."""
    texts = all(isinstance(item, str) for item in found)
    if isinstance(value, str) and not (texts and len(found) == 1):
        return value if all(isinstance(item, (str, int, float)) for item in found) else None
    return "\n".join(found) if texts else None


def _in_object(value: RawRow) -> Asked:
    if is_message(value):
        return Asked(tuple(turns_of(value)))
    for name in WHOLE:
        inner = parsed(value.get(name))
        if isinstance(inner, list) and inner and not all(isinstance(item, str) for item in inner):
            return _laid_together(value, turns_of(inner), whole=True)
    for name in EARLIER:
        if inner := _earlier(value.get(name)):
            return _laid_together(value, inner, whole=False)
    if is_dict(inner := value.get("kwargs")) and isinstance(value.get("args"), list):
        return _called(value["args"], inner)
    question = _question_in(value)
    if question is None:
        expected = "messages, or an object with question, query, input, prompt or text"
        raise RowError("bad_input", f"expected {expected}, found {', '.join(sorted(map(str, value)))[:120]}")
    if isinstance(question, (list, dict)):
        inner = asked_of(question)
        context = inner.context or _context_in(value)
        return Asked((*_system_in(value), *inner.turns), inner.question, context, inner.is_object, inner.pictures)
    return Asked(_system_in(value), question, _context_in(value), _is_of_a_chain(value))


def _called(args: list[Any], named: RawRow) -> Asked:
    """The arguments of a function that was traced: one of them is the question."""
    if len(args) == 1 and not named:
        return asked_of(args[0])
    if not args and named:
        return _in_object(named)
    raise RowError("bad_input", "expected one argument, or arguments with names: which one is the question?")


def _laid_together(value: RawRow, turns: list[Turn], *, whole: bool) -> Asked:
    question, pictures = _question_in(value), tuple[Picture, ...]()
    if isinstance(question, (list, dict)):
        inner = asked_of(question)
        question = inner.question or inner.text
        pictures = inner.pictures or (inner.turns[-1].pictures if inner.turns else ())
    context, system = _context_in(value), _system_in(value)
    if system and any(turn.role == "system" and turn.text == system[0].text for turn in turns):
        system = ()
    turns = [*system, *turns]
    last = turns[-1].text if turns and turns[-1].role == "user" else None
    known = whole and any(turn.role == "user" and turn.text == question for turn in turns)
    if question is None or question == last or known:
        return Asked(tuple(turns), None, context, _is_of_a_chain(value))
    if whole and last is not None:
        if question not in last:
            raise RowError("two_questions", "the messages end with a question, and another one stands beside them")
        question = None  # the messages hold it, with what a template put around it
    return Asked(tuple(turns), question, context, _is_of_a_chain(value), pictures if question is not None else ())


def _is_of_a_chain(value: RawRow) -> bool:
    return any(name in value for name in (*QUESTIONS, *EARLIER))


def _earlier(value: Any) -> list[Turn]:
    """Earlier turns: messages, pairs, or the lines of a transcript. Raises RowError for what is none of them."""
    value = parsed(value)
    if value is None or value in ("", [], {}):
        return []
    if isinstance(value, str):
        return _transcript(value)
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        raise RowError("bad_messages", "texts without their speakers are no history")
    if is_dict(value) and not is_message(value) and not isinstance(value.get("messages"), list):
        raise RowError("bad_messages", "expected a list of messages")
    return turns_of(value)


def _transcript(text: str) -> list[Turn]:
    """Lines that begin with `Human:` and `AI:`, as LangChain's memory writes them."""
    marks = list(_LINES.finditer(text))
    if not marks or text[: marks[0].start()].strip():
        raise RowError("bad_messages", "a history in one text, without its speakers")
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    return turns_of([[mark[1], text[mark.end() : end].strip()] for mark, end in zip(marks, ends, strict=True)])


def _question_in(value: RawRow) -> Any:
    """The question beside everything else: a text, or messages under the name of one. Raises RowError where there are two."""
    instruction, more = value.get("instruction"), value.get("input")
    if isinstance(instruction, str) and instruction and isinstance(more, str):  # Alpaca
        return f"{instruction}\n\n{more}" if more.strip() else instruction
    said = {name: value[name] for name in QUESTIONS if value.get(name) not in NOTHING}
    texts = {text for text in said.values() if isinstance(text, str)}
    if len(texts) > 1:
        raise RowError("two_questions", f"different texts in {' and '.join(said)}: which one is the question?")
    for name in (*said, *_MORE_QUESTIONS):
        found = value.get(name)
        if isinstance(found, str) and found:
            inner = parsed(found)
            return inner if are_messages(inner) else found
        if are_messages(found) or (is_dict(found) and found):
            return found
        if isinstance(found, list) and found and all(isinstance(item, str) for item in found):
            return "\n".join(found)
        if are_parts(found):
            return found if content_of(found).images else content_of(found).text
    return None


def _system_in(value: RawRow) -> tuple[Turn, ...]:
    for name in _SYSTEM:
        found = value.get(name)
        if found in NOTHING:
            continue
        text = content_of(parsed(found) if isinstance(found, str) and found[:1] in "[{" else found).text
        return (Turn("system", text),) if text else ()
    return ()


def _context_in(value: RawRow) -> str | None:
    for name in _CONTEXT:
        found = value.get(name)
        if isinstance(found, str) and found.strip():
            return found
        if isinstance(found, list) and found:
            texts = [item if isinstance(item, str) else _document(item) for item in found]
            return "\n\n".join(text for text in texts if text) or None
    return None


def _document(item: Any) -> str | None:
    if not is_dict(item):
        return None
    item = item["kwargs"] if is_dict(item.get("kwargs")) else item
    return next((item[name] for name in ("page_content", "content", "text") if isinstance(item.get(name), str)), None)
