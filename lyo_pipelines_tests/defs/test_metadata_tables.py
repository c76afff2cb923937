"""What stands in a table on an asset's page is text, whatever a file brought there."""

from __future__ import annotations

import pytest
from markdown_it import MarkdownIt

from lyo_pipelines.defs.metadata import LONGEST_ROWS, counts_table, metadata_table

LINKS = [
    "![x](https://far.example/p.png)",
    "[click](https://far.example)",
    "https://far.example/p.png",
    "www.far.example",
]
TAGS = ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "`<b>`", "&lt;b&gt;", "a\n<b>c</b>"]
SIGNS = ["a@far.example", "`` ![x](y) ``", "a | b\n\n# big", "**bold**", "\\![x](https://far.example)", "| --- |"]
HOSTILE = [*LINKS, *TAGS, *SIGNS]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_cell_is_no_markup(text):
    rows = [{"file": text, "n": 1}] * (LONGEST_ROWS + 1)
    shown = MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(metadata_table(rows, ["file", "n"]).md_str)
    assert shown.count("<tr>") == 1 + len(rows)
    assert shown.count("<td>") == 2 * len(rows)
    assert not any(tag in shown for tag in ("<a", "<img", "<script", "<h1", "<b>", "<strong"))


@pytest.mark.parametrize(
    "text", ["rated_low", "tutoring.hi.math", "0.5 (n = 12)", "no_shared_group", "α ≤ 0.05; kept", "2026-11-20"]
)
def test_plain_words_stay_plain(text):
    many = {text: 1234} | {f"other {n}": 1 for n in range(LONGEST_ROWS)}
    assert f"| {text} | 1,234 |" in counts_table("rule", many).md_str


@pytest.mark.parametrize("text", HOSTILE)
def test_a_table_that_is_shown_at_once_holds_the_text_itself(text):
    (record,) = metadata_table([{"file": text}], ["file"]).records
    assert record.data == {"file": text.replace("\n", " ")}
