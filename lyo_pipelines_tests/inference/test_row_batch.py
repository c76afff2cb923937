"""Rows that come and go: each is answered as if it were alone, whatever is guessed, copied or read in parts."""

from __future__ import annotations

import pytest
import torch  # noqa: TID253  (these tests run models)
from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.inference.drafts import Drafts
from lyo_pipelines.inference.lean_model import LeanModel
from lyo_pipelines.inference.prefixes import Prefixes
from lyo_pipelines.inference.row_batch import Row, RowBatch
from lyo_pipelines.inference.sampling import Sampler
from lyo_pipelines_tests.hypothesis_profile import draws
from lyo_pipelines_tests.inference.tiny_rows import STOPS, build, by_transformers

HEAD = list(range(20, 32))
REPEATED = [40, 41, 42, 43, 40, 41, 42, 43, 40, 41]


@pytest.fixture(scope="module", params=["llama", "qwen3"])
def models(request):
    model = build(request.param)
    lean = LeanModel(model)
    return model, lean, {None: None, "first": lean.adapter("first"), "second": lean.adapter("second")}


arrivals = st.lists(
    st.tuples(
        st.sampled_from([None, "first", "second"]),
        st.sampled_from([[], HEAD, REPEATED]),
        st.lists(st.integers(14, 96), min_size=1, max_size=20),
        st.integers(1, 14),  # limit
        st.integers(0, 6),  # steps before the next one may come
        st.sampled_from([None, None, None, 1, 3]),  # steps after which it is taken out
    ),
    min_size=1,
    max_size=9,
)


@settings(max_examples=draws(15))
@given(asked=arrivals, most=st.integers(1, 6), widest=st.sampled_from([0, 4, 12]), chunk=st.sampled_from([None, 3, 8]))
def test_whoever_comes_and_goes_each_answer_is_that_of_its_prompt_alone(models, asked, most, widest, chunk):
    model, lean, adapters = models
    prefixes = Prefixes(2**20)
    batch = RowBatch(
        lean, most=most, widest=widest,
        on_end=lambda row, cache: prefixes.keep(row.tokens[: row.length], row.adapter, cache),
    )  # fmt: skip
    waiting = list(asked)
    rows: dict[Row, tuple] = {}
    done: list[Row] = []
    pause, reading = 0, None
    with torch.inference_mode():
        while waiting or batch.rows or reading:
            pause -= 1
            if reading is None and waiting and len(batch.rows) < most and (pause <= 0 or not batch.rows):
                adapter, head, tokens, limit, pause, gone = waiting.pop(0)
                prompt = [*head, *tokens]
                drafts = Drafts(5) if widest else None
                row = Row(list(prompt), limit, frozenset(STOPS), adapters[adapter], drafts=drafts)
                rows[row] = (adapter, tuple(prompt), limit, gone)
                known = batch.nearest(prompt[:-1], row.adapter) or prefixes.longest(prompt[:-1], row.adapter)
                batch.start([row], known)
                reading = row
            if reading is not None and (ended := batch.read_on(chunk)) is not None:
                done += ended
                reading = None
            if batch.rows:
                done += batch.step()
            for row in [row for row in batch.rows if rows[row][3] is not None and len(row.written) > rows[row][3]]:
                batch.remove(row)
    for row in done:
        adapter, prompt, limit, gone = rows[row]
        alone = by_transformers(model, adapter, prompt, limit)
        assert (row.written, row.ended == "stop") == alone
        assert gone is None or len(row.written) <= max(gone, 1) + max(widest, 1)
    for row in rows.keys() - set(done):
        adapter, prompt, limit, gone = rows[row]
        alone, _ = by_transformers(model, adapter, prompt, limit)
        assert gone is not None
        assert row.written == alone[: len(row.written)]


def run(batch: RowBatch, rows: list[Row]) -> None:
    for row in rows:
        batch.start([row])
        batch.read_on()
    while batch.rows:
        batch.step()


def test_chance_belongs_to_the_row_whoever_stands_beside_it_and_whatever_is_guessed(models):
    _, lean, adapters = models

    def sampled(seed: int, drafts: bool) -> Row:
        sampler = Sampler(0.7, 0.9, seed)
        return Row(
            list(REPEATED),
            30,
            frozenset(STOPS),
            adapters["first"],
            choose=sampler,
            drafts=Drafts(4) if drafts else None,
        )

    with torch.inference_mode():
        alone = sampled(3, drafts=False)
        run(RowBatch(lean, most=1), [alone])
        beside = sampled(3, drafts=True)
        others = [Row(list(HEAD), 20, frozenset(), adapters[name], drafts=Drafts(4)) for name in (None, "second")]
        run(RowBatch(lean, most=4, widest=12), [others[0], beside, others[1], sampled(4, drafts=True)])
    assert beside.written == alone.written
    assert beside.ended == alone.ended


def test_a_repeated_text_is_guessed_and_takes_fewer_steps(models):
    _, lean, _ = models

    def steps(widest: int) -> tuple[int, list[int]]:
        cycle = iter([50, 51, 52, 53] * 20)
        chosen: dict[int, int] = {}

        def choose(logits, written):
            return chosen.setdefault(len(written), next(cycle))

        batch = RowBatch(lean, most=1, widest=widest)
        row = Row([40, 41], 40, frozenset(), None, choose=choose, drafts=Drafts(7))
        batch.start([row])
        batch.read_on()
        count = 0
        while batch.rows:
            batch.step()
            count += 1
        return count, row.written

    with torch.inference_mode():
        (one_by_one, text), (guessed, same) = steps(0), steps(8)
    assert text == same
    assert (one_by_one, guessed <= 15) == (39, True)


def test_memory_grows_with_what_is_needed_and_never_beyond_what_was_foreseen(models):
    _, lean, _ = models
    batch = RowBatch(lean, most=8)
    with torch.inference_mode():
        row = Row(list(HEAD), 100, frozenset(), None)
        foreseen = batch.would_need(row)
        batch.start([row])
        batch.read_on()
        assert batch.nbytes < foreseen
        for _ in range(3):
            more = Row(list(HEAD), 40, frozenset(), None)
            foreseen = batch.would_need(more)
            batch.start([more])
            batch.read_on()
        seen = 0
        while batch.rows:
            batch.step()
            seen = max(seen, batch.nbytes)
    assert seen <= foreseen
    batch.release()
    assert batch.nbytes == 0


def test_what_was_read_before_is_bounded_and_belongs_to_its_adapter(models):
    _, lean, adapters = models
    batch = RowBatch(lean, most=1)
    prefixes = Prefixes(40 * batch.token_bytes)
    kept: list[tuple[int, ...]] = []

    def keep(row, cache):
        prefixes.keep(row.tokens[: row.length], row.adapter, cache)
        kept.append(tuple(row.tokens[: row.length]))

    batch = RowBatch(lean, most=1, on_end=keep)
    with torch.inference_mode():
        for name in ("first", "second", None, "first"):
            run(batch, [Row([*HEAD, 60 + len(kept)], 2, frozenset(), adapters[name])])
            assert prefixes.nbytes <= 40 * batch.token_bytes
    assert prefixes.longest(HEAD, adapters["second"]) is None, "used longest ago"
    assert prefixes.longest(HEAD, adapters["first"])[1] == len(HEAD)
    assert prefixes.longest([*HEAD, 62, 9], None)[1] == len(HEAD) + 1
    assert prefixes.longest([7, *HEAD], adapters["first"]) is None
    prefixes.forget(adapters["first"])
    assert prefixes.longest(HEAD, adapters["first"]) is None


@given(
    tokens=st.lists(st.integers(0, 3), min_size=1, max_size=40),
    more=st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=3), max_size=5),
    most=st.integers(1, 6),
    room=st.integers(0, 6),
)
def test_a_guess_is_what_followed_the_same_tokens_before(tokens, more, most, room):
    drafts = Drafts(most)
    for part in more:
        guess = drafts.guess(tokens, room)
        assert len(guess) <= min(most, room)
        if guess:
            text = [*tokens, *guess]
            size = 2
            before = [at for at in range(len(tokens) - size) if tokens[at : at + size] == tokens[-size:]]
            assert any(text[at + size : at + size + len(guess)] == guess for at in before)
        drafts.judged(len(guess), 0)
        tokens = [*tokens, *part]


@given(
    st.lists(st.floats(-8, 8), min_size=2, max_size=600), st.floats(0.2, 2), st.floats(0.05, 0.99), st.integers(0, 9)
)
def test_a_token_is_drawn_from_the_smallest_set_that_has_the_share(logits, temperature, top_p, seed):
    values = torch.tensor(logits)
    shares = torch.softmax(values.double() / temperature, -1)
    token = Sampler(temperature, top_p, seed)(values, [])
    likelier = float(shares[shares > shares[token]].sum())
    assert likelier < top_p + 1e-9


def test_tokens_are_drawn_as_often_as_they_are_likely():
    logits = torch.log(torch.tensor([0.5, 0.3, 0.15, 0.05]))
    sampler = Sampler(1.0, 1.0, 5)
    drawn = torch.bincount(torch.tensor([sampler(logits, []) for _ in range(4000)]), minlength=4) / 4000
    assert torch.allclose(drawn, torch.tensor([0.5, 0.3, 0.15, 0.05]), atol=0.03)
    nucleus = Sampler(1.0, 0.7, 5)
    assert {nucleus(logits, []) for _ in range(300)} == {0, 1}
