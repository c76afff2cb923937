"""The forward pass of a Llama-shaped model without what generation does not need: for each layer four products and one attention.

Against transformers' own forward: q, k and v are one product, as are gate and up; grouped heads read the cache as it lies instead
of a copy for each query head; the cache is written in place instead of being copied at each token. The numbers are the same up to
the order in which a product is summed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from lyo_pipelines.inference.few_rows import product
from lyo_pipelines.inference.kv_cache import KeyValueCache
from lyo_pipelines.inference.lora_rows import RowGroups, RowLora, stacked

_SHAPED = frozenset({"llama", "mistral", "qwen2", "qwen3"})
_ROTARY = frozenset({"default", "linear", "llama3", "yarn"})  # the others depend on the length of what is read
_GROUPS = {
    "qkv": ("self_attn", ("q_proj", "k_proj", "v_proj")),
    "o": ("self_attn", ("o_proj",)),
    "gate_up": ("mlp", ("gate_proj", "up_proj")),
    "down": ("mlp", ("down_proj",)),
}


def why_not_lean(model: Any) -> str:
    """What keeps a loaded model (plain, or with peft's layers) from the lean forward pass; "" when nothing does."""
    config = model.config
    if config.model_type not in _SHAPED:
        return f"architecture {config.model_type}"
    rotary = (getattr(config, "rope_parameters", None) or {}).get("rope_type", "default")
    if rotary not in _ROTARY:
        return f"rotary positions of type {rotary}"
    if getattr(config, "sliding_window", None) and getattr(config, "use_sliding_window", True):
        return "a sliding window"
    decoder = _decoder(model)
    for layer in decoder.layers:
        for place, names in _GROUPS.values():
            for name in names:
                if type(_base(getattr(getattr(layer, place), name))) is not nn.Linear:
                    return "quantised layers"
    return ""


def why_not_by_row(model: Any, adapter: str) -> str:
    """What keeps an adapter of peft's from being added row by row; "" when nothing does."""
    config = model.peft_config[adapter]
    if config.peft_type != "LORA" or config.use_dora or config.modules_to_save or config.bias != "none":
        return "an adapter that is more than LoRA on linear layers"
    known = {f"{place}.{name}" for place, names in _GROUPS.values() for name in names}
    for path, module in model.named_modules():
        if adapter in getattr(module, "lora_A", {}) and not any(path.endswith(one) for one in known):
            return f"LoRA on {path}"
        if adapter in getattr(module, "lora_embedding_A", {}):
            return "LoRA on the embeddings"
    return ""


@dataclass(frozen=True)
class _Layer:
    qkv: nn.Parameter
    qkv_bias: torch.Tensor | None
    o: nn.Parameter
    o_bias: torch.Tensor | None
    gate_up: nn.Parameter
    gate_up_bias: torch.Tensor | None
    down: nn.Parameter
    down_bias: torch.Tensor | None
    before_attention: nn.Module
    before_mlp: nn.Module
    q_norm: nn.Module | None
    k_norm: nn.Module | None


class LeanModel:
    """A loaded model's weights in the order in which the lean forward reads them; the weights are shared, not copied."""

    def __init__(self, model: Any) -> None:
        """model: what `why_not_lean` says nothing of, on its device and in its dtype."""
        decoder, config = _decoder(model), model.config
        self.device, self.dtype = decoder.embed_tokens.weight.device, decoder.embed_tokens.weight.dtype
        self.heads = config.num_attention_heads
        self.kv_heads = config.num_key_value_heads
        self.head_size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        self.positions = config.max_position_embeddings
        self._embed, self._norm, self._head = decoder.embed_tokens, decoder.norm, _base(_causal(model).lm_head)
        self._activation = functional.silu if config.hidden_act == "silu" else decoder.layers[0].mlp.act_fn
        self._scale = decoder.layers[0].self_attn.scaling
        self._modules = decoder.layers
        self._layers = [_layer(layer) for layer in decoder.layers]
        self._rotary = decoder.rotary_emb
        self._cosine = self._sine = torch.empty(0)

    @property
    def depth(self) -> int:
        """Number of layers."""
        return len(self._layers)

    def adapter(self, name: str) -> RowLora:
        """The deltas of an adapter that peft has loaded under this name."""
        deltas = {}
        for number, layer in enumerate(self._modules):
            for group, (place, names) in _GROUPS.items():
                modules = [getattr(getattr(layer, place), one) for one in names]
                delta = stacked([(module, _base(module).out_features) for module in modules], name)
                if delta is not None:
                    deltas[number, group] = delta
        return RowLora(deltas)

    def read(self, ids: torch.Tensor, cache: KeyValueCache, groups: RowGroups, *, past: int) -> torch.Tensor:
        """Hidden states [rows, length, hidden] of prompts [rows, length], padded on the right, behind `past` tokens in the cache."""
        length = ids.shape[1]
        positions = torch.arange(past, past + length, device=self.device)
        mask = None
        if past:
            mask = torch.arange(past + length, device=self.device)[None, :] <= positions[:, None]

        def attend(layer: int, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
            keys, values = cache.put_prompt(layer, k, v, past)
            return functional.scaled_dot_product_attention(
                q,
                keys,
                values,
                attn_mask=mask,
                is_causal=mask is None,
                scale=self._scale,
                enable_gqa=self.heads != self.kv_heads,
            )

        return self._forward(ids, positions[None], attend, groups)

    def step(
        self, tokens: torch.Tensor, lengths: torch.Tensor, cache: KeyValueCache, groups: RowGroups
    ) -> torch.Tensor:
        """Hidden states [rows, n, hidden] of n more tokens a row [rows, n]. lengths: tokens that each row's cache holds so far."""
        rows, more = tokens.shape
        longest = int(lengths.max()) + more
        positions = lengths[:, None] + torch.arange(more, device=self.device)
        places = cache.places(positions)
        together = self.heads // self.kv_heads
        mask = None
        if rows > 1 or more > 1:
            later = torch.arange(longest, device=self.device) > positions[:, :, None]  # [rows, n, longest]
            mask = torch.zeros(later.shape, dtype=self.dtype, device=self.device).masked_fill_(later, -torch.inf)
            mask = (mask.repeat(1, together, 1) if more > 1 else mask)[:, None]

        def attend(layer: int, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
            keys, values = cache.put_tokens(layer, k, v, places, longest)
            # the query heads of one key head stand where positions do: no copy of the keys for each of them
            grouped = q.reshape(rows, self.kv_heads, together * more, self.head_size)
            found = functional.scaled_dot_product_attention(grouped, keys, values, attn_mask=mask, scale=self._scale)
            return found.reshape(rows, self.heads, more, self.head_size)

        return self._forward(tokens, positions, attend, groups)

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """Logits [..., vocabulary] of hidden states [..., hidden]."""
        return product(self._norm(hidden), self._head.weight, self._head.bias)

    def _forward(self, ids: torch.Tensor, positions: torch.Tensor, attend: Any, groups: RowGroups) -> torch.Tensor:
        rows, length = ids.shape
        cosine, sine = self._angles(positions)
        x = self._embed(ids)
        sizes = [(self.heads + self.kv_heads) * self.head_size, self.kv_heads * self.head_size]
        for number, layer in enumerate(self._layers):
            h = layer.before_attention(x)
            qkv = groups.add(product(h, layer.qkv, layer.qkv_bias), h, number, "qkv")
            qk, v = (part.view(rows, length, -1, self.head_size) for part in qkv.split(sizes, dim=-1))
            if layer.q_norm is not None and layer.k_norm is not None:
                q, k = qk.split([self.heads, self.kv_heads], dim=2)
                qk = torch.cat((layer.q_norm(q), layer.k_norm(k)), dim=2)
            q, k = _rotated(qk.transpose(1, 2), cosine, sine).split([self.heads, self.kv_heads], dim=1)
            v = v.transpose(1, 2)
            h = attend(number, q, k, v).transpose(1, 2).reshape(rows, length, -1)
            x = x + groups.add(product(h, layer.o, layer.o_bias), h, number, "o")
            h = layer.before_mlp(x)
            gate_up = groups.add(product(h, layer.gate_up, layer.gate_up_bias), h, number, "gate_up")
            gate, up = gate_up.chunk(2, dim=-1)
            h = self._activation(gate) * up
            x = x + groups.add(product(h, layer.down, layer.down_bias), h, number, "down")
        return x

    def _angles(self, positions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Cosines and sines [rows or 1, 1, length, head size] of positions, from a table made by the model's own rotary embedding."""
        needed = int(positions.max()) + 1
        if self._cosine.shape[0] < needed:
            every = torch.arange(-(-needed // 256) * 256, device=self.device)[None]
            cosine, sine = self._rotary(self._embed.weight[:1], every)
            self._cosine, self._sine = cosine[0], sine[0]
        return self._cosine[positions].unsqueeze(1), self._sine[positions].unsqueeze(1)


def _rotated(x: torch.Tensor, cosine: torch.Tensor, sine: torch.Tensor) -> torch.Tensor:
    first, second = x.chunk(2, dim=-1)
    return x * cosine + torch.cat((-second, first), dim=-1) * sine


def _layer(layer: Any) -> _Layer:
    parts: dict[str, Any] = {}
    for group, (place, names) in _GROUPS.items():
        modules = [_base(getattr(getattr(layer, place), name)) for name in names]
        parts[group] = _joined(modules)
        biases = [module.bias for module in modules]
        parts[f"{group}_bias"] = None if biases[0] is None else torch.cat([bias.detach() for bias in biases])
    return _Layer(
        **parts, before_attention=layer.input_layernorm, before_mlp=layer.post_attention_layernorm,
        q_norm=getattr(layer.self_attn, "q_norm", None), k_norm=getattr(layer.self_attn, "k_norm", None),
    )  # fmt: skip


def _joined(modules: list[Any]) -> torch.Tensor:
    """The weights below each other; each module's own weight becomes a view into them, so that nothing is held twice."""
    if len(modules) == 1:
        return modules[0].weight.detach()
    whole = torch.cat([module.weight.detach() for module in modules])
    for module, part in zip(modules, whole.split([module.out_features for module in modules]), strict=True):
        module.weight.data = part
    return whole


def _base(module: Any) -> Any:
    return getattr(module, "base_layer", module)


def _causal(model: Any) -> Any:
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def _decoder(model: Any) -> Any:
    return _causal(model).model
