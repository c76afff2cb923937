"""The one base of every error that a person can act on: what is wrong, and what to do about it.

The command and both engines catch this base and nothing else. Any other exception is a fault of ours (faults.py): it is shown with
its traceback and with how to report it, never as if the user had made a mistake.
"""

from __future__ import annotations

_SENTENCE_ENDS = (".", "!", "?", ":", "…")


class LyoError(Exception):
    """An expected error: `message` says what is wrong and names the file, field or value; `hint` says what to do.

    `str(error)` is both, as sentences. A subclass stands beside the code that raises it, and is named for what went wrong.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(
            message
        )  # the message alone: an exception that crosses processes is made anew from its arguments
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        if not self.hint:
            return self.message
        return f"{self.message}{'' if self.message.endswith(_SENTENCE_ENDS) else '.'} {self.hint}"
