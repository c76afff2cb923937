"""Whose answers are invited to be rated: a share of them, by a hash of the interaction, so that nothing about it matters.

Ratings of volunteers depend on how good the answer was; only those that were asked for at random can be taken for all.
"""

from __future__ import annotations

from hashlib import sha256

FIELD = "rating_invited"
"""Of a row: true where its reader was invited."""
HEADER = "x-lyo-invite-rating"


def is_invited(interaction: str, share: float) -> bool:
    """Whether the reader of an answer is invited; the same whenever it is asked. share: 0 to 1."""
    digest = sha256(f"invitation\x1f{interaction}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64
