"""The page in a real browser: asked by keyboard, both answers come as they are written, markup stays text, ratings reach the inbox."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.serving.browser import Page, browser, found_browser
from lyo_pipelines_tests.serving.live_gateway import inbox_rows, running

PATH = found_browser()
pytestmark = pytest.mark.skipif(PATH is None, reason="there is no Chromium here (apt-get install chromium)")
DESKTOP, PHONE = (1280, 900), (390, 844)
CONTROL = 2
LOUD = "slow <img src=x onerror=\"document.title='owned'\"> <b>bold</b> एक सेब, இரண்டு பழம்"


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    assert PATH is not None
    with browser(PATH) as page:
        yield page


def keep(picture: bytes, name: str) -> None:
    """Pictures for people, where somebody wants them."""
    if folder := os.environ.get("LYO_TEST_PICTURES"):
        Path(folder, name).write_bytes(picture)


def test_a_question_is_asked_answered_side_by_side_and_rated(tmp_path, page):
    lake = Lake(str(tmp_path))
    with running(lake, changes={"invited_share": 1.0}) as gateway:
        page.open(gateway.url, width=DESKTOP[0], height=DESKTOP[1])
        page.until("document.querySelectorAll('#left option').length === 2")
        page.until("document.getElementById('status').textContent.includes('ready')")
        page.script("document.getElementById('question').focus(); document.getElementById('language').value = 'hi'")
        page.script("document.getElementById('grade').value = '7'; document.getElementById('subject').value = 'math'")
        page.type(LOUD)
        page.press("Enter", 13, modifiers=CONTROL)
        texts = "[...document.querySelectorAll('.answer .text')].map((one) => one.textContent)"
        page.until(f"{texts}.length === 2 && {texts}.every((text) => text.length > 3)")
        assert page.script(f"{texts}.some((text) => !text.includes('பழம்'))"), (
            "words are shown before the answer is whole"
        )
        page.until(f"{texts}.every((text) => text.includes('பழம்'))")
        page.until("!document.getElementById('send').disabled")
        assert page.script(texts) == [f"tiny heard: {LOUD}"] * 2
        assert page.script("document.querySelectorAll('.answer .text *').length") == 0, (
            "what a model says is never markup"
        )
        assert page.script("document.title") != "owned"
        facts = page.script("[...document.querySelectorAll('.facts')].map((one) => one.textContent)")
        assert all("base · tiny" in told and "whole answer" in told for told in facts)
        assert page.script("document.querySelectorAll('.invite:not([hidden])').length") == 2
        page.script("document.querySelector('.stars input').focus()")
        page.press("ArrowRight", 39)
        page.until("document.querySelector('.thanks').textContent !== ''")
        page.script("document.querySelectorAll('.answer')[1].querySelector('.withdraw').click()")
        page.until("document.querySelectorAll('.thanks')[1].textContent.includes('Taken back')")
        keep(page.picture(), "desktop.png")
        asked = page.script("[...document.querySelectorAll('.answer')].map((one) => one.dataset.interaction)")
    rows = {row["interaction_id"]: row for row in inbox_rows(lake)}
    assert set(rows) == set(asked)
    told = [(row["language"], row["grade"], row["subject"], row["metadata"]["app"]) for row in rows.values()]
    assert told == [("hi", "7", "math", "page")] * 2
    rated, withdrawn = inbox_rows(lake, feedback=True)
    assert (rated["interaction_id"], rated["rating"]) == (asked[0], 2.0)
    assert (withdrawn["interaction_id"], withdrawn["withdrawn"]) == (asked[1], True)


@pytest.mark.parametrize(("language", "word"), [("hi", "पूछें"), ("ta", "கேள்")])
def test_on_a_phone_it_fits_its_width_in_every_language_and_escape_stops(tmp_path, page, language, word):
    with running(Lake(str(tmp_path))) as gateway:
        page.open(gateway.url, width=PHONE[0], height=PHONE[1])
        page.script(f"document.getElementById('page-language').value = '{language}'")
        page.script("document.getElementById('page-language').dispatchEvent(new Event('change'))")
        assert page.script("document.getElementById('send').textContent") == word
        page.until("document.querySelectorAll('#left option').length === 2")
        page.script("document.getElementById('question').focus()")
        page.type("hang " + "सातऔरपाँच" * 12)
        page.press("Enter", 13, modifiers=CONTROL)
        page.until("document.querySelectorAll('.answer .text').length === 2")
        page.until("document.querySelector('.answer .text').textContent.includes('heard')")
        page.press("Escape", 27)
        page.until("!document.getElementById('send').disabled")
        assert page.script("document.documentElement.scrollWidth") <= PHONE[0]
        touched = "[...document.querySelectorAll('button, select, input, textarea')].filter((one) => one.offsetParent)"
        assert page.script(f"{touched}.every((one) => one.offsetHeight >= 32)"), "what fingers touch is large enough"
        keep(page.picture(), f"phone-{language}.png")
