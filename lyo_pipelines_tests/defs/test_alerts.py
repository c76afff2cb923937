"""The alerts sensor on a real instance, a real mail server and a real webhook: told once, nothing lost, nothing secret said."""

from __future__ import annotations

import itertools
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

# private: Dagster offers no public way to run one iteration of its daemons at a chosen time
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.test_utils import create_test_daemon_workspace_context, freeze_time
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import IWorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster._daemon.freshness import FreshnessDaemon
from dagster._daemon.sensor import execute_sensor_iteration
from dagster._time import get_current_datetime

from lyo_pipelines.defs.assets.interactions import raw_interactions
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.defs.sensors import alert_sources
from lyo_pipelines.defs.sensors import alerts as sensor_module
from lyo_pipelines.defs.sensors.alerts import AlertsNotSentError, alerts_sensor
from lyo_pipelines_tests.alerts.sample_alerts import MailServer, Webhook, mail_server, webhook
from lyo_pipelines_tests.defs.conftest import Clock

SEGMENTS = dg.StaticPartitionsDefinition(["tutoring.en.math", "tutoring.hi.math"])
SERVED = dg.Definitions(assets=[raw_interactions], sensors=[alerts_sensor], resources={"store": Store()})
QUIET = logging.getLogger("quiet")
QUIET.disabled = True  # what a tick says is read from its record
USERS_TEXT = "my name is Asha and I live in Pune"


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture
def slack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    with webhook() as receiver:
        monkeypatch.setenv("LYO_SLACK_WEBHOOK", receiver.url)
        yield receiver


def configured(store: Store, **sections: Any) -> Store:
    """The store with a user's `alerts:` section."""
    path = Path(store.data_dir).with_name("config.yaml")
    path.write_text(yaml.safe_dump({"alerts": sections}))
    return Store(data_dir=store.data_dir, config_path=str(path))


def both(store: Store, mail: MailServer, **sections: Any) -> Store:
    return configured(store, **{"email": mail.email_config(), "slack": {"enabled": True}, **sections})


def tick(instance: dg.DagsterInstance, store: Store) -> str:
    """One evaluation, as the daemon would call it; returns what the tick says."""
    skipped = alerts_sensor(dg.build_sensor_context(instance=instance, resources={"store": store}))
    assert isinstance(skipped, dg.SkipReason)
    return skipped.skip_message or ""


def run(
    instance: dg.DagsterInstance,
    *,
    error: Exception | None = None,
    check: dg.AssetCheckResult | None = None,
    segment: str = "tutoring.en.math",
    declared: bool = True,
    **tags: str,
) -> str:
    """One run of a partitioned asset with a check (`declared`: the check says that it has partitions); returns its id."""
    spec = dg.AssetCheckSpec("honest", asset="thing", partitions_def=SEGMENTS if declared else None)

    @dg.asset(partitions_def=SEGMENTS, check_specs=[spec])
    def thing():
        if error:
            raise error
        yield dg.MaterializeResult()
        yield check or dg.AssetCheckResult(check_name="honest", passed=True)

    done = dg.materialize([thing], instance=instance, partition_key=segment, raise_on_error=False, tags=tags)
    return done.run_id


def failing(severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(check_name="honest", passed=False, severity=severity, description=USERS_TEXT)


def test_nothing_is_sent_or_kept_until_a_channel_is_turned_on(instance, store, mail, slack):
    run(instance, error=ValueError("broken"))
    assert "alerts are off" in tick(instance, configured(store))
    assert (mail.letters, slack.got) == ([], [])
    assert instance.daemon_cursor_storage.get_cursor_values(set(sensor_module.KEYS.values())) == {}


def test_many_failures_are_one_message_per_channel_and_the_next_tick_is_silent(instance, store, mail, slack):
    store = both(store, mail)
    ids = [run(instance, error=ValueError(USERS_TEXT), segment=key) for key in SEGMENTS.get_partition_keys()]
    assert tick(instance, store) == "alerts sent to email: 2; alerts sent to slack: 2"
    assert tick(instance, store) == "nothing new to tell"
    (letter,), (payload,) = mail.letters, slack.got
    assert letter["Subject"] == payload["text"] == "Lyo pipelines: 2 failed runs"
    for run_id in ids:
        assert f"http://127.0.0.1:3000/runs/{run_id}" in letter.get_content()
    assert "tutoring.hi.math, thing: ValueError" in letter.get_content()
    assert USERS_TEXT not in letter.get_content() + str(payload)


def test_what_this_project_says_of_a_failure_is_passed_on(instance, store, slack):
    store = configured(store, slack={"enabled": True})
    run(instance, error=dg.Failure("tutoring.en.math has no dataset version yet: materialize train_split first."))
    tick(instance, store)
    assert "materialize train_split first" in str(slack.got)


def test_attempts_at_one_cause_are_told_once_and_a_success_makes_the_next_failure_news(instance, store, slack):
    store = configured(store, slack={"enabled": True})
    for _ in range(3):
        run(instance, error=ValueError("broken"), **{"lyo/cause": "c1"})
    assert tick(instance, store) == "alerts sent to slack: 1"
    run(instance, error=ValueError("broken"), **{"lyo/cause": "c1"})
    assert tick(instance, store) == "nothing new to tell"
    run(instance, **{"lyo/cause": "c1"})
    assert tick(instance, store) == "nothing new to tell"
    run(instance, error=ValueError("broken"), **{"lyo/cause": "c1"})
    assert tick(instance, store) == "alerts sent to slack: 1"


@pytest.mark.parametrize("declared", [True, False])
def test_a_failed_check_is_told_once_until_it_passed_for_its_segment(instance, store, slack, declared):
    store = configured(store, slack={"enabled": True})
    once = partial(run, declared=declared)
    once(instance, check=failing())
    assert tick(instance, store) == "alerts sent to slack: 1"
    assert slack.got[-1]["text"] == "Lyo pipelines: 1 failed check"
    said = str(slack.got[-1])
    assert "honest of thing" in said and "tutoring.en.math" in said
    assert "/assets/thing?view=checks&amp;checkDetail=honest" in said
    assert USERS_TEXT not in said
    once(instance, check=failing())
    once(instance, segment="tutoring.hi.math")  # another segment passes: this one is not mended
    once(instance, check=failing())
    assert tick(instance, store) == "nothing new to tell"
    once(instance)
    assert tick(instance, store) == "nothing new to tell"
    once(instance, check=failing())
    assert tick(instance, store) == "alerts sent to slack: 1"


def test_a_warning_is_told_apart_and_an_error_after_it_is_news(instance, store, slack):
    store = configured(store, slack={"enabled": True})
    run(instance, check=failing(dg.AssetCheckSeverity.WARN))
    tick(instance, store)
    run(instance, check=failing())
    tick(instance, store)
    assert [got["text"].partition(": ")[2] for got in slack.got] == ["1 warning", "1 failed check"]


def test_a_fired_trigger_is_told_once_though_its_run_lasts(instance, store, slack, clock):
    store = configured(store, slack={"enabled": True})
    why = "mean rating fell from 4.4 to 3.9"
    run(instance, **{"lyo/trigger": "volume,quality", "lyo/why": why})
    assert tick(instance, store) == "alerts sent to slack: 1"
    said = str(slack.got[-1])
    assert "by quality, volume" in said and f"tutoring.en.math: {why}" in said
    for hours in (1, 24, 24):
        clock.now += timedelta(hours=hours)
        assert tick(instance, store) == "nothing new to tell"


def test_canceled_runs_are_peoples_doing(instance, store, slack):
    @dg.job
    def nothing() -> None: ...

    for status in (dg.DagsterRunStatus.CANCELED, dg.DagsterRunStatus.STARTED):
        instance.create_run_for_job(nothing, status=status)
    assert tick(instance, configured(store, slack={"enabled": True})) == "nothing new to tell"


class Freshness:
    """The daily data and Dagster's own freshness daemon, at hours that the test chooses."""

    def __init__(self, instance: dg.DagsterInstance, clock: Clock) -> None:
        self.instance, self.clock, self.began = instance, clock, clock.now

    def build(self, hours: float) -> None:
        """A day of interactions is materialized."""
        with freeze_time(self.began + timedelta(hours=hours)):
            self.instance.report_runless_asset_event(
                dg.AssetMaterialization("raw_interactions", partition="2026-01-01")
            )

    def at(self, hours: float) -> None:
        """The freshness daemon looks, and the alerts sensor's clock shows the same hour."""
        with served(self.instance) as context, freeze_time(self.began + timedelta(hours=hours)):
            list(FreshnessDaemon().run_iteration(context))
        self.clock.now = self.began + timedelta(hours=hours)


def test_data_that_was_never_built_is_not_stale(instance, store, slack, clock):
    Freshness(instance, clock).at(hours=100)
    assert tick(instance, configured(store, slack={"enabled": True})) == "nothing new to tell"


def test_an_alert_follows_the_freshness_that_the_ui_shows_and_comes_again_each_day_until_data_comes(
    instance, store, slack, clock
):
    store, data = configured(store, slack={"enabled": True}), Freshness(instance, clock)
    data.build(hours=0)
    for hours in (1, 31):  # fresh, then a warning in the UI
        data.at(hours)
        assert tick(instance, store) == "nothing new to tell"
    data.at(hours=37)
    assert tick(instance, store) == "alerts sent to slack: 1"
    assert "raw_interactions is stale" in str(slack.got[-1])
    assert f"nothing new since {data.began:%Y-%m-%d %H:%M} UTC" in str(slack.got[-1])
    data.at(hours=60)
    assert tick(instance, store) == "nothing new to tell"
    data.at(hours=61)
    assert tick(instance, store) == "alerts sent to slack: 1"
    data.build(hours=62)
    data.at(hours=63)
    assert tick(instance, store) == "nothing new to tell"
    data.at(hours=99)
    assert tick(instance, store) == "alerts sent to slack: 1", "stale anew"


def test_hours_in_a_config_file_of_an_earlier_version_change_nothing(instance, store, slack):
    store = configured(store, slack={"enabled": True}, stalled_after_hours=1)
    assert tick(instance, store) == "nothing new to tell"


def test_while_slack_is_down_ticks_fail_mail_is_not_repeated_and_nothing_is_lost(instance, store, mail, slack, clock):
    store = both(store, mail)
    slack.status = 500
    run(instance, error=ValueError("broken"))
    for _ in range(2):
        with pytest.raises(AlertsNotSentError, match="Slack was not told: it answered 500") as failure:
            tick(instance, store)
        assert "topsecretpath" not in str(failure.value)
    run(instance, check=failing(), segment="tutoring.hi.math")
    with pytest.raises(AlertsNotSentError):
        tick(instance, store)
    slack.status = 200
    clock.now += timedelta(hours=10)
    assert tick(instance, store) == "alerts sent to slack: 2"
    assert [letter["Subject"] for letter in mail.letters] == [
        "Lyo pipelines: 1 failed run",
        "Lyo pipelines: 1 failed check",
    ]
    assert [got["text"] for got in slack.got] == ["Lyo pipelines: 1 failed run, 1 failed check"]
    assert tick(instance, store) == "nothing new to tell"


def test_while_mail_is_down_slack_is_told_once(instance, store, mail, slack):
    run(instance, error=ValueError("broken"))
    nobody = both(store, mail, email=mail.email_config(recipients=["nobody@example.org"]))
    for _ in range(2):
        with pytest.raises(AlertsNotSentError, match="550"):
            tick(instance, nobody)
    assert tick(instance, both(store, mail)) == "alerts sent to email: 1"
    assert (len(mail.letters), len(slack.got)) == (1, 1)


def test_a_channel_without_its_secret_fails_aloud_and_tells_later(instance, store, mail, monkeypatch):
    monkeypatch.delenv("LYO_SLACK_WEBHOOK", raising=False)
    store = both(store, mail)
    run(instance, error=ValueError("broken"))
    with pytest.raises(AlertsNotSentError, match="LYO_SLACK_WEBHOOK is not set"):
        tick(instance, store)
    assert len(mail.letters) == 1
    with webhook() as receiver:
        monkeypatch.setenv("LYO_SLACK_WEBHOOK", receiver.url)
        assert tick(instance, store) == "alerts sent to slack: 1"


def test_refused_recipients_do_not_make_the_others_hear_twice(instance, store, mail):
    store = configured(store, email=mail.email_config(recipients=["a@example.org", "nobody@example.org"]))
    run(instance, error=ValueError("broken"))
    assert tick(instance, store) == "alerts sent to email: 1"
    assert tick(instance, store) == "nothing new to tell"
    assert mail.recipients == [["a@example.org"]]


def test_a_channel_hears_only_the_kinds_it_wants(instance, store, mail, slack):
    store = both(store, mail, slack={"enabled": True, "kinds": ["check_failed"]})
    run(instance, error=ValueError("broken"))
    run(instance, check=failing())
    assert tick(instance, store) == "alerts sent to email: 2; alerts sent to slack: 1"


def test_a_new_channel_does_not_hear_the_history(instance, store, slack, clock):
    store = configured(store, slack={"enabled": True})
    run(instance, error=ValueError("broken"), check=failing())
    run(instance, check=failing())
    clock.now += timedelta(hours=2)
    assert tick(instance, store) == "nothing new to tell"


def test_a_channel_that_was_off_for_long_begins_anew(instance, store, slack, clock):
    tick(instance, configured(store, slack={"enabled": True}))
    tick(instance, configured(store))
    run(instance, error=ValueError("broken"))
    clock.now += timedelta(days=7)
    assert tick(instance, configured(store, slack={"enabled": True})) == "nothing new to tell"


def test_more_than_one_tick_can_read_is_told_over_several_ticks(instance, store, slack, monkeypatch):
    monkeypatch.setattr(alert_sources, "PAGE", 3)
    store = configured(store, slack={"enabled": True})

    @dg.job
    def broken() -> None: ...

    for number in range(8):
        instance.create_run_for_job(broken, tags={"lyo/cause": str(number)}, status=dg.DagsterRunStatus.FAILURE)
    assert [tick(instance, store) for _ in range(4)] == [
        "alerts sent to slack: 3",
        "alerts sent to slack: 3",
        "alerts sent to slack: 2",
        "nothing new to tell",
    ]


@contextmanager
def served(instance: dg.DagsterInstance) -> Iterator[IWorkspaceProcessContext]:
    """SERVED as Dagster's daemons see it."""
    target = LoadableTargetOrigin(executable_path=sys.executable, module_name=__name__, attribute="SERVED")
    location = InProcessWorkspaceLoadTarget(InProcessCodeLocationOrigin(target))
    with create_test_daemon_workspace_context(location, instance) as context:
        yield context


@contextmanager
def daemon(instance: dg.DagsterInstance) -> Iterator[Callable[[], tuple[str, str]]]:
    """Dagster's own sensor daemon; each call is a tick a minute later, and returns its status and what it says."""
    with served(instance) as context:
        minutes, began = itertools.count(1), get_current_datetime()

        def tick() -> tuple[str, str]:
            with freeze_time(began + timedelta(minutes=2 * next(minutes))):
                list(execute_sensor_iteration(context, QUIET, None, None))
            state = next(state for state in instance.all_instigator_state() if state.name == "alerts_sensor")
            last = instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=1)[0]
            return last.status.value, last.error.to_string() if last.error else last.skip_reason or ""

        yield tick


def test_a_failed_tick_of_the_daemon_keeps_what_each_channel_was_told(instance, store, mail, slack, monkeypatch):
    monkeypatch.setenv("LYO_DATA_DIR", store.data_dir)
    monkeypatch.setenv("LYO_CONFIG", both(store, mail).config_path)
    slack.status = 500
    with daemon(instance) as tick:
        run(instance, error=ValueError("broken"))
        for _ in range(2):
            status, said = tick()
            assert status == "FAILURE" and "Slack was not told" in said
            assert "topsecretpath" not in said and USERS_TEXT not in said
        slack.status = 200
        assert tick() == ("SKIPPED", "alerts sent to slack: 1")
        assert tick() == ("SKIPPED", "nothing new to tell")
    assert (len(mail.letters), len(slack.got)) == (1, 1)


def test_the_daemon_runs_it_unasked_once_a_minute():
    assert alerts_sensor.default_status == dg.DefaultSensorStatus.RUNNING
    assert alerts_sensor.minimum_interval_seconds == 60
    assert not alerts_sensor.targets
