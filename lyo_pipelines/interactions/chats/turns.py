"""Messages as tools write them to turns: who said what, in order.

A list of messages, one message, or the same as JSON in a text: OpenAI (chat and Responses), Anthropic, Gemini, Bedrock, Ollama,
LangChain (as dicts, `lc` serialized, pairs of role and text), OpenInference, the GenAI conventions, Pydantic AI, ShareGPT, ChatGPT's
export. Where a message holds the names of two formats (a column of a table with both), the ones that are filled count.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from lyo_pipelines.interactions.chats.parts import Content, are_parts, content_of
from lyo_pipelines.interactions.chats.pictures import Picture, attached_pictures
from lyo_pipelines.interactions.chats.roles import Role, role_of, speaks_calls
from lyo_pipelines.interactions.chats.written import parsed
from lyo_pipelines.interactions.errors import RowError
from lyo_pipelines.interactions.fields.columns import NOTHING
from lyo_pipelines.interactions.fields.scrub import dump_json
from lyo_pipelines.interactions.fields.thumbs import paired_thumb
from lyo_pipelines.json_types import RawRow, is_dict

_SPEAKERS = ("role", "from", "speaker", "sender", "author")
_LISTS = ("parts", "contents", "blocks", "content")
_TEXTS = ("content", "value", "text", "message")
_CALLS = ("tool_calls", "toolCalls", "function_call", "functionCall")
TIMES = (
    "timestamp",
    "created_at",
    "createdAt",
    "create_time",
    "createTime",
    "created",
    "sent_at",
    "sentAt",
    "datetime",
    "ts",
)
JUDGED = ("rating", "thumbs", "feedback", "annotation", "vote", "reaction", "liked", "user_feedback", "userFeedback")
_REASONS = ("finish_reason", "finishReason", "stop_reason", "stopReason", "done_reason", "completionReason")
_NUMBERED_REASONS = {1: "STOP", 2: "MAX_TOKENS", 3: "SAFETY"}
_KINDS: dict[str, Role] = {  # parts of Pydantic AI
    "system-prompt": "system",
    "user-prompt": "user",
    "tool-return": "tool",
    "retry-prompt": "tool",
}


@dataclass(frozen=True)
class Turn:
    """What one speaker said at once. calls: the calls of tools in it, as JSON text, empty without any.

    learnt: False where the log marks it as not to be learnt. others: the message held parts that are no text; images: pictures among
    them, or in what a tool returned; pictures: its own, in order. at: when, as the message says it. judged: what else it says of
    itself under names of feedback.
    """

    role: Role
    text: str
    calls: str = ""
    learnt: bool = True
    finish_reason: str | None = None
    others: bool = False
    images: bool = False
    pictures: tuple[Picture, ...] = ()
    at: Any = None
    judged: RawRow | None = None

    @property
    def content(self) -> str:
        """All that was said, calls after the text."""
        return "\n".join(filter(None, (self.text, self.calls)))


def turns_of(value: Any, speaker: Role | None = None) -> list[Turn]:
    """The turns of a list of messages, of one message, or of a text that is either. Raises RowError for what is none.

    speaker: who said what names no speaker.
    """
    value = parsed(value)
    if value is None or value == "":
        return []
    if is_dict(value) and isinstance(inner := parsed(value.get("messages")), list):
        value = inner
    if not isinstance(value, list):
        return list(_turns(value, speaker))
    if speaker is not None and are_parts(value):
        return list(_turns({"content": value}, speaker))
    if len(value) == 1 and isinstance(value[0], list) and value[0] and is_dict(value[0][0]):
        value = value[0]  # a batch of one
    if pairs := _pairs(value):
        return pairs
    return [turn for item in value for turn in _told(_turns(item, speaker), item)]


def are_messages(value: Any) -> bool:
    """Whether a value is a list of messages: each names a known speaker, or is an item of one."""
    if not isinstance(value, list) or not value:
        return False
    if len(value) == 1 and isinstance(value[0], list):
        return are_messages(value[0])
    return all(is_message(item) for item in value) and any(is_message(item, spoken=True) for item in value)


def is_message(value: Any, *, spoken: bool = False) -> bool:
    """Whether a value is one message; `spoken`: not only an item between messages, such as reasoning."""
    if not is_dict(value):
        return False
    item = opened(value)
    if _speaker_of(item) is not None:
        return any(name in item for name in (*_LISTS, *_TEXTS, *_CALLS))
    if item.get("kind") in ("request", "response") and isinstance(item.get("parts"), list):
        return True
    return _item_role(item) is not None or (not spoken and item.get("type") == "reasoning")


def opened(item: RawRow) -> RawRow:
    """A message without the wrapper around it: OpenInference, a choice, LangChain's dicts and constructors."""
    inner = item.get("message")
    if is_dict(inner) and not any(item.get(name) for name in _SPEAKERS):
        outer = {name: item[name] for name in _REASONS if item.get(name) is not None}
        return {**outer, **opened(inner)}
    if is_dict(inner := item.get("data")) and role_of(item.get("type")):
        return {"role": item["type"], **inner, "type": None}
    if item.get("lc") and is_dict(inner := item.get("kwargs")):
        names = item.get("id")
        name = names[-1] if isinstance(names, list) and names else None
        return {"role": inner.get("type") if role_of(inner.get("type")) else name, **inner, "type": None}
    if any(key.startswith("message.") for key in item):
        return {key.removeprefix("message."): value for key, value in item.items()}
    return item


def reason_in(item: RawRow) -> str | None:
    """Why a model stopped, where a message or the object around it says so."""
    for holder in (item, item.get("response_metadata"), item.get("generation_info")):
        if not is_dict(holder):
            continue
        for name in _REASONS:
            reason = holder.get(name)
            if is_dict(reason):
                reason = reason.get("unified") or reason.get("type")
            if isinstance(reason, int):
                reason = _NUMBERED_REASONS.get(reason)
            if isinstance(reason, str) and reason:
                return reason.rsplit(".", 1)[-1]
    return None


def _told(turns: Iterator[Turn], item: Any) -> Iterator[Turn]:
    """The same turns with the time and the feedback that stand on their message."""
    if not is_dict(item):
        return turns
    at = next((item[name] for name in TIMES if item.get(name) not in (None, "")), None)
    judged = judged_in(item)
    return turns if at is None and not judged else (replace(turn, at=at, judged=judged or None) for turn in turns)


def judged_in(item: RawRow) -> RawRow:
    """What a message says of itself under names of feedback; two flags for one thumb are one."""
    thumb, flags = paired_thumb(item)
    judged = {name: item[name] for name in JUDGED if name not in flags and item.get(name) not in NOTHING}
    return judged if thumb is None else {"thumbs": thumb, **judged}


def _turns(item: Any, speaker: Role | None) -> Iterator[Turn]:
    if isinstance(item, str) and speaker is not None:
        yield from _said(speaker, content_of(item), {})
        return
    if not is_dict(item):
        raise RowError("bad_messages", "expected messages with role and content")
    item = opened(item)
    if isinstance(item.get("parts"), list) and item.get("kind") in ("request", "response"):
        yield from _pydantic_turns(item)
        return
    if item.get("type") == "reasoning" and _speaker_of(item) is None:
        return
    kind = _item_role(item) if not any(item.get(name) for name in _SPEAKERS) else None
    if kind is not None:
        yield from _said(kind, content_of([item]), item)
        return
    role = _role_in(item, speaker)
    content = _content(item)
    if any(speaks_calls(item.get(name)) for name in _SPEAKERS) and not content.calls and content.text:
        yield Turn("assistant", "", content.text, _learnt(item), reason_in(item))
        return
    yield from _said(role, content, item)


def _said(role: Role, content: Content, item: RawRow) -> Iterator[Turn]:
    """The turns of one message: results of tools are the tool's, and text after calls is a turn of its own."""
    for result in content.results:
        yield Turn("tool", result)
    learnt, reason = _learnt(item), reason_in(item)
    calls = dump_json(list(content.calls)) if content.calls else ""
    if role != "assistant":
        if content.text or calls or not content.results:
            yield _turn(role, content, calls, learnt, reason)
        elif content.images:  # beside results alone: of the tool, and nobody's words
            yield Turn("tool", "", others=True, images=True)
    elif content.text_last and calls:
        yield Turn(role, "", calls, learnt)
        yield _turn(role, content, "", learnt, reason)
    elif content.text or calls or not content.results:
        yield _turn(role, content, calls, learnt, reason)


def _turn(role: Role, content: Content, calls: str, learnt: bool, reason: str | None) -> Turn:
    return Turn(role, content.text, calls, learnt, reason, content.others, content.images, content.pictures)


def _content(item: RawRow) -> Content:
    """Text and calls of a message, wherever it keeps them. Raises RowError where two places hold different texts."""
    found = Content()
    for name in _LISTS:
        value = item.get(name)
        value = parsed(value) if name != "content" and isinstance(value, str) else value
        if isinstance(value, list) and value:
            found = content_of(value)
            break
    texts = {name: item[name] for name in _TEXTS if item.get(name) not in NOTHING}
    if not (found.text or found.calls or found.results):
        contents = [content_of(value) for value in texts.values()]
        if len({content.text for content in contents}) > 1:
            raise RowError("two_texts", f"a message holds different texts in {' and '.join(texts)}")
        found = contents[0] if contents else found
    if not found.text and isinstance(item.get("refusal"), str):
        found = replace(found, text=item["refusal"])
    calls = found.calls or _calls_in(item)
    if not found.images and (attached := attached_pictures(item)):
        found = replace(found, others=True, images=True, pictures=attached)
    return replace(found, calls=calls)


def _calls_in(item: RawRow) -> tuple[Any, ...]:
    more = item.get("additional_kwargs")
    for holder in (item, more if is_dict(more) else {}):
        for name in _CALLS:
            value = parsed(holder.get(name))
            if isinstance(value, list) and value:
                return tuple(value)
            if is_dict(value):
                return (value,)
    return ()


def _role_in(item: RawRow, speaker: Role | None) -> Role:
    named = [name for name in _SPEAKERS if item.get(name)]
    if not named:
        role = role_of(item.get("type")) or speaker
        if role is None:
            raise RowError("bad_messages", "expected messages with role and content")
        return role
    roles: set[Role] = {role for name in named if (role := _role_named(item[name])) is not None}
    if len(roles) != 1:
        said = "name two speakers" if roles else "names no speaker that is known (user, assistant, system, tool …)"
        raise RowError("unknown_speaker", f"{' and '.join(named)} {said}")
    return roles.pop()


def _role_named(value: Any) -> Role | None:
    return role_of(value.get("role") or value.get("name") or value.get("type")) if is_dict(value) else role_of(value)


def _speaker_of(item: RawRow) -> Role | None:
    for name in _SPEAKERS:
        if (role := _role_named(item.get(name))) is not None:
            return role
    return role_of(item.get("type"))


def _item_role(item: RawRow) -> Role | None:
    """The speaker of an item of the Responses API that is a call, or the result of one."""
    kind = item.get("type")
    if kind == "function_call" or (isinstance(kind, str) and kind.endswith("_call")):
        return "assistant"
    return "tool" if kind in ("function_call_output", "custom_tool_call_output") else None


def _learnt(item: RawRow) -> bool:
    """Whether a message may be learnt: OpenAI's weight 0, and `train` or `loss` false of other trainers, say no."""
    weight = item.get("weight")
    if weight is not None and weight != "":
        try:
            if float(weight) == 0:
                return False
        except (TypeError, ValueError):
            raise RowError("bad_weight", "expected weight: 0 or 1 on a message") from None
    return not any(item.get(name) is False for name in ("train", "loss"))


def _pairs(value: list[Any]) -> list[Turn]:
    """Pairs of role and text (LangChain), or of question and answer (Gradio); empty for anything else."""
    if not value or not all(isinstance(item, (list, tuple)) and len(item) == 2 for item in value):
        return []
    if not all(isinstance(text, str) or text is None for pair in value for text in pair):
        return []
    named = [Turn(role, text or "") for name, text in value if (role := role_of(name)) is not None]
    if len(named) == len(value):
        return named
    if named:
        raise RowError("bad_messages", "pairs of which some begin with a role and some do not")
    turns: list[Turn] = []
    for asked, said in value:
        turns += [] if asked is None else [Turn("user", asked)]
        turns += [] if said is None else [Turn("assistant", said)]
    return turns


def _pydantic_turns(item: RawRow) -> Iterator[Turn]:
    reason = reason_in(item)
    if item["kind"] == "response":
        yield from _said("assistant", content_of(item["parts"]), {"finish_reason": reason})
        return
    for part in item["parts"]:
        role = _KINDS.get(part.get("part_kind", "")) if is_dict(part) else None
        if role is None:
            raise RowError("unknown_part", "a part of a request of a kind that is not known")
        content = content_of(part.get("content"))
        yield Turn(role, content.text, others=content.others, images=content.images, pictures=content.pictures)
