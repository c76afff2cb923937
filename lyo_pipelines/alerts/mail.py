"""Sends a message by SMTP. What the message says does not belong here."""

from __future__ import annotations

import smtplib
import ssl
from contextlib import closing, suppress
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid

from lyo_pipelines.alerts.alert import one_line
from lyo_pipelines.alerts.errors import ChannelError, without_secrets
from lyo_pipelines.alerts.message import AlertMessage
from lyo_pipelines.config.alerts import EmailConfig

_IN_THE_OPEN = (
    "alerts.email.username is set and security is none: the password would cross the network as it is. "
    "Use starttls or ssl, or no username"
)


def email_problem(config: EmailConfig, password: str) -> str:
    """What is missing before e-mail can be sent, or nothing."""
    missing = [f"alerts.email.{name}" for name in ("host", "sender", "recipients") if not getattr(config, name)]
    if missing:
        return f"e-mail is enabled but {', '.join(missing)} is empty: set it in your config.yaml"
    if config.username and config.security == "none":
        return _IN_THE_OPEN
    if config.username and not password:
        return "alerts.email.username is set but LYO_SMTP_PASSWORD is not: set it in the environment"
    return ""


def send_email(
    message: AlertMessage, config: EmailConfig, password: str, *, now: datetime, timeout_seconds: float
) -> tuple[str, ...]:
    """Send one message to all recipients; return those whom the server refused while it took the others.

    Raises ChannelError, without the password, when the message went to nobody.
    """
    if config.username and config.security == "none":
        raise ChannelError(_IN_THE_OPEN)
    said = ""
    try:
        letter = _letter(message, config, now)
        with closing(_connect(config, timeout_seconds)) as server:
            if config.security == "starttls":
                server.starttls(context=ssl.create_default_context())
            if config.username:
                server.login(config.username, password)
            refused = tuple(server.send_message(letter))
            with suppress(OSError, smtplib.SMTPException):  # sent is sent, whatever the server says to goodbye
                server.quit()
            return refused
    except (OSError, smtplib.SMTPException, ValueError) as error:
        said = f"{type(error).__name__}: {error}"
    # raised outside the handler: the exception carries neither the old one nor what it may hold
    where = f"{config.host}:{config.port} ({config.security})"
    raise ChannelError(f"e-mail by {where} was not sent: {one_line(without_secrets(said, password), 300)}")


def _connect(config: EmailConfig, timeout_seconds: float) -> smtplib.SMTP:
    if config.security == "ssl":
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(config.host, config.port, timeout=timeout_seconds, context=context)
    return smtplib.SMTP(config.host, config.port, timeout=timeout_seconds)


def _letter(message: AlertMessage, config: EmailConfig, now: datetime) -> EmailMessage:
    letter = EmailMessage()
    letter["Subject"] = message.subject
    letter["From"] = config.sender
    letter["To"] = ", ".join(config.recipients)
    letter["Date"] = format_datetime(now)
    # the sender's domain, not the name of this machine
    letter["Message-ID"] = make_msgid(domain=config.sender.rstrip(">").rpartition("@")[2] or "localhost")
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(message.text)
    return letter
