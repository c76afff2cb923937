"""The fast paths compute what the plain ones do: loss, gradients, dropout, attention, batches without padding."""

from __future__ import annotations

import pytest

from lyo_pipelines.training import dtypes
from lyo_pipelines.training.engine import base, chunked_loss
from lyo_pipelines.training.engine.data import Collator, ExamplesDataset, read_split
from lyo_pipelines.training.engine.fused_lora import fuse_lora, keep_mask
from lyo_pipelines.training.engine.lora import TARGET_MODULES, add_lora, trainable_parameters
from lyo_pipelines.training.engine.loss import head_of, token_losses
from lyo_pipelines.training.engine.model_building import compile_blocks
from lyo_pipelines.training.recipe_loading import load_recipe
from lyo_pipelines.training.recipes import Lora
from lyo_pipelines_tests.training.tiny import make_dataset, make_model

torch = pytest.importorskip("torch")

FAMILIES = ["llama", "mistral", "gemma2", "gpt2"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    return {family: make_model(root / family, family) for family in [*FAMILIES, "t5"]}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return make_dataset(tmp_path_factory.mktemp("dataset"))


def prepared(
    folder, dataset, *, dropout=0.0, fused=False, padding_free=False, short_rows=False, dtype=torch.float32, count=4
):
    tokenizer = base.load_tokenizer(str(folder))
    model = add_lora(
        base.load_model(str(folder), dtype=dtype, short_rows=short_rows), Lora(r=4, alpha=8, dropout=dropout), seed=1
    )
    for name, parameter in model.named_parameters():  # B is zero at first: then half of LoRA would go untested
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.3, generator=torch.Generator().manual_seed(len(name)))
    if fused:
        assert fuse_lora(model) > 0
    data = ExamplesDataset(read_split(dataset, "train", tokenizer, 200))
    encoder_decoder = model.config.is_encoder_decoder
    collate = Collator(tokenizer.pad_token_id, padding_free, encoder_decoder)
    return model, collate([data[i] for i in range(count)]), encoder_decoder


def loss_and_gradients(model, batch, encoder_decoder=False, **options):
    losses, weights = token_losses(model, batch, encoder_decoder=encoder_decoder, **options)
    (losses * weights).sum().backward()
    return losses.detach(), {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}


def assert_same(first, second, tolerance=1e-4):
    assert torch.allclose(torch.sort(first[0]).values, torch.sort(second[0]).values, atol=tolerance)
    assert first[1].keys() == second[1].keys()
    for name, gradient in first[1].items():
        assert torch.allclose(gradient, second[1][name], atol=tolerance * 10, rtol=1e-3), name


@pytest.mark.parametrize("family", FAMILIES)
def test_the_loss_is_the_models_own_loss(folders, dataset, family):
    model, batch, _ = prepared(folders[family], dataset)
    losses, _ = token_losses(model, batch, encoder_decoder=False)
    own = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], labels=batch["labels"]).loss
    assert losses.mean().item() == pytest.approx(own.item(), rel=1e-4)


def test_the_loss_of_an_encoder_decoder_is_the_models_own_loss(folders, dataset):
    model, batch, _ = prepared(folders["t5"], dataset)
    losses, _ = token_losses(model, batch, encoder_decoder=True)
    own = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], labels=batch["labels"]).loss
    assert losses.mean().item() == pytest.approx(own.item(), rel=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_projecting_only_loss_positions_changes_nothing(folders, dataset, family):
    results = []
    for only in (True, False):
        model, batch, _ = prepared(folders[family], dataset)
        results.append(loss_and_gradients(model, batch, loss_positions_only=only))
    assert_same(*results)


@pytest.mark.parametrize("family", ["llama", "mistral", "gemma2"])
def test_head_and_loss_in_chunks_are_head_and_loss(folders, dataset, family, monkeypatch):
    monkeypatch.setattr(chunked_loss, "ROWS", 7)  # several chunks, the last one not full
    results = []
    for chunked in (True, False):
        model, batch, _ = prepared(folders[family], dataset)
        assert chunked_loss.can_be_chunked(model, head_of(model))
        results.append(loss_and_gradients(model, batch, chunked=chunked))
    assert_same(*results)


@pytest.mark.parametrize("family", [*FAMILIES, "t5"])
def test_compiling_takes_every_block_and_leaves_the_names_of_weights_as_they_are(folders, dataset, family):
    model, _, _ = prepared(folders[family], dataset)
    names = list(model.state_dict())
    assert compile_blocks(model) == (4 if family == "t5" else 2)  # nothing is compiled before the first row comes
    assert list(model.state_dict()) == names, "a checkpoint must be readable with and without it"


def test_a_head_that_is_learnt_or_unknown_is_not_chunked(folders, dataset):
    model, _, _ = prepared(folders["llama"], dataset)
    head_of(model).weight.requires_grad_(True)
    assert not chunked_loss.can_be_chunked(model, head_of(model))
    other, _, _ = prepared(folders["gpt2"], dataset)
    assert not chunked_loss.can_be_chunked(other, head_of(other))


@pytest.mark.parametrize("family", ["llama", "mistral", "gemma2"])
def test_fused_lora_is_pefts_lora(folders, dataset, family):
    results = [loss_and_gradients(*prepared(folders[family], dataset, fused=fused)) for fused in (False, True)]
    assert_same(*results)


@pytest.mark.parametrize("family", ["llama", "mistral", "gemma2"])
def test_short_row_attention_is_the_models_attention(folders, dataset, family):
    results = [loss_and_gradients(*prepared(folders[family], dataset, short_rows=short)) for short in (False, True)]
    assert_same(*results)


@pytest.mark.parametrize("family", ["llama", "mistral", "gemma2"])
@pytest.mark.parametrize("short_rows", [False, True])
def test_a_row_without_padding_keeps_its_examples_apart(folders, dataset, family, short_rows):
    results = [
        loss_and_gradients(*prepared(folders[family], dataset, padding_free=free, short_rows=short_rows))
        for free in (False, True)
    ]
    assert_same(*results)


def test_an_answer_does_not_depend_on_the_batch_it_is_in(folders, dataset):
    alone, batch_of_one, _ = prepared(folders["llama"], dataset, count=1)
    together, batch_of_four, _ = prepared(folders["llama"], dataset, count=4)
    first, _ = token_losses(alone, batch_of_one, encoder_decoder=False)
    four, _ = token_losses(together, batch_of_four, encoder_decoder=False)
    assert torch.allclose(first, four[: len(first)], atol=1e-4)


def test_fused_dropout_drops_its_share_and_keeps_the_mean(folders, dataset):
    x = torch.ones(400, 500)
    mask = keep_mask(x, 0.1)
    assert set(mask.unique().tolist()) == {0.0, 1.0}
    assert mask.mean().item() == pytest.approx(0.9, abs=0.003)
    assert keep_mask(x.bfloat16(), 0.5).dtype == torch.bfloat16
    lanes = mask.flatten().view(-1, 4).mean(0)  # four elements share one draw: none may be favoured
    assert torch.allclose(lanes, torch.full((4,), 0.9), atol=0.006)
    torch.manual_seed(3)
    one = loss_and_gradients(*prepared(folders["llama"], dataset, fused=True, dropout=0.5))
    two = loss_and_gradients(*prepared(folders["llama"], dataset, fused=True, dropout=0.0))
    assert not torch.allclose(one[0], two[0])


def test_the_gradient_through_fused_dropout_is_exact():
    from lyo_pipelines.training.engine.fused_lora import _FusedLora

    shapes = [(6, 5), (4, 5), (3, 5), (4, 3)]  # x, W, A, B
    x, weight, down, up = (torch.randn(s, dtype=torch.float64, requires_grad=i != 1) for i, s in enumerate(shapes))

    def run(x, down, up):
        torch.manual_seed(0)  # the same mask at each evaluation
        return _FusedLora.apply(x, weight, None, down, up, 2.0, 0.3)

    # the adapter's gradients come back in float32, hence the tolerance
    assert torch.autograd.gradcheck(run, (x, down, up), atol=1e-4, rtol=1e-3)


def test_bfloat16_stays_close_to_float32(folders, dataset):
    full = loss_and_gradients(*prepared(folders["llama"], dataset, fused=True))
    half = loss_and_gradients(*prepared(folders["llama"], dataset, fused=True, short_rows=True, dtype=torch.bfloat16))
    assert half[0].mean().item() == pytest.approx(full[0].mean().item(), rel=0.02)
    for name, gradient in half[1].items():
        assert gradient.dtype == torch.float32, name
        assert torch.nn.functional.cosine_similarity(gradient.flatten(), full[1][name].flatten(), dim=0) > 0.97, name


@pytest.mark.parametrize("family", [*FAMILIES, "t5"])
def test_lora_sits_on_all_linear_layers_of_attention_and_mlp(folders, dataset, family):
    model, _, _ = prepared(folders[family], dataset)
    adapted = {name.split(".lora_A")[0].rsplit(".", 1)[-1] for name, _ in model.named_parameters() if "lora_A" in name}
    linear = {
        name.rsplit(".", 1)[-1]
        for name, module in model.get_base_model().named_modules()
        if type(module).__name__ == "Linear" and "lora" in str(type(module)).lower()
    }
    assert adapted == linear
    assert adapted <= set(TARGET_MODULES[family])
    assert all(p.dtype == torch.float32 for p in model.parameters() if p.requires_grad)
    assert 0 < trainable_parameters(model) < sum(p.numel() for p in model.parameters()) / 2


@pytest.mark.parametrize(
    ("cpu", "dtype"),
    [
        ("avx2 avx512_bf16", "bfloat16"),
        ("asimd bf16", "bfloat16"),
        ("avx2 avx512f", "float32"),
        (None, "float32"),
    ],
)
def test_bfloat16_is_taken_only_where_the_device_multiplies_it(monkeypatch, tmp_path, cpu, dtype):
    monkeypatch.setattr(dtypes, "_CPUINFO", tmp_path / "cpuinfo")
    if cpu is not None:
        (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nflags\t\t: fpu {cpu} sse2\n", encoding="utf-8")
    assert dtypes.training_dtype(load_recipe("tiny_test", {"dtype": "bfloat16"}), "cpu") == dtype
    assert dtypes.training_dtype(load_recipe("tiny_test", {"dtype": "float32"}), "cpu") == "float32"
