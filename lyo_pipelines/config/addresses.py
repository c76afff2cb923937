"""Addresses in a configuration: they are shown in errors and reports, so a secret may stand in none of them."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import parse_qsl, urlsplit

from pydantic import AfterValidator

_SECRET_NAMES = ("key", "token", "secret", "password", "passwd", "sig", "auth", "credential", "access")


def refuse_credentials(address: str) -> str:
    """The address, unless it holds a user, a password or what looks like a key. The error does not quote it."""
    try:
        parts = urlsplit(address)
        inside = "@" in (
            parts.netloc if "//" in address else address
        )  # `user:password@host` has no scheme, or "user" as one
        names = [name.lower() for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
    except ValueError:
        raise ValueError("this is no address") from None
    if inside:
        raise ValueError("an address holds no user and no password: name the environment variable with the key instead")
    if parts.fragment or any(word in name for name in names for word in _SECRET_NAMES):
        raise ValueError(
            "an address holds no key, and nothing behind a #: name the environment variable with the key instead"
        )
    return address


WithoutCredentials = Annotated[str, AfterValidator(refuse_credentials)]
"""An address without user, password and keys."""
