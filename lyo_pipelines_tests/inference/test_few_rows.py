"""A product of few rows is the linear layer's, however its weight is laid out."""

from __future__ import annotations

import pytest
import torch  # noqa: TID253  (these tests multiply matrices)
from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.inference.few_rows import product
from lyo_pipelines_tests.hypothesis_profile import draws


@settings(max_examples=draws(60))
@given(
    rows=st.integers(1, 70), more=st.integers(1, 3), into=st.integers(1, 9), out=st.integers(1, 13), seed=st.integers(0, 99),
    biased=st.booleans(), dtype=st.sampled_from([torch.float32, torch.float64]),
)  # fmt: skip
def test_it_is_linear_for_any_number_of_rows(rows, more, into, out, seed, biased, dtype):
    generator = torch.Generator().manual_seed(seed)
    x, weight = (torch.randn(*shape, generator=generator).to(dtype) for shape in ((rows, more, into), (out, into)))
    bias = torch.randn(out, generator=generator).to(dtype) if biased else None
    found = product(x, weight, bias)
    assert found.is_contiguous()
    torch.testing.assert_close(found, torch.nn.functional.linear(x, weight, bias), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("rows", [1, 3])
def test_a_weight_that_is_a_view_is_read_as_it_is(rows):
    weight = torch.randn(6, 8).t()
    x = torch.randn(rows, 6)
    torch.testing.assert_close(product(x, weight, None), x @ weight.t())
