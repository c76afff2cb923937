"""Sends a message to a Slack webhook, within Slack's limits. The webhook's address is a secret: it is said nowhere."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import httpx

from lyo_pipelines.alerts.alert import one_line
from lyo_pipelines.alerts.errors import ChannelError, without_secrets
from lyo_pipelines.alerts.message import AlertMessage, Group, Section

SECTION_CHARACTERS = 3000
HEADER_CHARACTERS = 150
BLOCKS = 50


def slack_problem(webhook_url: str) -> str:
    """What is missing before Slack can be told, or nothing."""
    return (
        ""
        if webhook_url
        else "Slack is enabled but LYO_SLACK_WEBHOOK is not set: set it to your incoming webhook's URL"
    )


def send_slack(message: AlertMessage, webhook_url: str, *, timeout_seconds: float) -> None:
    """Post one message. Raises ChannelError, without the address, when Slack did not take it."""
    try:
        with _unlogged():
            answer = httpx.post(webhook_url, json=slack_payload(message), timeout=timeout_seconds)
        said = "" if answer.status_code == httpx.codes.OK else f"it answered {answer.status_code}: {answer.text}"
    except httpx.TransportError as error:
        said = f"{type(error).__name__}: {error}"
    except Exception as error:  # an address that cannot be understood, whose message quotes it
        said = f"{type(error).__name__}; look at LYO_SLACK_WEBHOOK"
    if said:  # raised outside the handlers: the exception carries neither the old one nor what it may hold
        path = webhook_url.partition("://")[2].partition("/")[2]
        raise ChannelError(f"Slack was not told: {one_line(without_secrets(said, webhook_url, path), 300)}")


def slack_payload(message: AlertMessage) -> dict[str, object]:
    """The message in Slack's blocks; `text` is what notifications show."""
    blocks: list[Mapping[str, object]] = [
        {"type": "header", "text": {"type": "plain_text", "text": one_line(message.subject, HEADER_CHARACTERS)}}
    ]
    for section in message.sections:
        blocks += [{"type": "section", "text": {"type": "mrkdwn", "text": text}} for text in _texts(section)]
    if len(blocks) > BLOCKS:
        cut = {"type": "section", "text": {"type": "mrkdwn", "text": "and more than fits into one message"}}
        blocks = [*blocks[: BLOCKS - 1], cut]
    return {"text": escape(message.subject), "blocks": blocks, "unfurl_links": False, "unfurl_media": False}


def escape(text: str) -> str:
    """The three characters that mean something to Slack, as text."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _texts(section: Section) -> Iterator[str]:
    """The lines of a section in pieces that fit into a block."""
    lines = [f"*{escape(section.heading)}*", *(line for group in section.groups for line in _lines(group))]
    if section.unlisted:
        lines.append(f"and {section.unlisted:,} more")
    piece = ""
    for line in lines:
        if piece and len(piece) + 1 + len(line) > SECTION_CHARACTERS:
            yield piece
            piece = ""
        piece = f"{piece}\n{line}" if piece else line
    yield piece


def _lines(group: Group) -> Iterator[str]:
    yield escape(group.title) if group.count == 1 else f"{escape(group.title)} ({group.count} times)"
    for line in group.lines:
        yield f"• <{_link(line.url)}|{escape(line.text)}>" if line.url else f"• {escape(line.text)}"
    if group.more:
        yield f"and {group.more:,} more"


def _link(url: str) -> str:
    return escape(url).replace("|", "%7C")


@contextmanager
def _unlogged() -> Iterator[None]:
    """httpx logs the address of every request; not this one, not from this thread."""
    logger, here = logging.getLogger("httpx"), threading.get_ident()

    def from_elsewhere(record: logging.LogRecord) -> bool:
        return record.thread != here

    logger.addFilter(from_elsewhere)
    try:
        yield
    finally:
        logger.removeFilter(from_elsewhere)
