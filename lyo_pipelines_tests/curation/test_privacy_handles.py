"""Names in social networks, and other forms in which people give themselves away; what is said about a network stays."""

from __future__ import annotations

import pytest

from lyo_pipelines.curation.privacy.redact import redact_text
from lyo_pipelines_tests.curation.interaction_rows import CONFIG


@pytest.mark.parametrize(
    "text",
    [
        "my insta is ravi_k07",
        "Instagram: @ravi.k07",
        "telegram @ravi_kk",
        "my snapchat id is ravi_k12",
        "इंस्टाग्राम आईडी ravi_k07 है",
    ],
)
def test_a_name_in_a_network_goes(text):
    assert "ravi" not in redact_text(text, CONFIG).text


@pytest.mark.parametrize(
    "text",
    [
        "Instagram has 2 billion users.", "The telegram was sent in 1837.", "Is Facebook.com a web site?", "Twitter 2023 report",
        "Post it on Instagram.Then wait.", "Discord is music that is not in tune.",
    ],
)  # fmt: skip
def test_talk_about_a_network_stays(text):
    assert redact_text(text, CONFIG).text == text


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("my discord is sunita#1234", "sunita"),
        ("https://instagram.com/sunita_devi07", "sunita"),
        ("www.facebook.com/sunita.devi.9 is me", "sunita"),
        ("write to sunita.devi@gmail", "sunita"),
        ("my no. is 98 45 01 23 45", "98 45"),
        ("mera number 98-45-01-23-45 hai", "98-45"),
        ("call me at 98450—12345", "12345"),
        ("my number is 98450 — 12345", "12345"),
        ("login: sunita / pass: Abc#123", "Abc"),
        ("the otp you sent 482913", "482913"),
    ],
)
def test_what_is_said_of_oneself_in_other_forms_goes(text, secret):
    assert secret not in redact_text(text, CONFIG).text


@pytest.mark.parametrize(
    "text",
    [
        "see facebook.com/profile.php?id=4 and instagram.com/about", "discord #1234 members", "x@gmail is no address?",
        "Find the mean of 98 45 01 23 45", "my marks are 98 45 01 23 45", "my number pattern is 98 45 01 23 45 67, what comes next?",
        "What is 98450 — 12345?", "pages 12—15 and 1947—48", "bus pass: Route12 from Pune", "Pass: 40 marks",
        "The otp for 3 users was sent 482 times",
    ],
)  # fmt: skip
def test_what_only_looks_like_it_stays(text):
    assert redact_text(text, CONFIG).text == text
