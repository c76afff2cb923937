"""Text that holds a value (JSON, or what Python prints), text that was meant to and does not, and text that somebody cut.

A text that begins like messages and cannot be parsed was cut, or printed by a program: it is refused, for nobody wrote it.
"""

from __future__ import annotations

import ast
import json
import re
from typing import Any

import orjson

from lyo_pipelines.interactions.errors import RowError

_MESSAGES = (
    "role|content|parts|contents|messages|from|author|message|choices|generations|candidates|chat_history|history|conversation|"
    "conversations|lc|kwargs|blocks|tool_calls|input_messages|output_messages|"
    r"message\.(?:role|content|contents|tool_calls)|message_content\.\w+"
)
_INPUTS = "input|question|query|prompt|instruction|user_input|inputs"
_OUTPUTS = "output|answer|response|completion|result|generated_text"
_KINDS = "text|message|output_text|input_text|human|ai|constructor|tool_use|thinking|reasoning|function_call|tool_call|image_url"
_LOOKED_AT = 4000
_MOST_PRINTED = 1 << 20

_BEGINS = re.compile(
    rf"""[\[{{\s]*["'](?:{_MESSAGES})["']\s*:|[\[{{\s]*["']type["']\s*:\s*["'](?:{_KINDS})["']"""
    r"""|\{\s*["']id["']\s*:\s*["'](?:chatcmpl|resp_|msg_|cmpl-)"""
)
_SPOKEN = re.compile(r"""["']role["']\s*:\s*["']""")
_ASKED = re.compile(rf"""\{{\s*["'](?:{_INPUTS})["']\s*:""")
_PRINTED = re.compile(rf"""\{{\s*'(?:{_INPUTS}|{_OUTPUTS})'\s*:""")
_OBJECTS = re.compile(
    r"\[?\s*(?:Human|AI|System|Tool|Function|Chat)Message(?:Chunk)?\(|\[?\s*(?:ChatCompletion\w*|ModelResponse|Choices?"
    r"|Message|GenerateContentResponse|ModelRequest|LLMResult|ChatResponse|TextBlock)\(|content=['\"]"
)
_CUT = re.compile(
    r"<truncated\b[^<>]{0,120}>|\(litellm_truncated\b|(?:\.\.\.|…)\s*[\[(<]\s*(?:[a-z]+ )?truncated\b[^\])>]{0,80}[\])>]\s*$"
    r"|[\[<(](?:\.\.\.|…)?\s*truncated(?:\s*(?:\.\.\.|…))?[\])>]\s*$|(?:\.\.\.|…)\s*truncated\.?\s*$"
    r"|(?:\.\.\.|…)\s*[\[(<]\+?\d+ (?:more )?(?:characters|chars|bytes|tokens)(?: (?:truncated|omitted|more))?[\])>]\s*$"
    r"|(?:\.\.\.|…)\s*\+?\d+ more (?:characters|chars|bytes|tokens)\s*$",
    re.IGNORECASE,
)
_CUT_WORDS = ("runcated", "RUNCATED", "characters", "chars", "bytes", "tokens")


def parsed(value: Any, *, asked: bool = False) -> Any:
    """What a text holds where it holds messages or JSON, any other value as it is.

    asked: the text is a model's input, which may be an object with a question in it. Raises RowError for a text that begins like
    messages and cannot be parsed.
    """
    if not isinstance(value, str):
        return value
    text = value.strip()
    if text[:1] not in ("{", "["):
        if text[:2] in ('"[', '"{') and text[-1:] == '"':  # JSON inside a JSON string
            inner = _json(text)
            return parsed(inner, asked=asked) if isinstance(inner, str) and _is_meant(inner.strip(), asked) else value
        if _OBJECTS.match(text):
            raise RowError("broken_messages", "text that a program printed: objects of Python are no messages")
        return value
    found = _json(text)
    if found is not None:
        return found
    if _OBJECTS.match(text):
        raise RowError("broken_messages", "text that a program printed: objects of Python are no messages")
    if not _is_meant(text, asked) and not _PRINTED.match(text):
        return value
    return _printed_by_python(text)


def refuse_cut(text: str | None, name: str) -> None:
    """Raise RowError where a text ends with the mark of a program that cut it, or begins like messages and is none."""
    if not text:
        return
    if any(word in text for word in _CUT_WORDS) and _CUT.search(text):
        raise RowError("cut_text", f"{name} ends with the mark of a program that cut it")
    start = text[:1]
    if start in ("{", "[", "c", "H", "A", "S", "T", "F", "C", "M", "G", "L"):
        parsed(text)


def _is_meant(text: str, asked: bool) -> bool:
    if _BEGINS.match(text) or (asked and _ASKED.match(text)):
        return True
    return _SPOKEN.search(text, 0, _LOOKED_AT) is not None


def _json(text: str) -> Any:
    try:
        return orjson.loads(text)
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        pass  # Python's own reader takes NaN and half surrogate pairs, which its writer writes
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _printed_by_python(text: str) -> Any:
    """A list or dict as Python prints it: literals only, nothing is run."""
    try:
        found = ast.literal_eval(text) if len(text) <= _MOST_PRINTED else None
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        found = None
    if not isinstance(found, (dict, list)):
        raise RowError("broken_messages", "text that begins like messages and cannot be parsed: cut, or no JSON")
    return found
