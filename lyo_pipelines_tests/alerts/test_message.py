"""Many alerts become one message: grouped, counted, newest first, bounded, and within Slack's limits."""

from __future__ import annotations

import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.alerts.message import compose_message
from lyo_pipelines.alerts.slack import escape, slack_payload
from lyo_pipelines_tests.alerts.sample_alerts import alert


def test_alerts_of_one_title_are_one_group_with_a_count_and_the_newest_first():
    message = compose_message([alert(number) for number in range(40)], most_listed=20)
    assert message.subject == "Lyo pipelines: 40 failed runs"
    (group,) = message.sections[0].groups
    assert (group.count, group.more) == (40, 37)
    assert [line.url.rsplit("/", 1)[1] for line in group.lines] == ["39", "38", "37"]
    assert "run of retrain failed (40 times)" in message.text
    assert "and 37 more" in message.text


def test_kinds_stand_in_order_of_weight_and_a_new_kind_is_shown_by_its_name():
    kinds = ["rolled_back", "trigger_fired", "check_warned", "run_failed", "check_failed"]
    message = compose_message([alert(number, kind=kind) for number, kind in enumerate(kinds)], most_listed=20)
    assert message.subject.endswith(": 1 failed run, 1 failed check, 1 warning, 1 fired trigger, 1 rolled back")


def test_what_is_not_listed_is_counted():
    message = compose_message(
        [alert(number, title=f"run of job {number} failed") for number in range(50)], most_listed=5
    )
    assert len(message.sections[0].groups) == 5
    assert "and 45 more" in message.text


def test_a_text_of_many_lines_becomes_one_short_line():
    text = compose_message([alert(1, detail="first\nsecond\x00", title="a" * 5000)], most_listed=5).text
    assert "first" in text and "second" not in text
    assert max(map(len, text.splitlines())) < 300


def test_what_means_something_to_slack_is_escaped():
    assert escape("<!channel> & <http://x|y>") == "&lt;!channel&gt; &amp; &lt;http://x|y&gt;"
    payload = slack_payload(compose_message([alert(1, detail="<!channel>", title="a < b & c")], most_listed=5))
    text = payload["blocks"][1]["text"]["text"]
    assert "a &lt; b &amp; c" in text
    assert "<!" not in text
    assert re.search(r"<http://127\.0\.0\.1:3000/runs/1\|[^>]*&lt;!channel&gt;>", text)


TEXT = st.text(st.sampled_from("ab <>&|\n\x00é"), max_size=600)
ALERTS = st.lists(
    st.builds(
        lambda number, kind, title, detail, url: replace(alert(number), kind=kind, title=title, detail=detail, url=url),
        st.integers(0, 10**6),
        st.sampled_from(["run_failed", "check_failed", "rolled_back"]),
        TEXT,
        TEXT,
        TEXT,
    ),
    min_size=1,
    max_size=150,
)


@given(ALERTS, st.integers(1, 100))
def test_every_alert_is_counted_and_every_message_fits(alerts, most_listed):
    message = compose_message(alerts, most_listed=most_listed)
    groups = [group for section in message.sections for group in section.groups]
    listed = sum(len(group.lines) for group in groups)
    assert listed <= most_listed
    assert listed + sum(g.more for g in groups) + sum(s.unlisted for s in message.sections) == len(alerts)
    assert "\n" not in message.subject
    payload = slack_payload(message)
    assert len(payload["blocks"]) <= 50
    assert len(payload["blocks"][0]["text"]["text"]) <= 150
    for block in payload["blocks"][1:]:
        assert 0 < len(block["text"]["text"]) <= 3000
