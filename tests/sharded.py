"""The command ``tinyagent``, with FSDP on CPUs: `accelerate launch … tests/sharded.py train …`.

accelerate takes FSDP for GPUs alone, and goes on without it elsewhere; torch shards on CPUs, too.
So accelerate is told that these are GPUs which talk over gloo, and that tensors lie on the CPU.
"""

from __future__ import annotations

import os
from typing import Any

from accelerate import Accelerator
from accelerate.state import PartialState
from accelerate.utils import DistributedType

from tinyagent.commands.cli import app
from tinyagent.train import processes


def sharding(cpu: bool, **asked: Any) -> Accelerator:
    made = Accelerator(**asked)
    assert cpu and made.is_fsdp2
    return made


if __name__ == "__main__":
    os.environ["ACCELERATE_TORCH_DEVICE"] = "cpu"
    PartialState._prepare_backend = lambda *asked: ("gloo", DistributedType.MULTI_GPU)
    processes.Accelerator = sharding
    app()
