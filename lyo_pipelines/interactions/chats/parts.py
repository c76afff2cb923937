"""The content of one message: text, calls of tools, results of tools, and parts that are no text, in any tool's spelling.

Understood are the parts of OpenAI (chat, Responses, Assistants), Anthropic, Gemini, Bedrock, the Vercel AI SDK, the GenAI conventions,
OpenInference, LlamaIndex and ChatGPT's own export. Reasoning is no answer. A part of an unknown kind that holds text is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from lyo_pipelines.interactions.chats.pictures import Picture, picture_of
from lyo_pipelines.interactions.chats.written import parsed
from lyo_pipelines.interactions.errors import RowError
from lyo_pipelines.interactions.fields.scrub import dump_json
from lyo_pipelines.json_types import RawRow, is_dict

_TEXT = ("text", "outputtext", "inputtext", "textdelta", "markdown", "string", "textpart")
_CALLS = (
    *("tooluse", "toolcall", "functioncall", "servertooluse", "toolcalls", "mcpcall", "customtoolcall", "webcall"),
    *("websearchcall", "filesearchcall", "codeinterpretercall", "computercall", "servertoolcall"),
)
_RESULTS = (
    *("toolresult", "toolcallresponse", "functioncalloutput", "functionresponse", "toolresponse", "toolreturn"),
    *("websearchtoolresult", "toolcalloutput", "codeexecutiontoolresult", "mcptoolresult", "customtoolcalloutput"),
)
_REASONING = (
    "thinking",
    "redactedthinking",
    "reasoning",
    "reasoningtext",
    "summarytext",
    "reasoningcontent",
    "thought",
)
_OTHERS = (
    *("image", "imageurl", "inputimage", "file", "inputfile", "audio", "inputaudio", "outputaudio", "video", "blob"),
    *("uri", "document", "media", "imagefile", "imageassetpointer", "videourl", "source", "sourceurl", "stepstart"),
    *(
        "stepfinish",
        "cachepoint",
        "guardcontent",
        "filedata",
        "inlinedata",
        "audiourl",
        "documenturl",
        "sourcedocument",
    ),
)
_KEYED = {  # parts without a type are told by their one key: Gemini, Bedrock
    "functionCall": "toolcall",
    "function_call": "toolcall",
    "toolUse": "tooluse",
    "functionResponse": "toolresult",
    "function_response": "toolresult",
    "toolResult": "toolresult",
    "reasoningContent": "reasoning",
    "inlineData": "image",
    "inline_data": "image",
    "fileData": "image",
    "file_data": "image",
    "image": "image",
    "document": "document",
    "video": "video",
    "cachePoint": "cachepoint",
    "executableCode": "toolcall",
    "codeExecutionResult": "toolresult",
}
_MEDIA_TYPES = ("mimeType", "mime_type", "media_type", "mediaType")
_OF_A_TEXT_PART = {
    *(
        "type",
        "text",
        "content",
        "annotations",
        "citations",
        "cache_control",
        "index",
        "logprobs",
        "id",
        "providerOptions",
    ),
    *(
        "providerMetadata",
        "provider_options",
        "provider_metadata",
        "block_type",
        "extras",
        "thought_signature",
        "state",
    ),
    *("thoughtSignature", "phase", "part_kind"),
}


@dataclass(frozen=True)
class Content:
    """What one message holds. calls: JSON objects in their order; results: texts that tools returned.

    text_last: whether the text came after the calls. others: there are parts that are no text; images: pictures among them.
    pictures: those of the message itself, in order; one that a tool returned is in none of them.
    """

    text: str = ""
    calls: tuple[Any, ...] = ()
    results: tuple[str, ...] = ()
    text_last: bool = False
    others: bool = False
    images: bool = False
    pictures: tuple[Picture, ...] = ()


def content_of(value: Any) -> Content:
    """The content of a message. Text stays as it is written, unless it is a JSON list of typed parts. Raises RowError."""
    if value is None:
        return Content()
    if isinstance(value, str):
        inner = parsed(value) if value[:64].lstrip()[:1] in ("[", '"') else value
        return content_of(inner) if are_parts(inner, typed=True) else Content(value)
    if isinstance(value, list):
        return _of_parts(value)
    if not is_dict(value):
        return Content(value if isinstance(value, str) else dump_json(value))
    if isinstance(value.get("parts"), list):  # ChatGPT's export, Gemini
        return _of_parts(value["parts"])
    return _of_parts([value]) if _kind(value) else Content(dump_json(value))


def are_parts(value: Any, *, typed: bool = False) -> bool:
    """Whether a value is a list of content parts and of nothing else; `typed`: each says its kind and holds no key of another."""
    if not isinstance(value, list) or not value or not all(is_dict(item) for item in value):
        return False
    kinds = [_kind(_opened(item)) for item in value]
    if not all(kinds):
        return False
    texts = [_opened(item) for item, kind in zip(value, kinds, strict=True) if kind == "text"]
    return not typed or all("type" in item and item.keys() <= _OF_A_TEXT_PART for item in texts)


def joined_texts(texts: list[str]) -> str:
    """Parts of one message: a line each, but none where the seam is inside of a sentence."""
    result = ""
    for text in texts:
        if result and text:
            inside = result[-1].isspace() or text[0].isspace() or text[0] in ".,;:!?)]}’”%" or result[-1] in "([{‘“"
            result += text if inside else "\n" + text
        else:
            result += text
    return result


def _of_parts(parts: list[Any]) -> Content:
    result = Content()
    texts: list[str] = []
    for part in parts:
        for name, value in _read(part):
            if name == "text":
                texts.append(value)
                result = replace(result, text_last=bool(result.calls))
            elif name == "call":
                result = replace(result, calls=(*result.calls, value), text_last=False)
            elif name == "result":
                result = replace(result, results=(*result.results, value))
            elif isinstance(value, Picture):
                result = replace(result, others=True, images=True, pictures=(*result.pictures, value))
            else:
                result = replace(result, others=True, images=result.images or value)
    return replace(result, text=joined_texts(texts))


def _read(part: Any) -> Iterator[tuple[str, Any]]:
    """What one part is: text, call, result or other (a picture, or whether it holds one). Reasoning is nothing."""
    if isinstance(part, str):
        yield "text", part
        return
    if not is_dict(part):
        if part is not None:
            raise RowError("unknown_part", "expected parts of a message: text, or objects with a type")
        return
    part = _opened(part)
    kind = _kind(part)
    if kind == "text":
        text = _text_in(part)
        if text:
            yield "text", text
    elif kind == "refusal":
        yield "text", str(part["refusal"])
    elif kind == "call":
        yield "call", part
    elif kind == "result":
        yield "result", _result_in(part)
        if _result_shows(part):
            yield "other", True
    elif kind == "other":
        yield "other", picture_of(part) if _is_image(part) else False
    elif kind != "reasoning":
        if any(isinstance(value, str) and " " in value for value in part.values()):
            raise RowError("unknown_part", f"a part of a message of type {str(part.get('type'))[:40]!r} is not known")
        yield "other", picture_of(part) if _is_image(part) else False


def _opened(part: RawRow) -> RawRow:
    """A part without the wrapper that OpenInference puts around it."""
    inner = part.get("message_content")
    if is_dict(inner):
        return inner
    if any(key.startswith("message_content.") for key in part):
        return {key.removeprefix("message_content."): value for key, value in part.items()}
    return part


def _kind(part: RawRow) -> str | None:
    """text, refusal, call, result, reasoning, other, or None for what is no known part."""
    if part.get("thought") is True:
        return "reasoning"
    named = part.get("type") or part.get("block_type") or part.get("part_kind")
    if named is None:
        named = next((kind for key, kind in _KEYED.items() if part.get(key) is not None), None)
        if named is None:
            return "text" if isinstance(part.get("text"), str) and part.keys() <= _OF_A_TEXT_PART else None
    plain = "".join(letter for letter in str(named).lower() if letter.isalnum())
    if plain == "refusal" and isinstance(part.get("refusal"), str):
        return "refusal"
    if plain in _TEXT and any(_text_in(part, name) is not None for name in ("text", "content", "value")):
        return "text"
    for kind, names in (("call", _CALLS), ("result", _RESULTS), ("reasoning", _REASONING), ("other", _OTHERS)):
        if plain in names or (plain.startswith("tool") and "-" in str(named) and kind == "call"):
            return kind
    return None


def _is_image(part: RawRow) -> bool:
    """Whether a part that is no text is a picture: by its type, the key that holds it, or the media type that it names."""
    media = [
        value for one in (part, *part.values()) if is_dict(one) for name, value in one.items() if name in _MEDIA_TYPES
    ]
    if any(isinstance(value, str) for value in media):
        return any(isinstance(value, str) and value.startswith("image/") for value in media)
    named = part.get("type") or part.get("block_type") or part.get("part_kind") or ""
    return "image" in str(named).lower() or any(_KEYED.get(key) == "image" for key in part)


def _result_shows(part: RawRow) -> bool:
    """Whether what a tool returned holds a picture."""
    return any(are_parts(value) and content_of(value).images for value in part.values() if isinstance(value, list))


def _text_in(part: RawRow, *names: str) -> str | None:
    for name in names or ("text", "content", "value"):
        value = part.get(name)
        if is_dict(value):
            value = value.get("value")  # OpenAI Assistants
        if isinstance(value, str):
            return value
    return None


def _result_in(part: RawRow) -> str:
    inner = next((value for value in part.values() if is_dict(value)), None) if "type" not in part else None
    holder = inner or part
    for name in ("content", "output", "result", "response", "text"):
        value = holder.get(name)
        if value is None:
            continue
        return value if isinstance(value, str) else content_of(value).text or dump_json(value)
    return dump_json(part)
