"""Rows of several adapters in one product: each gets its own adapter's delta and nothing of its neighbours'."""

from __future__ import annotations

import torch  # noqa: TID253  (these tests multiply matrices)
from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.inference.lora_rows import AdapterStack, RowGroups, RowLora
from lyo_pipelines_tests.hypothesis_profile import draws

INPUT, OUTPUT = 5, 7


def adapter(ranks: dict[str, int], seed: int) -> RowLora:
    generator = torch.Generator().manual_seed(seed)
    return RowLora(
        {
            (0, name): (
                torch.randn(rank, INPUT, generator=generator, dtype=torch.float64),
                torch.randn(OUTPUT, rank, generator=generator, dtype=torch.float64),
            )
            for name, rank in ranks.items()
        }
    )


ADAPTERS = [None, adapter({"o": 2}, 1), adapter({"o": 3, "down": 1}, 2), adapter({"down": 4}, 3), adapter({"o": 1}, 4)]


@settings(max_examples=draws(40))
@given(
    rows=st.lists(st.sampled_from(range(5)), min_size=1, max_size=7), tokens=st.integers(1, 3), seed=st.integers(0, 99)
)
def test_each_row_gets_the_delta_of_its_own_adapter(rows, tokens, seed):
    torch.manual_seed(seed)
    adapters = [ADAPTERS[number] for number in rows]
    stack = AdapterStack([]).with_others(adapters, 2)
    x = torch.randn(len(rows), tokens, INPUT, dtype=torch.float64)
    base = torch.randn(len(rows), tokens, OUTPUT, dtype=torch.float64)
    for name in ("o", "down"):
        found = RowGroups(adapters, stack).add(base.clone(), x, 0, name)
        for row, one in enumerate(adapters):
            delta = None if one is None else one.deltas.get((0, name))
            wanted = base[row] if delta is None else base[row] + x[row] @ delta[0].t() @ delta[1].t()
            assert torch.allclose(found[row], wanted)
            assert delta is not None or torch.equal(found[row], base[row])


def test_a_neighbour_whose_weights_are_broken_spoils_nobody_else():
    broken = adapter({"o": 2}, 5)
    broken.deltas[0, "o"][0].fill_(torch.inf)
    adapters = [broken, ADAPTERS[1], None]
    x = torch.ones(3, 1, INPUT, dtype=torch.float64)
    found = RowGroups(adapters, AdapterStack([broken, ADAPTERS[1]])).add(
        torch.zeros(3, 1, OUTPUT, dtype=x.dtype), x, 0, "o"
    )
    assert not found[0].isfinite().all()
    assert found[1:].isfinite().all()
    assert torch.equal(found[2], torch.zeros(1, OUTPUT, dtype=x.dtype))


def test_a_stack_keeps_what_it_held_while_there_is_room():
    first = AdapterStack([ADAPTERS[1], ADAPTERS[2]])
    second = first.with_others([ADAPTERS[3], None], 2)
    assert second.holds([ADAPTERS[3], ADAPTERS[1]])
    assert not second.holds([ADAPTERS[2]])
    crowded = second.with_others(ADAPTERS, 2)
    assert crowded.holds(ADAPTERS), "those that have rows are always held"
