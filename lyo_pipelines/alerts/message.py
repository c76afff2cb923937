"""Many alerts as one message: grouped by kind and title, counted, newest first, of bounded length."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lyo_pipelines.alerts.alert import HEADINGS, Alert, one_line

PER_TITLE = 3
TITLE_CHARACTERS = 120
DETAIL_CHARACTERS = 240
URL_CHARACTERS = 500


@dataclass(frozen=True)
class MessageLine:
    """One listed alert; `url` may be empty."""

    text: str
    url: str


@dataclass(frozen=True)
class Group:
    """Alerts of one title: how many, the newest of them, and how many are not listed."""

    title: str
    count: int
    lines: tuple[MessageLine, ...]

    @property
    def more(self) -> int:
        """Alerts that are counted only."""
        return self.count - len(self.lines)


@dataclass(frozen=True)
class Section:
    """All of one kind; `unlisted` alerts have no group in this message."""

    heading: str
    groups: tuple[Group, ...]
    unlisted: int


@dataclass(frozen=True)
class AlertMessage:
    """One message to one channel."""

    subject: str
    sections: tuple[Section, ...]

    @property
    def text(self) -> str:
        """The message as plain text."""
        lines: list[str] = []
        for section in self.sections:
            lines += [section.heading.upper(), ""]
            for group in section.groups:
                lines.append(group.title if group.count == 1 else f"{group.title} ({group.count} times)")
                for line in group.lines:
                    lines += [f"  - {line.text}", *([f"    {line.url}"] if line.url else [])]
                if group.more:
                    lines.append(f"  and {group.more:,} more")
                lines.append("")
            if section.unlisted:
                lines += [f"and {section.unlisted:,} more", ""]
        return "\n".join(lines).rstrip() + "\n"


def compose_message(alerts: Iterable[Alert], *, most_listed: int) -> AlertMessage:
    """One message for all alerts; at most `most_listed` of them are listed, all are counted."""
    by_kind: dict[str, list[Alert]] = defaultdict(list)
    for alert in sorted(alerts, key=lambda one: one.occurred_at, reverse=True):
        by_kind[alert.kind].append(alert)
    sections, left = [], most_listed
    for kind in sorted(by_kind, key=_rank):
        section = _section(kind, by_kind[kind], left)
        left -= sum(len(group.lines) for group in section.groups)
        sections.append(section)
    counts = ", ".join(section.heading for section in sections)
    return AlertMessage(subject=one_line(f"Lyo pipelines: {counts}", 200), sections=tuple(sections))


def _section(kind: str, alerts: Sequence[Alert], left: int) -> Section:
    by_title: dict[str, list[Alert]] = defaultdict(list)
    for alert in alerts:
        by_title[one_line(alert.title, TITLE_CHARACTERS)].append(alert)
    groups, unlisted = [], 0
    for title, same in by_title.items():
        listed = same[: min(PER_TITLE, left)]
        left -= len(listed)
        if listed:
            groups.append(Group(title, len(same), tuple(map(_line, listed))))
        else:
            unlisted += len(same)
    return Section(_heading(kind, len(alerts)), tuple(groups), unlisted)


def _line(alert: Alert) -> MessageLine:
    when = f"{alert.occurred_at:%Y-%m-%d %H:%M} UTC"
    detail = one_line(alert.detail, DETAIL_CHARACTERS)
    url = alert.url if len(alert.url) <= URL_CHARACTERS and alert.url.isprintable() and " " not in alert.url else ""
    return MessageLine(f"{when}, {detail}" if detail else when, url)


def _heading(kind: str, count: int) -> str:
    name = kind.replace("_", " ")
    one, many = HEADINGS.get(kind, (name, name))
    return f"{count:,} {one if count == 1 else many}"


def _rank(kind: str) -> tuple[int, str]:
    known = list(HEADINGS)
    return (known.index(kind) if kind in known else len(known), kind)
