"""YAML of somebody else: a few lines that stand for gigabytes, lists inside themselves, days that there are not."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.bounded_yaml import MOST_CHARACTERS, MOST_VALUES, UnboundedYamlError, read_bounded_yaml
from lyo_pipelines.documents.contract import RejectedError
from lyo_pipelines.documents.metadata import front_matter, read_sidecar
from lyo_pipelines.interactions.errors import MappingError
from lyo_pipelines.interactions.fields.mapping import parse_mapping


def laughs(levels: int) -> str:
    lines = ["l0: &l0 [ha, ha, ha, ha, ha, ha, ha, ha, ha, ha]"]
    lines += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join([*lines, f"title: *l{levels - 1}"])


BAD = {
    "aliases of aliases": laughs(12),
    "a wide alias many times": f"a: &a [{', '.join('x' * 400)}]\nb: [{', '.join(['*a'] * 300)}]",
    "a list in itself": "title: &t [*t]",
    "a day that there is not": "title: 2026-13-45",
    "a number of 5,000 digits": f"title: {'7' * 5_000}",
    "a number of 5,000 hexadecimal digits": f"title: 0x{'f' * 5_000}",
    "very deep": f"title: {'[' * 3_000}{']' * 3_000}",
    "very long": f"title: {'a ' * MOST_CHARACTERS}",
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_what_cannot_be_a_value_is_an_error_of_yaml_everywhere(text):
    with pytest.raises(yaml.YAMLError):
        read_bounded_yaml(text)
    for read in (
        lambda: front_matter(f"---\n{text}\n---\nLight travels."),
        lambda: read_sidecar(text, "light.md.meta.yaml"),
    ):
        with pytest.raises(RejectedError) as error:
            read()
        assert error.value.reason == "metadata"


@pytest.mark.parametrize("text", [text for name, text in BAD.items() if name != "a number of 5,000 digits"])
def test_a_mapping_of_such_a_text_is_a_wrong_mapping(text):
    with pytest.raises((MappingError, RecursionError, ValueError)):
        parse_mapping(f"fields: {{question: q}}\n{text}".encode(), "a.mapping.yaml")


def test_aliases_within_the_bounds_are_read():
    assert read_bounded_yaml("a: &a [1, 2]\nb: *a\nc: [*a, *a]") == {"a": [1, 2], "b": [1, 2], "c": [[1, 2], [1, 2]]}


def test_a_title_that_holds_values_is_none():
    with pytest.raises(RejectedError, match="holds values"):
        read_sidecar("title: {a: 1}", "light.md.meta.yaml")
    assert read_sidecar("author: [Asha, Bina]", "light.md.meta.yaml").attribution == "Asha, Bina"


@given(st.integers(1, 8), st.integers(1, 30))
def test_the_count_is_of_what_the_aliases_stand_for(levels, width):
    lines = [f"l0: &l0 [{', '.join(['x'] * width)}]"]
    lines += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * width)}]" for n in range(1, levels)]
    total, size = 1, 1
    for _ in range(levels):
        size = 1 + width * size
        total += 1 + size
    text = "\n".join(lines)
    if total > MOST_VALUES and levels > 1:  # one level has no alias
        with pytest.raises(UnboundedYamlError):
            read_bounded_yaml(text)
    else:
        assert len(read_bounded_yaml(text)) == levels
