from __future__ import annotations

from datetime import timedelta

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.curation.batch import curate_batch
from lyo_pipelines.curation.pool import POOL_RULES, REMOVED_FROM_POOL, apply_pool_rules
from lyo_pipelines.curation.wordlists import load_wordlists
from lyo_pipelines_tests.curation.interaction_rows import CONFIG, config, row, table
from lyo_pipelines_tests.hypothesis_profile import draws

LISTS = load_wordlists()


def examples(*rows) -> pa.Table:
    return curate_batch(table(*rows), CONFIG, LISTS, {}).kept


def ids(table: pa.Table) -> list[str]:
    return table["interaction_id"].to_pylist()


def test_a_segment_with_too_few_interactions_is_left_out():
    made = examples(row(1), row(2))
    assert apply_pool_rules(made, CONFIG, 99).removed_by_rule == {"segment_minimum": 2}
    assert apply_pool_rules(made, CONFIG, 100).kept.num_rows == 2


def test_of_exact_duplicates_the_earliest_stays_whatever_the_day():
    first = row(1)
    same = [
        row(n, question=first["question"].upper(), occurred_at=first["occurred_at"] + timedelta(days=n)) for n in (2, 3)
    ]
    other = row(
        4, question=first["question"], context="another sheet", occurred_at=first["occurred_at"] - timedelta(days=1)
    )
    result = apply_pool_rules(examples(*same, first, other), CONFIG, 500)
    assert ids(result.kept) == ["i4", "i1"]
    assert result.removed_by_rule == {"exact_duplicate": 2}


def test_another_history_is_another_example():
    made = examples(row(1), row(2, question=row(1)["question"], history=[{"role": "user", "content": "before"}]))
    assert apply_pool_rules(made, CONFIG, 500).kept.num_rows == 2


def test_the_cap_keeps_a_user_s_best_rated_examples():
    made = [row(n, rating=5.0 if n in {3, 7} else 4.0, user_pseudonym="u_heavy") for n in range(10)] + [
        row(20, user_pseudonym=None),
        row(21, user_pseudonym=None),
    ]
    result = apply_pool_rules(examples(*made), config(user_cap=2), 500)
    assert set(ids(result.kept)) == {"i3", "i7", "i20", "i21"}
    assert result.removed_by_rule == {"user_cap": 8}
    assert apply_pool_rules(examples(*made), config(user_cap=0), 500).kept.num_rows == 12


@settings(max_examples=draws(25))
@given(order=st.permutations(range(14)), cap=st.integers(0, 4))
def test_the_pool_does_not_depend_on_the_order_of_arrival_and_loses_nothing(order, cap):
    made = [
        row(n, question=f"What is {n % 9} + {n % 2}?", rating=float(4 + n % 2), user_pseudonym=f"u_{n % 3}")
        for n in range(14)
    ]
    whole = examples(*made)
    result = apply_pool_rules(whole.take(list(order)), config(user_cap=cap), 500)
    assert result.kept.equals(apply_pool_rules(whole, config(user_cap=cap), 500).kept)
    assert result.kept.num_rows + result.removed.num_rows == 14
    assert set(result.removed["rule"].to_pylist()) <= {rule.name for rule in POOL_RULES}


def test_an_empty_segment_is_no_error():
    result = apply_pool_rules(examples(), CONFIG, 500)
    assert result.kept.num_rows == result.removed.num_rows == 0
    assert result.removed.schema.equals(REMOVED_FROM_POOL)
    assert all(rule.description for rule in POOL_RULES)
