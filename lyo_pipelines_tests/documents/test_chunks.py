"""Chunks together are the document again, none is longer than its budget, and headings decide where a document is cut."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.documents.chunks import ChunkBudget, cut_chunks, text_of
from lyo_pipelines.documents.contract import TextBlock
from lyo_pipelines.documents.tokens import estimate_tokens
from lyo_pipelines_tests.documents.sample_documents import CONFIG
from lyo_pipelines_tests.hypothesis_profile import draws

BUDGET = ChunkBudget(maximum=80, overlap=12, minimum=20)
words = st.sampled_from(["soil", "Water", "मिट्टी", "பூமி", "x=3", "root.", "है।", "W" * 90, "मि" * 60, "“so”", "12,500"])
texts = st.lists(words, min_size=1, max_size=60).map(" ".join)
headings = st.builds(TextBlock, st.lists(words, min_size=1, max_size=4).map(" ".join), st.integers(1, 6))
blocks = st.lists(st.one_of(st.builds(TextBlock, texts), headings), min_size=1, max_size=12)


def count(text: str) -> int:
    return estimate_tokens(text, CONFIG.documents.tokens)


def chunks(*found: TextBlock, title: str = ""):
    return cut_chunks(list(found), BUDGET, count, title)


@settings(max_examples=draws(100))
@given(blocks)
def test_nothing_is_lost_and_nothing_is_said_twice(found):
    made = cut_chunks(found, BUDGET, count, "A title")
    assert "".join(chunk.text[chunk.overlap :] for chunk in made) == text_of(found)
    assert [chunk.number for chunk in made] == list(range(len(made)))


@settings(max_examples=draws(100))
@given(
    st.lists(
        st.one_of(st.builds(TextBlock, texts), st.builds(TextBlock, st.just("Soil and water"), st.integers(1, 3))),
        min_size=1,
        max_size=12,
    )
)
def test_no_training_text_is_longer_than_the_budget(found):
    assert max(chunk.tokens for chunk in cut_chunks(found, BUDGET, count)) <= BUDGET.maximum


@settings(max_examples=draws(100))
@given(blocks)
def test_overlap_repeats_the_end_of_what_stood_before(found):
    text, position = text_of(found), 0
    for chunk in cut_chunks(found, BUDGET, count):
        assert chunk.text[: chunk.overlap] == text[position - chunk.overlap : position]
        position += len(chunk.text) - chunk.overlap


_SPANS = [
    "```python\nfor k in range(9):\n    print(k)\n```",
    "$$\na + b\n= c\n$$",
    "$p = 3. Then q = 4$",
    r"\(u + v. W\)",
]


@settings(max_examples=draws(100))
@given(st.lists(st.one_of(texts, st.sampled_from(_SPANS)), min_size=1, max_size=14).map("\n".join))
def test_code_and_formulas_are_never_cut_where_there_is_room(found):
    """Each of the spans is smaller than a chunk, so no chunk may begin or end inside one, with its overlap neither."""
    made = cut_chunks([TextBlock(found)], BUDGET, count)
    for span in _SPANS:
        assert sum(chunk.text[chunk.overlap :].count(span) for chunk in made) == found.count(span)
    assert all(chunk.text.count("```") % 2 == 0 and chunk.text.count("$") % 2 == 0 for chunk in made)


def test_a_section_is_a_chunk_and_carries_the_headings_above_it():
    body = "Roots drink water and hold the plant. They grow where the soil is moist and loose. " * 2
    first, second = chunks(
        TextBlock("Plants", 1), TextBlock("Roots", 2), TextBlock(body), TextBlock("Leaves", 2), TextBlock(body)
    )
    assert (first.path, second.path) == (("Plants",), ("Plants", "Leaves"))
    assert first.training_text.startswith("# Plants\n\n## Roots\n\nRoots drink")
    assert second.training_text.startswith("Plants\n\n## Leaves\n\nRoots drink")
    assert second.overlap == 0, "a heading begins something new"


def test_short_sections_go_together_and_a_short_end_joins_what_stands_before():
    made = chunks(*(one for n in range(3) for one in (TextBlock(f"Part {n}", 2), TextBlock("It is short."))))
    assert len(made) == 1


def test_a_heading_is_never_the_end_of_a_chunk():
    body = "Roots drink water and hold the plant. They grow where the soil is moist and loose. " * 6
    for chunk in chunks(
        TextBlock("Plants", 1), TextBlock(body), TextBlock("Roots", 2), TextBlock("Tips", 3), TextBlock(body)
    ):
        assert not chunk.text.strip().splitlines()[-1].startswith("#")


def test_long_text_is_cut_between_sentences_and_goes_on_with_the_last_one():
    sentences = [f"Sentence number {n} says a little about the soil." for n in range(12)]
    first, second, *_ = chunks(TextBlock(" ".join(sentences)))
    assert first.text.rstrip().endswith("soil.")
    assert second.overlap > 0 and second.text.startswith("Sentence number")


def test_a_syllable_is_never_cut():
    for chunk in chunks(TextBlock("कि" * 400)):
        assert chunk.text[chunk.overlap :].startswith("कि")


def test_a_title_stands_above_a_text_without_one():
    (chunk,) = chunks(TextBlock("Roots drink water."), title="Plants")
    assert chunk.training_text == "Plants\n\nRoots drink water."
    (chunk,) = chunks(TextBlock("Plants", 1), TextBlock("Roots drink water."), title="plants.md")
    assert "plants.md" not in chunk.training_text


def test_tokens_add_up_over_parts_of_a_text():
    a, b = "Water boils at 100 °C. ", "पानी 100 °C पर उबलता है।"
    assert abs(count(a + b) - count(a) - count(b)) <= 1
    assert count("") == 0
