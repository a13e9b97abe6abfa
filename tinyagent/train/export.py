"""Ship what was trained: ``tinyagent train export RUN``.

Takes a run's adapter, or its last checkpoint while it is still training, puts it into
``models/planner``, and makes the 4-bit file from it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import torch

from tinyagent.models import update_manifest
from tinyagent.prepare import prepare
from tinyagent.train.planner import write_adapter


def export(run: Path, models: Path) -> Path:
    """Ship the adapter of ``run``; returns the 4-bit GGUF file that was made from it."""
    shipped = models / "planner"
    shipped.mkdir(parents=True, exist_ok=True)
    checkpoint = run / "checkpoint.pt"
    finished = run / "adapter.safetensors"
    if finished.is_file():
        shutil.copyfile(finished, shipped / "adapter.safetensors")
        shutil.copyfile(run / "training.json", shipped / "training.json")
    else:
        saved = torch.load(checkpoint, map_location="cpu", weights_only=True)
        write_adapter(saved["adapter"], shipped / "adapter.safetensors")
    update_manifest("planner-adapter", models)
    prepare(models)
    return models / "cache" / "planner-q4_0.gguf"
