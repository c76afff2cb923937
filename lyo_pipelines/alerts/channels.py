"""The channels that are turned on, each with what it wants to hear and how it sends."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from lyo_pipelines.alerts.alert import Alert, Resolved
from lyo_pipelines.alerts.errors import ChannelError
from lyo_pipelines.alerts.mail import email_problem, send_email
from lyo_pipelines.alerts.message import Message, compose
from lyo_pipelines.alerts.pending import pending
from lyo_pipelines.alerts.slack import send_slack, slack_problem
from lyo_pipelines.alerts.state import ChannelState
from lyo_pipelines.config.alerts import AlertFigures, AlertSecrets, Kinds

NAMES = ("email", "slack")


@dataclass(frozen=True)
class Channel:
    """One way to reach people. `problem` says what is missing; `send` returns the recipients that were refused."""

    name: str
    kinds: Kinds
    problem: str
    send: Callable[[Message], tuple[str, ...]]


@dataclass(frozen=True)
class Delivery:
    """What a channel was told just now, and its state from now on."""

    alerts: int
    refused: tuple[str, ...]
    state: ChannelState


def open_channels(figures: AlertFigures, secrets: AlertSecrets, now: datetime) -> list[Channel]:
    """The channels that are turned on."""
    channels = []
    password, webhook = secrets.smtp_password.get_secret_value(), secrets.slack_webhook.get_secret_value()
    if figures.email.enabled:

        def mail(message: Message) -> tuple[str, ...]:
            seconds = figures.timeout_seconds
            return send_email(message, figures.email, password, now=now, timeout_seconds=seconds)

        problem = email_problem(figures.email, password)
        channels.append(Channel("email", figures.email.kinds, problem, mail))
    if figures.slack.enabled:

        def post(message: Message) -> tuple[str, ...]:
            send_slack(message, webhook, timeout_seconds=figures.timeout_seconds)
            return ()

        channels.append(Channel("slack", figures.slack.kinds, slack_problem(webhook), post))
    return channels


def tell(
    channel: Channel,
    observed: Iterable[Alert | Resolved],
    state: ChannelState,
    figures: AlertFigures,
    now: datetime,
) -> Delivery:
    """Send what is news to the channel in one message.

    state: the channel's state with the positions behind `observed`. Raises ChannelError when nothing was sent; the caller then
    keeps the state it had, and the same alerts are due again.
    """
    if channel.problem:
        raise ChannelError(channel.problem)
    wanted = [
        one for one in observed if isinstance(one, Resolved) or channel.kinds == "all" or one.kind in channel.kinds
    ]
    due, told = pending(wanted, state.told, now, timedelta(hours=figures.repeat_after_hours))
    refused = channel.send(compose(due, most_listed=figures.most_listed)) if due else ()
    return Delivery(len(due), refused, state.model_copy(update={"told": told}))
