"""Who speaks: the many names that tools have for user, assistant, system and tool. Case, spaces, `_` and `-` do not matter."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

Role = Literal["user", "assistant", "system", "tool"]

_NAMES: dict[Role, tuple[str, ...]] = {
    "user": (
        "user",
        "human",
        "student",
        "learner",
        "pupil",
        "prompter",
        "enduser",
        "humanmessage",
        "usermessage",
        "userinput",
        "visitor",
        "customer",
        "client",
        "contact",
        "guest",
        "enquirer",
    ),
    "assistant": (
        *("assistant", "ai", "gpt", "chatgpt", "model", "bot", "chatbot", "llm", "agent", "tutor", "bing", "bard"),
        *(
            "claude",
            "gemini",
            "aimessage",
            "assistantmessage",
            "apimessage",
            "botmessage",
            "agentbot",
            "automatedagent",
            "virtualassistant",
            "aiassistant",
        ),
    ),
    "system": ("system", "developer", "systemmessage", "developermessage"),
    "tool": (
        *("tool", "function", "observation", "functionresponse", "toolresponse", "toolresult", "functioncalloutput"),
        *("toolmessage", "functionmessage", "ipython"),
    ),
}
_ROLES: dict[str, Role] = {name: role for role, names in _NAMES.items() for name in names}
_CALLS = ("functioncall", "toolcall")


def role_of(name: Any) -> Role | None:
    """The role that a name of a speaker stands for, or None where the name is not known."""
    plain = _plain(name).removesuffix("chunk") if isinstance(name, str) else ""
    return "assistant" if plain in _CALLS else _ROLES.get(plain)


def speaks_calls(name: Any) -> bool:
    """Whether all that this speaker says is calls of tools."""
    return isinstance(name, str) and _plain(name) in _CALLS


@lru_cache(maxsize=1024)
def _plain(name: Any) -> str:
    if not isinstance(name, str) or len(name) > 60:
        return ""
    return "".join(letter for letter in name.rsplit(".", 1)[-1].lower() if letter.isalnum())
