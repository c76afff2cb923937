"""What goes wrong between an alert and its reader. No message here ever holds a secret."""

from __future__ import annotations

from lyo_pipelines.errors import LyoError


class ChannelError(LyoError):
    """A channel cannot send; the message says why and, where it can be known, what to do."""


def without_secrets(text: str, *secrets: str) -> str:
    """The text with every secret in it blacked out."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "***")
    return text
