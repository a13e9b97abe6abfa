"""Where the processes of a training come from: this command, or a launcher.

Without a launcher, ``workers`` processes are started on the CPU of this machine. `accelerate
launch` and `torchrun` start the command itself as often as there are processes, on one machine
or several, and say so in the environment: then no more are started.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any

import torch
import torch.multiprocessing as mp
from accelerate import Accelerator, DistributedDataParallelKwargs
from accelerate.utils import DistributedType, gather_object

from tinyagent.errors import SettingsError
from tinyagent.train.hardware import has_bf16


def launched() -> int:
    """How many processes a launcher has started, of which this is one; 0: none did."""
    if "RANK" in os.environ:
        return int(os.environ["WORLD_SIZE"])
    # For a single GPU, `accelerate launch` starts one process without a rank.
    return int("ACCELERATE_USE_CPU" in os.environ and not on_cpu())


def first() -> bool:
    """Whether this process writes the files and tells what was done; one does."""
    return os.environ.get("RANK", "0") == "0"


def on_cpu() -> bool:
    """Whether the CPU computes: where it was asked to, or there is nothing else."""
    asked = os.environ.get("ACCELERATE_USE_CPU", "").lower() in ("1", "true")
    return asked or not torch.accelerator.is_available()


def run(work: Callable[..., None], arguments: tuple[Any, ...], workers: int) -> None:
    """Have every process do ``work``: this one, if it was launched, or ``workers`` new ones."""
    if launched():
        work(*arguments)
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    place = {"ACCELERATE_USE_CPU": "true"}
    if workers > 1:
        place |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        place |= dict.fromkeys(("WORLD_SIZE", "LOCAL_WORLD_SIZE"), str(workers))
    mp.spawn(_started, (place, work, arguments), nprocs=workers)


def _started(rank: int, place: dict[str, str], work: Callable[..., None], arguments: Any) -> None:
    os.environ.update(place)
    if "WORLD_SIZE" in place:
        os.environ.update(dict.fromkeys(("RANK", "LOCAL_RANK"), str(rank)))
    work(*arguments)


def neighbours() -> int:
    """How many of the processes are on this machine, this one counted."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


def joined() -> Accelerator:
    """This process as one of all: its device, and how it shares what it computes with the others.

    Numbers are bf16 wherever the device multiplies such in hardware, whatever a launcher says.

    Raises:
        SettingsError: the launcher asks for FSDP in its first version.
    """
    cpu = on_cpu()
    kind = "cpu" if cpu else torch.accelerator.current_accelerator().type
    accelerator = Accelerator(
        cpu=cpu,
        mixed_precision="bf16" if has_bf16(kind) else "no",
        kwargs_handlers=[DistributedDataParallelKwargs(gradient_as_bucket_view=True)],
    )
    if accelerator.distributed_type == DistributedType.FSDP:
        if not accelerator.is_fsdp2:
            raise SettingsError(
                "FSDP's first version cannot share out a base in bf16 and an adapter in fp32; "
                "set fsdp_version: 2 in accelerate's configuration"
            )
        # Autocast alone says what is computed in bf16, as without FSDP.
        accelerator.state.fsdp_plugin.mixed_precision_policy = None
    return accelerator


def same_everywhere(accelerator: Accelerator, **facts: object) -> None:
    """Check that every process begins with the same facts.

    Raises:
        SettingsError: one does not; the message names what differs.
    """
    if accelerator.num_processes == 1:
        return
    everyone = gather_object([facts])
    if differs := [name for name in facts if len({str(f[name]) for f in everyone}) > 1]:
        raise SettingsError(
            f"the processes do not begin with the same {differs[0]}: "
            "data and run must be the same folders on every machine"
        )
