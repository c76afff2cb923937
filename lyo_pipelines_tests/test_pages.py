"""Pages that name a test for each of their lines name tests that there are."""

from __future__ import annotations

import re

import pytest

from lyo_pipelines.config.settings import PROJECT_ROOT

_TEST = re.compile(r"`([\w/]+\.py)::(test_\w+)`")


@pytest.mark.parametrize("page", ["limits.md", "threats.md"])
def test_every_line_of_the_tables_names_a_test_that_there_is(page):
    lines = (PROJECT_ROOT / "docs" / page).read_text(encoding="utf-8").splitlines()
    named = [_TEST.findall(line) for line in lines if line.startswith("| ") and "::" in line]
    assert len(named) >= 10
    for file, test in (found for one in named for found in one):
        assert f"def {test}(" in (PROJECT_ROOT / "lyo_pipelines_tests" / file).read_text(encoding="utf-8"), test
