"""An adapter out of a full fine-tune: ``tinyagent train extract RUN --out RUN``.

Of all matrices of a rank, the one nearest to a weight's change holds its largest singular values
(Eckart and Young: The approximation of one matrix by another of lower rank, 1936).
"""

from __future__ import annotations

import json
from pathlib import Path

import torch

from tinyagent.planner.merge import read_factors
from tinyagent.train.lora import SCALE, card_of, write_adapter
from tinyagent.versions import ADAPTER, TRAINING


def extract(run: Path, rank: int, out: Path) -> float:
    """Write the adapter of ``rank`` that is nearest to what a run changed, and what it is of.

    Args:
        run: a folder with ``adapter.safetensors`` and ``training.json``.
        rank: of the adapter; a layer of less has its own.
        out: a folder that `tinyagent train export` takes; made where it is missing.

    Returns:
        How much of the change the adapter holds: the share of its squared size, all layers
        together.

    Raises:
        SettingsError: a file of the run is missing.
    """
    of = card_of(run)
    adapter: dict[str, torch.Tensor] = {}
    kept = size = 0.0
    scale, factors = read_factors(run / ADAPTER)
    for layer, (a, b) in factors.items():
        change = scale * torch.from_numpy(b) @ torch.from_numpy(a)
        left, values, right = torch.linalg.svd(change, full_matrices=False)
        root = values[:rank].sqrt()
        adapter[f"{layer}.lora_A.weight"] = root[:, None] * right[:rank]
        adapter[f"{layer}.lora_B.weight"] = left[:, :rank] * root / SCALE
        kept += float(values[:rank].square().sum())
        size += float(values.square().sum())
    out.mkdir(parents=True, exist_ok=True)
    write_adapter(adapter, out / ADAPTER)
    share = kept / size if size else 1.0
    card = {"extracted_from": of, "rank": rank, "kept": share}
    (out / TRAINING).write_text(json.dumps(card, indent=1))
    return share
