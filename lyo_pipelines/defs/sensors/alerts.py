"""Sends alerts by e-mail and Slack about what failed, fired or became stale: one message per channel and tick.

A failed tick does not save its cursor, and what one channel was told must survive the failure of the other. So each channel's
state lies under a key of its own in the instance's key-value storage, beside the runs that it points into: it is saved as soon
as that channel has been told, and goes when the instance's history goes.
"""

from collections.abc import Mapping
from datetime import datetime

import dagster as dg

from lyo_pipelines.alerts.channels import NAMES, Channel, notify_channel, open_channels
from lyo_pipelines.alerts.errors import ChannelError
from lyo_pipelines.alerts.state import ChannelState, fresh_state, load_state
from lyo_pipelines.config.settings import Settings
from lyo_pipelines.defs import clock
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.defs.sensors.alert_sources import AlertSources, first_check
from lyo_pipelines.errors import LyoError

KEYS = {name: f"lyo_pipelines/alerts/{name}" for name in NAMES}


class AlertsNotSentError(LyoError):
    """A channel could not be told; its alerts are due again at the next tick."""


@dg.sensor(
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "Sends an alert by e-mail and Slack about failed runs, failed checks, fired triggers and stale daily data. Both channels are "
        "off until they are configured under `alerts:`. Launches no runs. If a message cannot be sent, the tick fails and a later "
        "tick sends it."
    ),
)
def alerts_sensor(context: dg.SensorEvaluationContext, store: Store) -> dg.SkipReason:
    """Tell every channel that is on what is new to it."""
    config, now = store.load_config().alerts, clock.current_time()
    channels = open_channels(config, Settings.from_env().alert_secrets, now)
    kept = context.instance.daemon_cursor_storage.get_cursor_values(set(KEYS.values()))
    _forget(context.instance, kept, {channel.name for channel in channels})
    if not channels:
        return dg.SkipReason("alerts are off: turn on alerts.email or alerts.slack in your config.yaml")
    watch = AlertSources(context.instance, config.ui_url, now)
    told, failed = [], []
    for channel in channels:
        state = load_state(kept.get(KEYS[channel.name], "")) or _start(context.instance, channel, now)
        seen, moved = watch.since(state)
        try:
            delivery = notify_channel(channel, seen, moved, config, now)
        except ChannelError as error:
            failed.append(str(error))
            continue
        _save(context.instance, channel, delivery.state)
        if delivery.refused:
            context.log.warning(f"{channel.name}: {len(delivery.refused)} recipients were refused by the server")
        if delivery.alerts:
            told.append(f"alerts sent to {channel.name}: {delivery.alerts}")
    if failed:
        raise AlertsNotSentError("; ".join([*failed, *told]))
    return dg.SkipReason("; ".join(told) or "nothing new to tell")


def _start(instance: dg.DagsterInstance, channel: Channel, now: datetime) -> ChannelState:
    """Begin with a channel; saved at once, so that what happens before it can send is not forgotten."""
    state = fresh_state(now, first_check(instance))
    _save(instance, channel, state)
    return state


def _save(instance: dg.DagsterInstance, channel: Channel, state: ChannelState) -> None:
    instance.daemon_cursor_storage.set_cursor_values({KEYS[channel.name]: state.model_dump_json()})


def _forget(instance: dg.DagsterInstance, kept: Mapping[str, str], on: set[str]) -> None:
    """A channel that is off begins anew when it is turned on: nobody wants the news of the weeks between."""
    gone = {key: "" for name, key in KEYS.items() if name not in on and kept.get(key)}
    if gone:
        instance.daemon_cursor_storage.set_cursor_values(gone)
