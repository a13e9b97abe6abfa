"""Where a planner's training stands, in a file: the same one however many processes train."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from tinyagent.train.lora import adapter_of
from tinyagent.train.sharded import shared_as, whole

FILE = "checkpoint.pt"


@dataclass(frozen=True)
class Checkpoint:
    """A training between two steps.

    Attributes:
        adapter: its weights, as peft names them.
        optimizer: its state, every tensor whole.
        step: how many are done.
        spent: seconds of the budget that they took.
        tokens: that they were told.
        losses: of each step.
        asked: what the run depends on, beside its budget, and the digest of what it began with.
    """

    adapter: dict[str, torch.Tensor]
    optimizer: dict[str, Any]
    step: int
    spent: float
    tokens: int
    losses: list[float]
    asked: dict[str, Any]


def read(out: Path) -> Checkpoint | None:
    """The last checkpoint of a run, if it has one."""
    path = out / FILE
    if not path.is_file():
        return None
    return Checkpoint(**torch.load(path, map_location="cpu", weights_only=True))


def taken(
    peft: Any,
    optimizer: Any,
    step: int,
    spent: float,
    tokens: int,
    losses: list[float],
    asked: dict[str, Any],
) -> Checkpoint:
    """A checkpoint of the training as it is; all processes have to take it."""
    told = optimizer.state_dict()
    state = {
        number: {name: whole(value) for name, value in of.items()}
        for number, of in told["state"].items()
    }
    return Checkpoint(
        adapter_of(peft), {**told, "state": state}, step, spent, tokens, losses, asked
    )


def write(checkpoint: Checkpoint, out: Path) -> None:
    """Put it in the place of the last one, which stands until it is written whole."""
    part = out / "checkpoint.tmp"
    torch.save(vars(checkpoint), part)
    part.replace(out / FILE)


def restore(optimizer: Any, checkpoint: Checkpoint) -> None:
    """Give the optimizer its state back, each process its part."""
    weights = [p for group in optimizer.param_groups for p in group["params"]]
    state = {}
    for number, of in checkpoint.optimizer["state"].items():
        weight = weights[number]
        state[number] = {
            name: shared_as(value, weight) if value.shape == weight.shape else value
            for name, value in of.items()
        }
    optimizer.load_state_dict({**checkpoint.optimizer, "state": state})
