"""One adapter out of several runs: ``tinyagent train average RUN RUN… --out RUN``.

The mean of the weights of models that were trained on from one another plans better than each of
them, at the cost of one (Wortsman et al.: Model soups, 2022). Runs that did not begin at the same
adapter have nothing to average: their factors need not mean the same.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file

from tinyagent.errors import SettingsError
from tinyagent.train.lora import card_of, write_adapter
from tinyagent.versions import ADAPTER, TRAINING

FAR = 1.0
"""Relative distance of two adapters from which they are surely not of one line."""


def average(runs: Sequence[Path], out: Path) -> float:
    """Write the mean of the runs' adapters into ``out``, with what each was trained by.

    Args:
        runs: folders with ``adapter.safetensors`` and ``training.json``: of runs, or
            ``models/planner``.
        out: a folder that `tinyagent train export` takes; made where it is missing.

    Returns:
        The greatest distance of one of them from the first, relative to the first's size.

    Raises:
        SettingsError: there are less than two, a file is missing, or they do not go together.
    """
    if len(runs) < 2:
        raise SettingsError("average: give at least two runs")
    cards = [card_of(run) for run in runs]
    adapters = [load_file(run / ADAPTER) for run in runs]
    shapes = [{name: w.shape for name, w in adapter.items()} for adapter in adapters]
    for run, shape in zip(runs, shapes, strict=True):
        if shape != shapes[0]:
            raise SettingsError(f"{run} has an adapter of another shape than {runs[0]}")
    apart = max(_distance(adapters[0], adapter) for adapter in adapters[1:])
    if apart > FAR:
        raise SettingsError(
            f"the adapters are too far apart ({apart:.2f} of their size): "
            "average runs that went on from one another"
        )
    mean = {
        name: torch.stack([adapter[name].float() for adapter in adapters]).mean(0)
        for name in adapters[0]
    }
    out.mkdir(parents=True, exist_ok=True)
    write_adapter(mean, out / ADAPTER)
    (out / TRAINING).write_text(json.dumps({"average_of": cards}, indent=1))
    return apart


def _distance(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> float:
    change = sum(float((one[name].float() - other[name].float()).square().sum()) for name in one)
    size = sum(float(weight.float().square().sum()) for weight in one.values())
    return float((change / size) ** 0.5)
