"""Tensors of which each process holds some rows (FSDP), and those that it holds whole."""

from __future__ import annotations

import torch
from torch.distributed.tensor import DTensor, distribute_tensor


def whole(tensor: torch.Tensor) -> torch.Tensor:
    """All of a tensor; every process has to ask for it."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def own(tensor: torch.Tensor) -> torch.Tensor:
    """The rows that this process holds; what is written there is written to the tensor."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def shared_as(tensor: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """``tensor``, which is whole, shared out among the processes as ``other`` is."""
    if not isinstance(other, DTensor):
        return tensor
    return distribute_tensor(tensor.to(other.device), other.device_mesh, other.placements)
