"""The channels that are turned on, each with what it wants to hear and how it sends."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from lyo_pipelines.alerts.alert import Alert, Resolved
from lyo_pipelines.alerts.errors import ChannelError
from lyo_pipelines.alerts.mail import email_problem, send_email
from lyo_pipelines.alerts.message import AlertMessage, compose_message
from lyo_pipelines.alerts.pending import pending_alerts
from lyo_pipelines.alerts.slack import send_slack, slack_problem
from lyo_pipelines.alerts.state import ChannelState
from lyo_pipelines.config.alerts import AlertConfig, AlertSecrets, Kinds

NAMES = ("email", "slack")


@dataclass(frozen=True)
class Channel:
    """One way to reach people. `problem` says what is missing; `send` returns the recipients that were refused."""

    name: str
    kinds: Kinds
    problem: str
    send: Callable[[AlertMessage], tuple[str, ...]]


@dataclass(frozen=True)
class Delivery:
    """What a channel was told just now, and its state from now on."""

    alerts: int
    refused: tuple[str, ...]
    state: ChannelState


def open_channels(config: AlertConfig, secrets: AlertSecrets, now: datetime) -> list[Channel]:
    """The channels that are turned on."""
    channels = []
    password, webhook = secrets.smtp_password.get_secret_value(), secrets.slack_webhook.get_secret_value()
    if config.email.enabled:

        def mail(message: AlertMessage) -> tuple[str, ...]:
            seconds = config.timeout_seconds
            return send_email(message, config.email, password, now=now, timeout_seconds=seconds)

        problem = email_problem(config.email, password)
        channels.append(Channel("email", config.email.kinds, problem, mail))
    if config.slack.enabled:

        def post(message: AlertMessage) -> tuple[str, ...]:
            send_slack(message, webhook, timeout_seconds=config.timeout_seconds)
            return ()

        channels.append(Channel("slack", config.slack.kinds, slack_problem(webhook), post))
    return channels


def notify_channel(
    channel: Channel,
    observed: Iterable[Alert | Resolved],
    state: ChannelState,
    config: AlertConfig,
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
    due, told = pending_alerts(wanted, state.told, now, timedelta(hours=config.repeat_after_hours))
    refused = channel.send(compose_message(due, most_listed=config.most_listed)) if due else ()
    return Delivery(len(due), refused, state.model_copy(update={"told": told}))
