"""`lyo status`: where every segment stands, what waits, whether anybody watches, and what to do next. It decides nothing itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lyo_pipelines.client.graphql import Client, GraphQLError
from lyo_pipelines.client.server import find_server, silent_server
from lyo_pipelines.commands.output import print_json
from lyo_pipelines.commands.report import NoReportError, newest_report
from lyo_pipelines.config.loading import Config, load_config
from lyo_pipelines.config.settings import Settings
from lyo_pipelines.contracts.report import Report
from lyo_pipelines.contracts.report_values import Gate
from lyo_pipelines.curation.segments import FunnelTotals, funnel_totals
from lyo_pipelines.errors import LyoError
from lyo_pipelines.evaluation.report.gates import evaluate_gates, may_be_released
from lyo_pipelines.health.day import days_to_rebuild
from lyo_pipelines.health.read import examples_by_day, total_examples
from lyo_pipelines.interactions.landing.inbox import scan_inbox
from lyo_pipelines.registry.log import read_all
from lyo_pipelines.registry.state import Release
from lyo_pipelines.retraining.findings import KINDS
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.training.versions import NoAdapterError, latest_adapter

DAILY_SENSORS = ("inbox_sensor", "stale_days_sensor")
TRIGGER_SENSORS = tuple(f"{kind}_sensor" for kind in KINDS)
ROLLOUT_SENSOR = "rollout_sensor"
_RULES_SHOWN = 4
_SEGMENTS_SHOWN = 40


@dataclass(frozen=True)
class SegmentStatus:
    """One segment. adapter, report: version and verdict, "" where there is none; next: what to do, "" when nothing is."""

    segment: str
    interactions: int = 0
    examples: int = 0
    adapter: str = ""
    report: str = ""
    release: str = ""
    next: str = ""


@dataclass(frozen=True)
class Watch:
    """Who looks by itself. url: of the Dagster that answers ("" : none); stopped: sensors that do not run there.

    silent: what is said of one that runs and does not answer, so that nobody knows what its sensors do.
    """

    url: str = ""
    stopped: tuple[str, ...] = ()
    silent: str = ""

    def looks(self, sensor: str) -> bool:
        """Whether a sensor looks."""
        return bool(self.url) and sensor not in self.stopped


@dataclass(frozen=True)
class Status:
    """All that `lyo status` says. waiting: files of the inbox; stale_days: days to build; warnings: what nobody should overlook.

    funnel: what curation did with every row.
    """

    waiting: int
    stale_days: tuple[str, ...]
    watch: Watch
    warnings: tuple[str, ...]
    funnel: FunnelTotals
    segments: tuple[SegmentStatus, ...] = ()


def show_status(console: Console, *, as_json: bool, every: bool = False) -> None:
    """Print the status as tables, or as one JSON object. every: no segment is left out of the table."""
    settings = Settings.from_env()
    lake, config = Lake(settings.data_dir), load_config(settings.config_path)
    status = read_status(lake, config, watching(), now=datetime.now(UTC))
    if as_json:
        told = asdict(status)
        if not status.watch.silent:
            del told["watch"]["silent"]
        print_json(console, told)
        return
    print_status(console, status, every=every)


def watching() -> Watch:
    """Ask the Dagster of this installation, if one runs, which sensors do."""
    server = find_server()
    if server is not None:
        with suppress(GraphQLError):
            stopped = Client(server.url).stopped_sensors([*DAILY_SENSORS, *TRIGGER_SENSORS, ROLLOUT_SENSOR])
            return Watch(server.url, tuple(stopped))
    silent = server or silent_server()
    if silent is None:
        return Watch()
    return Watch(silent=f"the Dagster at {silent.url} (process {silent.pid}) does not answer; its log is {silent.log}")


def read_status(lake: Lake, config: Config, watch: Watch, *, now: datetime) -> Status:
    """Everything out of the lake: nothing is computed anew, and one damaged segment hides no other."""
    stale = days_to_rebuild(lake, config.curation)
    histories, damaged = read_all(lake)
    releases = {segment: history.release for segment, history in histories.items()}
    counts = {segment: (n, kept) for segment, n, kept in total_examples(examples_by_day(lake)).iter_rows()}
    known = {*counts, *releases, *lake.names(lake.path("adapters"))}
    trained, reported = set(lake.names(lake.path("adapters"))), set(lake.names(lake.path("reports")))
    segments = tuple(
        _segment(
            lake,
            config,
            segment,
            counts.get(segment, (0, 0)),
            releases.get(segment),
            trained=segment in trained,
            reported=segment in reported,
        )
        for segment in sorted(known, key=lambda name: (-counts.get(name, (0, 0))[1], name))
    )
    waiting = len(scan_inbox(lake, config.interactions, settle_seconds=0, now=now))
    warnings = [f"{segment}: {trouble}" for segment, trouble in sorted(damaged.items())]
    warnings += _unwatched(watch, releases.values(), waiting=waiting, stale=len(stale))
    days = tuple(day.isoformat() for day in stale)
    return Status(waiting, days, watch, tuple(warnings), funnel_totals(lake), segments)


def _unwatched(watch: Watch, releases: Iterable[Release], *, waiting: int, stale: int) -> list[str]:
    """What goes on without anybody looking."""
    found = []
    canaries = sorted(release.segment for release in releases if release.in_canary)
    if canaries and not watch.looks(ROLLOUT_SENSOR):
        found.append(
            f"{', '.join(canaries)}: a candidate answers users and nobody watches it: {_off(watch, ROLLOUT_SENSOR)},"
            " so it neither steps up nor falls back"
        )
    if (waiting or stale) and not all(watch.looks(name) for name in DAILY_SENSORS):
        off = next(name for name in DAILY_SENSORS if not watch.looks(name))
        found.append(f"what waits is not built by itself: {_off(watch, off)}")
    idle = [name for name in TRIGGER_SENSORS if not watch.looks(name)]
    if idle and watch.url:
        found.append(
            f"no retraining by itself: {', '.join(idle)} {'is' if len(idle) == 1 else 'are'} off (Automation page, or LYO_TRIGGERS=on)"
        )
    return found


def _off(watch: Watch, sensor: str) -> str:
    if watch.silent:
        return "Dagster does not answer"
    return f"{sensor} is off (Automation page of the UI)" if watch.url else "no Dagster runs here (`lyo ui` starts it)"


def _segment(
    lake: Lake,
    config: Config,
    segment: str,
    counts: tuple[int, int],
    release: Release | None,
    *,
    trained: bool,
    reported: bool,
) -> SegmentStatus:
    """trained, reported: whether there is a folder of adapters and of reports at all: most segments have none."""
    interactions, examples = counts
    try:
        adapter, trouble = latest_adapter(lake, segment).version if trained else "", ""
    except NoAdapterError:
        adapter, trouble = "", ""
    except LyoError as error:
        adapter, trouble = "", f"its adapter cannot be read: {error.message}"
    try:
        report = newest_report(lake, segment)[0] if reported else None
    except NoReportError:
        report = None
    except LyoError as error:
        report, trouble = None, trouble or f"its report cannot be read: {error.message}"
    gates = () if report is None else tuple(evaluate_gates(report, config.evaluation))  # as a release would judge now
    return SegmentStatus(
        segment,
        interactions,
        examples,
        adapter,
        _verdict(report, gates),
        _situation(release),
        trouble or _next(config, segment, examples, adapter, report, gates, release),
    )


def _situation(release: Release | None) -> str:
    """Who serves, in a few words."""
    if release is None:
        return ""
    serves = f"{release.champion} serves" if release.champion else "base or a parent serves"
    if release.in_canary:
        paused = ", paused" if release.paused else ""
        return f"{serves}; {release.candidate} in canary, {release.share:.0%} of users{paused}"
    return serves


def _verdict(report: Report | None, gates: Sequence[Gate]) -> str:
    """Whether the newest report lets its adapter be released, and else by which gate not."""
    if report is None:
        return ""
    if may_be_released(gates):
        return "may be released"
    applying = [gate for gate in gates if gate.applies]
    failed = [gate.name for gate in applying if gate.passed is False]
    if failed:
        more = f" and {len(failed) - 1} more" if len(failed) > 1 else ""
        return f"not released: {failed[0].replace('_', ' ')}{more}"
    unknown = sum(gate.passed is None for gate in applying)
    return f"cannot be judged: {unknown} of {len(applying)} gates cannot tell"


def _next(
    config: Config,
    segment: str,
    examples: int,
    adapter: str,
    report: Report | None,
    gates: Sequence[Gate],
    release: Release | None,
) -> str:
    if release is not None and release.in_canary:
        return f"`lyo releases {segment}` says why it holds, and until when"
    if not adapter:
        minimum = config.retraining.for_segment(segment).volume.minimum_examples
        if examples < minimum:
            return f"{minimum - examples:,} more examples until its first training"
        return f"`lyo train {segment}`, or its trigger does"
    if report is None or report.version != adapter:
        return f"`lyo train {segment}` makes the report of its adapter"
    if may_be_released(gates) and (release is None or adapter != release.champion):
        return f"`lyo release {segment} --reason …`"
    return ""


def print_status(console: Console, status: Status, *, every: bool = True) -> None:
    """The status as people read it. every: also all segments without an adapter (a thousand take seconds to draw)."""
    _lines(console, status)
    table = Table(title="\nSegments", title_justify="left")
    for name in ("segment", "examples", "adapter", "report", "release", "next"):
        is_key = name in ("segment", "examples")
        table.add_column(name, justify="right" if name == "examples" else "left", overflow="fold", no_wrap=is_key)
    told = [one for one in status.segments if one.adapter or one.release or one.report]
    others = [one for one in status.segments if not (one.adapter or one.release or one.report)]
    left_out = 0 if every else max(0, len(others) - _SEGMENTS_SHOWN)
    shown = {one.segment for one in (*told, *others[: len(others) - left_out])}
    for one in [one for one in status.segments if one.segment in shown]:
        verdict = f"[green]{one.report}[/]" if one.report == "may be released" else f"[yellow]{escape(one.report)}[/]"
        table.add_row(
            one.segment,
            f"{one.examples:,}",
            one.adapter or "",
            verdict if one.report else "",
            escape(one.release),
            escape(one.next),
        )
    if status.segments:
        console.print(table)
        if left_out:
            console.print(f"… and {left_out:,} more without an adapter: `lyo status --all`.", highlight=False)
    else:
        console.print(
            "No segment yet: `lyo ingest FILE` reads logs, `lyo demo` shows all of it on sample logs.", highlight=False
        )


def _lines(console: Console, status: Status) -> None:
    if status.watch.silent:
        where = f"[yellow]![/] {escape(status.watch.silent)}."
    else:
        where = f"Dagster UI: {status.watch.url}" if status.watch.url else "No Dagster runs here; `lyo ui` starts it."
    console.print(where, highlight=False, soft_wrap=True)
    if status.watch.url:
        on = sum(status.watch.looks(name) for name in TRIGGER_SENSORS)
        rollout = "on" if status.watch.looks(ROLLOUT_SENSOR) else "off"
        console.print(f"Triggers: {on} of {len(TRIGGER_SENSORS)} on. Rollout sensor: {rollout}.", highlight=False)
    console.print(
        f"Inbox: {_count(status.waiting, 'file')} to land. Days to build: {_days(status.stale_days)}.", highlight=False
    )
    if (funnel := status.funnel).read:
        share = funnel.kept / funnel.read
        most = ", ".join(f"{rule} {n:,}" for rule, n in list(funnel.removed.items())[:_RULES_SHOWN])
        removed = f" Removed most by: {most} (`lyo show --removed`)." if most else ""
        console.print(
            f"Rows: {funnel.read:,} read, {funnel.kept:,} kept ({share:.0%}).{removed}", highlight=False, soft_wrap=True
        )
    for warning in status.warnings:
        console.print(f"[red]![/] {escape(warning)}.", highlight=False, soft_wrap=True)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _days(days: Sequence[str]) -> str:
    return "none" if not days else days[0] if len(days) == 1 else f"{len(days):,}, {days[0]} to {days[-1]}"
