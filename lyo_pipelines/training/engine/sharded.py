"""A model that is split over the processes (PyTorch's FSDP2): each holds a part of every weight, a whole block only while it works.

What stands on the disk is whole all the same, and as one process writes it: the adapter, and the optimizer's state, so that a
training may go on in another number of processes. Zhao et al. 2023, https://arxiv.org/abs/2304.11277.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from lyo_pipelines.training.engine.loss import plain_model


def is_sharded(model: Any) -> bool:
    """Whether a model is split."""
    return isinstance(model, FSDPModule)


def shard_model(model: Any, device: str) -> None:
    """Split each block of a model by itself and what stands around the blocks, in place, onto the processes' devices.

    A mixture of frozen and learnt weights is split as it is: only gradients of learnt ones are made and exchanged.
    """
    mesh = init_device_mesh(device, (dist.get_world_size(),))
    names = set(plain_model(model)._no_split_modules or ())
    for block in [module for module in model.modules() if type(module).__name__ in names]:
        fully_shard(block, mesh=mesh)
    fully_shard(model, mesh=mesh)
    model._is_accelerate_prepared = True  # accelerate would wrap it for DDP


def whole_weights(model: Any) -> dict[str, torch.Tensor]:
    """The learnt weights, put together on the CPU. All processes must ask; the frozen base is left out, as everywhere."""
    return {name: _whole(weight.detach()) for name, weight in model.named_parameters() if weight.requires_grad}


def load_weights(model: Any, weights: Mapping[str, torch.Tensor]) -> None:
    """Put whole weights, named as the model names its parameters, into a model that is split."""
    parameters = dict(model.named_parameters())
    with torch.no_grad():
        for name, weight in weights.items():
            parameters[name].copy_(_part(weight, parameters[name]))


def whole_state(optimizer: Any) -> dict[str, Any]:  # torch's own layout
    """An optimizer's state, put together on the CPU, as `state_dict` has it in one process. All processes must ask."""
    found = optimizer.state_dict()
    state = {key: {name: _whole(value) for name, value in values.items()} for key, values in found["state"].items()}
    return found | {"state": state}


def load_state(optimizer: Any, state: dict[str, Any]) -> None:
    """Put such a state into the optimizer of a model that is split."""
    parameters = [weight for group in optimizer.param_groups for weight in group["params"]]
    parts = {
        key: {
            name: _part(value, parameters[key]) if value.shape == parameters[key].shape else value
            for name, value in values.items()
        }
        for key, values in state["state"].items()
    }
    optimizer.load_state_dict(state | {"state": parts})


def _whole(value: torch.Tensor) -> torch.Tensor:
    return value.full_tensor().cpu() if isinstance(value, DTensor) else value


def _part(value: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    if not isinstance(like, DTensor):
        return value
    return distribute_tensor(value.to(like.device, like.dtype), like.device_mesh, like.placements)
