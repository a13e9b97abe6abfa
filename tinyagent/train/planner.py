"""Fine-tune the planner: LoRA on SmolLM2-135M-Instruct, over request -> plan.

    tinyagent train planner DATA --out runs/planner --minutes 60
    accelerate launch … -m tinyagent train planner DATA --out runs/planner    (docs/scale.md)

Prompts hold the gold tools and a few irrelevant ones (the paper's negative
samples); the loss is on the plan's tokens alone, and so are the logits. The
frozen weights are in bf16 where the processor has units for it (elsewhere fp32 is
many times faster), LoRA's in fp32. ``workers`` processes of one
thread each share gradients: two threads in one process wait for each other at
every operation, and collapse to a fifth when anything else runs.

The last part of a run is quantisation-aware: the merged weights are what Q4_0
will store, the gradients go straight through the rounding.

A full fine-tune (``--full``) is there to compare with, and to extract an adapter from.

The budget is computing time, over all resumes: the learning rate falls to zero
as it is used up. A run that is paused (SIGSTOP), or slowed by other work, loses
nothing of it. On a GPU it is the clock's time. A budget in steps gives the same
losses on a slow machine as on a fast one.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedType
from peft import set_peft_model_state_dict
from safetensors.torch import load_file
from torch import Tensor, nn

from tinyagent.errors import SettingsError
from tinyagent.models import sha256_of
from tinyagent.planner.merge import read_factors
from tinyagent.train import QUANTISED, UNROUNDED, attention, checkpoints, processes
from tinyagent.train.batches import Example, batches, parts, told_once
from tinyagent.train.checkpoints import Checkpoint
from tinyagent.train.hardware import cores
from tinyagent.train.lora import (
    adapter_of,
    load_base,
    start_at,
    with_adapter,
    with_every_weight,
    write_adapter,
)
from tinyagent.train.merged import merged_layers
from tinyagent.train.progress import Progress, tell
from tinyagent.train.rounding import Rounding
from tinyagent.versions import ADAPTER, TRAINING

FREQUENT = 16_384
"""The softmax in training is over the vocabulary's first, most frequent tokens and all that
the batch holds: a third of the work, and the others are never near."""

FULL_RATE = 3e-4
"""The learning rate of a full fine-tune: what moves is the weight itself, not factors of it."""

VALIDATED = 200
"""Rows of the validation split that the loss at the end is measured on."""
VALIDATED_AT_ONCE = 8
BUDGET = ("minutes", "steps", "workers", "compiled", "tokens_at_once", "checkpoint_every")
"""What of a recipe may be another where a run goes on."""
START = "start_sha256"
"""Of the adapter that a run began with, which may be another one by the time that it goes on."""
TOLD = "told"
"""Of the rows that a run was told: their digest, and from which step on."""


@dataclass(frozen=True)
class Recipe:
    """Everything that a run depends on, beside its data."""

    minutes: float = 60.0
    steps: int = 0
    """The budget, in the place of ``minutes``, where it is not 0."""
    rank: int = 32
    full: bool = False
    """Train the layers' weights themselves, in the place of an adapter of ``rank``."""
    learning_rate: float = 1e-3
    batch: int = 8
    """Examples of a step, of all processes together."""
    warmup: int = 20
    seed: int = 0
    workers: int = 2
    """Processes; a launcher's, where one has started them."""
    compiled: bool = True
    """A tenth to a fifth faster, after a minute or two."""
    max_tokens: int = 420
    tokens_at_once: int = 2080
    """On a CPU, longer batches are computed in parts: more at once are not faster."""
    checkpoint_every: float = 60.0
    """Seconds of computing."""
    start: str = ""
    """An adapter to go on from, where there is no checkpoint; "" starts at the base model."""
    invented: float = 0.1
    """Share of the examples that are told with invented tools."""
    quantised: float = QUANTISED
    quantise_every: int = 10
    """Steps between two roundings of the merged weights."""


def train(
    data: Path, base: Path, out: Path, recipe: Recipe, validation: Path | None = None
) -> None:
    """Train, or go on where ``out/checkpoint.pt`` stopped; writes ``out/adapter.safetensors``.

    ``base`` is a GGUF file or a folder that transformers can load. ``data`` is
    read again at each start, and may be another then: the card says from which step on. Of
    ``validation``'s rows the loss at the end stands in the run's card. Of several processes one
    writes; all of them read the data and ``out``. A run that has used up its budget stays as it is.

    Raises:
        SettingsError: a batch has fewer examples than there are processes, or ``out`` was begun
            by another recipe; its budget alone may change. Or the adapter to start at is missing,
            or of another rank.
    """
    recipe = replace(recipe, workers=processes.launched() or recipe.workers)
    if recipe.batch < recipe.workers:
        raise SettingsError(
            f"{recipe.workers} processes cannot share a batch of {recipe.batch}; give a larger one"
        )
    out.mkdir(parents=True, exist_ok=True)
    begun = checkpoints.read(out)
    asked = _asked(base, recipe, begun)
    if begun:
        _check(out, asked, begun)
        if _used(begun.step, begun.spent, recipe) >= 1 and _told_all(out, begun.step):
            print(f"{out} has used up its budget; with a larger one it goes on")
            return
    asked[TOLD] = _told(data, begun)
    processes.run(_work, (data, base, out, recipe, asked, validation), recipe.workers)


def _work(
    data: Path,
    base: Path,
    out: Path,
    recipe: Recipe,
    asked: dict[str, Any],
    validation: Path | None,
) -> None:
    accelerator = processes.joined()
    threads = max(1, cores() // processes.neighbours())
    torch.set_num_threads(threads)
    torch.manual_seed(recipe.seed)
    bf16 = accelerator.mixed_precision == "bf16"
    model, tokenizer = load_base(base, torch.bfloat16 if bf16 else torch.float32)
    on_cpu = accelerator.device.type == "cpu"
    if on_cpu and attention.suits(model):
        attention.use(model)
    peft = with_every_weight(model) if recipe.full else with_adapter(model, recipe.rank)
    sharded = accelerator.distributed_type == DistributedType.FSDP
    # Sharded processes compute each layer together: no one may have a part more than the others.
    at_once = recipe.tokens_at_once if on_cpu and not sharded else None
    if recipe.compiled:
        # Between the layers DDP shares gradients while others are computed: it need not split one.
        torch._dynamo.config.optimize_ddp = False
        for layer in model.model.layers:
            layer.compile(dynamic=True)
    step, spent, tokens, losses = 0, 0.0, 0, list[float]()
    if begun := checkpoints.read(out):
        set_peft_model_state_dict(peft, begun.adapter)
        step, spent, tokens, losses = begun.step, begun.spent, begun.tokens, begun.losses
    elif recipe.start and recipe.full:
        start_at(peft, Path(recipe.start))
    elif recipe.start:
        set_peft_model_state_dict(peft, load_file(recipe.start))
    processes.same_everywhere(accelerator, data=sha256_of(data), checkpoint=step)
    trained = [p for p in peft.parameters() if p.requires_grad]
    network, optimizer = accelerator.prepare(
        PlanLoss(peft), torch.optim.AdamW(trained, betas=(0.9, 0.99), weight_decay=0.0)
    )
    # Once they are where they are computed with: that is where merged weights are to be.
    merged = [] if sharded else merged_layers(peft)
    if begun:
        checkpoints.restore(optimizer, begun)
    weights = [p for p in network.parameters() if p.requires_grad]
    rounding: Rounding | None = None
    # Begun there, the adapter is no longer what it was before.
    rounded_before = (
        _used(step, spent, recipe) > 1 - recipe.quantised and (out / UNROUNDED).exists()
    )
    told = batches(
        data,
        tokenizer,
        size=recipe.batch,
        least=recipe.workers,
        max_tokens=recipe.max_tokens,
        invented=recipe.invented,
        seed=recipe.seed,
        tellers=0 if on_cpu else max(1, threads // 4),
    )
    after = islice(told, step, None)  # a run that goes on is told what comes after
    clock = _clock(accelerator, threads)
    # What was told before is told again, which is no training.
    batch = next(after) if _used(step, spent, recipe) < 1 else []
    last, kept = clock(), spent
    while (used := _used(step, spent, recipe)) < 1:
        rate = recipe.learning_rate * _schedule(step, used, recipe)
        for group in optimizer.param_groups:
            group["lr"] = rate
        if used >= 1 - recipe.quantised:
            if rounding is None:
                rounding = Rounding(peft)
                unrounded = adapter_of(peft)
                if accelerator.is_main_process and not rounded_before:
                    write_adapter(unrounded, out / UNROUNDED)
            if step % recipe.quantise_every == 0 or not rounding.done:
                rounding.round()
        for layer in merged:
            layer.merge_weight()
        summed = _backward(accelerator, network, batch, at_once)
        accelerator.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        # All processes stop at the same step: each counts the time that they took on average.
        now = clock()
        facts = torch.stack([summed, summed.new_tensor(now - last)])
        loss, seconds = accelerator.reduce(facts, "sum").tolist()
        last = now
        seconds /= accelerator.num_processes
        spent += seconds
        step += 1
        tokens += sum(map(len, batch))
        losses.append(loss)
        used = _used(step, spent, recipe)
        if accelerator.is_main_process:
            _report(out, step, used, spent, losses, rate, sum(map(len, batch)) / seconds)
        if spent - kept >= recipe.checkpoint_every or used >= 1:
            kept = spent
            checkpoint = checkpoints.taken(peft, optimizer, step, spent, tokens, losses, asked)
            if accelerator.is_main_process:
                checkpoints.write(checkpoint, out)
        if used < 1:
            batch = next(after)
    told.close()
    if rounding is None and recipe.quantised:  # cut off behind its last step
        Rounding(peft).round()
    held: float | None = None
    if validation:
        for layer in merged:
            layer.merge_weight()
        held = _loss(accelerator, network, told_once(validation, tokenizer, VALIDATED))
    adapter = adapter_of(peft)
    if accelerator.is_main_process:
        card = {
            **asdict(recipe),
            **asked,
            "data": {"rows": sum(1 for _ in data.open()), "sha256": sha256_of(data)},
            "steps": step,
            "tokens": tokens,
            "loss": sum(losses[-20:]) / max(1, len(losses[-20:])),
            "validation_loss": held,
        }
        (out / TRAINING).write_text(json.dumps(card, indent=1))
        (out / "losses.json").write_text(json.dumps([round(x, 4) for x in losses]))
        write_adapter(adapter, out / ADAPTER)  # last: where it is, all is there
    accelerator.wait_for_everyone()
    accelerator.end_training()


class PlanLoss(nn.Module):  # type: ignore[misc]  # torch is optional, and not followed
    """Token ids (batch, tokens) to the cross-entropy of each token that is ``wanted``.

    One forward pass of one module, embedding and softmax included: it is there that processes
    share weights and gradients.
    """

    def __init__(self, peft: Any) -> None:
        super().__init__()
        self.peft = peft
        self._no_split_modules = peft.base_model.model._no_split_modules
        """The layers that FSDP shares out one by one."""

    def forward(self, ids: Tensor, wanted: Tensor) -> Tensor:
        """Losses of the tokens that come after those ``wanted``, a boolean (batch, tokens).

        Padding is on the right, where causal attention never looks.
        """
        model = self.peft.base_model.model
        hidden = model.model(input_ids=ids, use_cache=False).last_hidden_state
        targets = ids.roll(-1, 1)[wanted]
        frequent = torch.arange(FREQUENT, device=ids.device)
        rows = torch.unique(torch.cat([frequent, ids.flatten()]))
        logits = hidden[wanted] @ model.lm_head.weight[rows].T
        return nn.functional.cross_entropy(
            logits.float(), torch.searchsorted(rows, targets), reduction="none"
        )


def _backward(
    accelerator: Accelerator, network: Any, batch: list[Example], at_once: int | None
) -> Tensor:
    """Gradients of a batch's mean loss, summed over all processes; this one's part of the loss.

    ``at_once`` are the tokens of a part that is computed alone; None computes all together.
    """
    world = accelerator.num_processes
    share = batch[accelerator.process_index :: world]
    groups = [share] if at_once is None else parts(share, at_once)
    total = sum(sum(example.weights) for example in batch)
    summed = torch.zeros((), device=accelerator.device)
    for number, group in enumerate(groups, 1):
        ids, wanted, weights = (t.to(accelerator.device) for t in _tensors(group))
        with nullcontext() if number == len(groups) else accelerator.no_sync(network):
            with accelerator.autocast():
                losses = network(ids, wanted)
            loss = losses @ weights / total
            (loss * world).backward()  # of the processes' gradients the mean is taken
        summed += loss.detach()
    return summed


@torch.no_grad()  # type: ignore[untyped-decorator]
def _loss(accelerator: Accelerator, network: Any, examples: list[Example]) -> float:
    """The mean loss of these examples' tokens; each process computes as many of them."""
    world = accelerator.num_processes
    as_many = examples[: len(examples) - len(examples) % world]
    share = sorted(as_many, key=len)[accelerator.process_index :: world]
    sums = torch.zeros(2, device=accelerator.device)
    for at in range(0, len(share), VALIDATED_AT_ONCE):
        group = share[at : at + VALIDATED_AT_ONCE]
        ids, wanted, weights = (t.to(accelerator.device) for t in _tensors(group))
        with accelerator.autocast():
            losses = network(ids, wanted)
        sums += torch.stack([losses @ weights, weights.sum()])
    loss, weight = accelerator.reduce(sums, "sum").tolist()
    return float(loss / max(weight, 1e-9))


def _tensors(examples: list[Example]) -> tuple[Tensor, Tensor, Tensor]:
    """Token ids, after which of them a plan's token comes, and the weights of those in the loss."""
    length = max(map(len, examples))
    ids = torch.zeros(len(examples), length, dtype=torch.long)
    wanted = torch.zeros(len(examples), length, dtype=torch.bool)
    for i, example in enumerate(examples):
        ids[i, : len(example)] = torch.tensor(example)
        wanted[i, example.start - 1 : len(example) - 1] = True
    return ids, wanted, torch.tensor([w for example in examples for w in example.weights])


def _asked(base: Path, recipe: Recipe, begun: Checkpoint | None) -> dict[str, Any]:
    """All of a run that does not change with its budget, or with the machine."""
    kept = {k: v for k, v in asdict(recipe).items() if k not in (*BUDGET, "start")}
    if begun:
        start = begun.asked[START]
    else:
        if recipe.start:
            _check_start(Path(recipe.start), recipe)
        start = sha256_of(Path(recipe.start)) if recipe.start else ""
    digest = sha256_of(base) if base.is_file() else ""
    return {**kept, "base": base.name, "base_sha256": digest, START: start}


def _check_start(start: Path, recipe: Recipe) -> None:
    """That what is trained can go on from an adapter."""
    if not start.is_file():
        raise SettingsError(f"{start} does not exist")
    _, factors = read_factors(start)
    ranks = {len(a) for a, _ in factors.values()}
    if not recipe.full and ranks != {recipe.rank}:
        raise SettingsError(f"{start} has rank {max(ranks)}, not {recipe.rank}; give its --rank")


def _check(out: Path, asked: dict[str, Any], begun: Checkpoint) -> None:
    """That the run in ``out`` was begun by what is asked now."""
    if differs := [k for k in asked if asked[k] != begun.asked.get(k)]:
        raise SettingsError(
            f"{out} was begun with another {', '.join(differs)}; give another --out"
        )


def _told(data: Path, begun: Checkpoint | None) -> list[dict[str, Any]]:
    """The rows that a run is told from now on, after those that it was told before."""
    before: list[dict[str, Any]] = begun.asked[TOLD] if begun else []
    now = {"sha256": sha256_of(data), "from_step": begun.step if begun else 0}
    return before if before and before[-1]["sha256"] == now["sha256"] else [*before, now]


def _told_all(out: Path, steps: int) -> bool:
    """Whether a run's files are written, and of its last step."""
    card = out / TRAINING
    whole = card.is_file() and (out / ADAPTER).is_file()
    return whole and json.loads(card.read_text("utf-8"))["steps"] == steps


def _clock(accelerator: Accelerator, threads: int) -> Callable[[], float]:
    """Seconds that this process has computed with all of its threads; the clock's, on a GPU."""
    if accelerator.device.type == "cpu":
        return lambda: time.process_time() / threads
    return time.monotonic


def _used(step: int, spent: float, recipe: Recipe) -> float:
    """Share of the budget that is used; from 1 on it is used up."""
    if recipe.steps:
        return step / recipe.steps
    return spent / (recipe.minutes * 60) if recipe.minutes else 1.0


def _schedule(step: int, used: float, recipe: Recipe) -> float:
    """Warm up by steps, then a cosine over the budget."""
    return min(1.0, (step + 1) / recipe.warmup) * 0.5 * (1 + math.cos(math.pi * used))


def _report(
    out: Path,
    step: int,
    used: float,
    spent: float,
    losses: list[float],
    rate: float,
    speed: float,
) -> None:
    recent = sum(losses[-20:]) / len(losses[-20:])
    left = max(0.0, spent / used - spent)
    tell(out, Progress(step, min(1.0, used), recent, left))
    print(
        f"step {step}  loss {losses[-1]:.3f} (20: {recent:.3f})  "
        f"lr {rate:.1e}  {speed:.0f} tokens/s  {left / 60:.0f} min left",
        flush=True,
    )
