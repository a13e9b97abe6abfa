"""Ship what was trained: ``tinyagent train export RUN``.

Takes a run's adapter, or its last checkpoint while it is still training, puts it into
``models/planner``, makes the 4-bit file from it, and has both runtimes plan the same requests.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from tinyagent.commands.prepare import prepare
from tinyagent.errors import ModelError
from tinyagent.models import find, update_manifest
from tinyagent.train import checkpoints
from tinyagent.train.agreement import LEAST, Agreement, compare
from tinyagent.train.lora import write_adapter


def export(run: Path, models: Path) -> tuple[Path, Agreement]:
    """Ship the adapter of ``run``.

    Returns:
        The 4-bit GGUF file that was made from it, and how far it plans as the trained model does.

    Raises:
        ModelError: it does not.
    """
    shipped = models / "planner"
    shipped.mkdir(parents=True, exist_ok=True)
    finished = run / "adapter.safetensors"
    if finished.is_file():
        shutil.copyfile(finished, shipped / "adapter.safetensors")
        shutil.copyfile(run / "training.json", shipped / "training.json")
    else:
        checkpoint = checkpoints.read(run)
        if checkpoint is None:
            raise ModelError(f"{run} has no adapter, and no checkpoint; train it first")
        write_adapter(checkpoint.adapter, shipped / "adapter.safetensors")
    update_manifest("planner-adapter", models)
    prepare(models)
    made = find("planner-q4_0", models)
    agreement = compare(find("smollm2", models), shipped / "adapter.safetensors", made)
    if agreement.same < LEAST * len(agreement.plans):
        raise ModelError(f"{made} does not plan as what was trained: {agreement}")
    return made, agreement
