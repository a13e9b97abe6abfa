"""Fine-tune the planner: LoRA on SmolLM2-135M-Instruct, over request -> plan.

    tinyagent train planner DATA --out runs/planner --minutes 60

Prompts hold the gold tools and a few irrelevant ones (the paper's negative
samples); the loss is on the plan's tokens alone, and so are the logits. The
frozen weights are in bf16 where the CPU has units for it (elsewhere fp32 is
many times faster), LoRA's in fp32. ``workers`` processes of one
thread each share gradients: two threads in one process wait for each other at
every operation, and collapse to a fifth when anything else runs.

The last part of a run is quantisation-aware: the merged weights are what Q4_0
will store, the gradients go straight through the rounding.

The budget is computing time, over all resumes: the learning rate falls to zero
as it is used up. A run that is paused (SIGSTOP), or slowed by other work, loses
nothing of it. A budget in steps gives the same losses on a slow machine as on a
fast one.
"""

from __future__ import annotations

import json
import math
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from tinyagent.planner.prompt import END, planner_prompt
from tinyagent.plans.free_text import free_spans_of
from tinyagent.plans.syntax import read_plan
from tinyagent.tools.declaration import declared_tools, read_declaration
from tinyagent.tools.registry import ToolSet
from tinyagent.train.hardware import cores, has_bf16
from tinyagent.train.invented import invent
from tinyagent.train.progress import Progress, tell

LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
SCALE = 2
"""LoRA's alpha over its rank."""

UNROUNDED = "unrounded.safetensors"
"""The adapter as it is before the quantisation-aware part: `eval tables --adapter` compares it."""

FREQUENT = 16_384
"""The softmax in training is over the vocabulary's first, most frequent tokens and all that
the batch holds: a third of the work, and the others are never near."""

FREE_TEXT = 0.3
"""Weight in the loss of a token of free text, of whose wordings many are right; the others'
is 1. Most of a plan's tokens are such, and nearly all of what is left of the loss."""

CONFUSED = [
    {"get_phone_number", "get_email_address", "send_sms", "compose_new_email"},
    {"compose_new_email", "reply_to_email", "forward_email"},
    {"create_note", "open_note", "append_note_content"},
    {"create_calendar_event", "create_reminder", "get_zoom_meeting_link"},
    {"open_and_get_file_path", "summarize_pdf", "open_note"},
    {"maps_open_location", "maps_show_directions"},
]
"""Tools that ToolRAG is likely to pick one for the other: the irrelevant ones that teach most."""


@dataclass(frozen=True)
class Recipe:
    """Everything that a run depends on, beside its data."""

    minutes: float = 60.0
    steps: int = 0
    """The budget, in the place of ``minutes``, where it is not 0."""
    rank: int = 32
    learning_rate: float = 1e-3
    batch: int = 8
    warmup: int = 20
    seed: int = 0
    workers: int = 2
    compiled: bool = True
    """A tenth to a fifth faster, after a minute or two."""
    max_tokens: int = 420
    tokens_at_once: int = 520
    """Longer batches are computed in parts: what falls out of the cache costs twice."""
    checkpoint_every: int = 20
    start: str = ""
    """An adapter to go on from, where there is no checkpoint; "" starts at the base model."""
    invented: float = 0.1
    """Share of the examples that are told with invented tools."""
    quantised: float = 0.3
    """Share of the budget, at its end, that is quantisation-aware."""
    quantise_every: int = 10
    """Steps between two roundings of the merged weights."""


def train(data: Path, base: Path, out: Path, recipe: Recipe) -> None:
    """Train, or go on where ``out/checkpoint.pt`` stopped; writes ``out/adapter.safetensors``.

    ``base`` is a GGUF file or a folder that transformers can load. ``data`` is
    read again at each start, so it may grow between two runs.
    """
    out.mkdir(parents=True, exist_ok=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(free.getsockname()[1]))
    mp.spawn(_work, (data, base, out, recipe), nprocs=recipe.workers)


def _work(rank: int, data: Path, base: Path, out: Path, recipe: Recipe) -> None:
    threads = max(1, cores() // recipe.workers)
    torch.set_num_threads(threads)
    dist.init_process_group("gloo", rank=rank, world_size=recipe.workers)
    torch.manual_seed(recipe.seed)
    bf16 = has_bf16()
    model, tokenizer = load_base(base, torch.bfloat16 if bf16 else torch.float32)
    lora = LoraConfig(r=recipe.rank, lora_alpha=SCALE * recipe.rank, target_modules=LINEAR)
    peft = get_peft_model(model, lora).train()
    if recipe.compiled:
        for layer in model.model.layers:
            layer.compile(dynamic=True)
    if recipe.start and not (out / "checkpoint.pt").is_file():
        set_peft_model_state_dict(peft, load_file(recipe.start))
    weights = [p for p in peft.parameters() if p.requires_grad]
    rounding: Rounding | None = None
    optimizer = torch.optim.AdamW(weights, betas=(0.9, 0.99), weight_decay=0.0)
    step, spent, losses = _resume(out, peft, optimizer)
    batches = _batches(data, tokenizer, recipe, skip=step)
    clock, tokens = _computed(threads), 0
    while (used := _used(step, spent, recipe)) < 1:
        batch = next(batches)
        share = batch[rank :: recipe.workers]
        rate = recipe.learning_rate * _schedule(step, used, recipe)
        for group in optimizer.param_groups:
            group["lr"] = rate
        if used >= 1 - recipe.quantised:
            if rounding is None:
                rounding = Rounding(peft)
                if rank == 0:
                    write_adapter(get_peft_model_state_dict(peft), out / UNROUNDED)
            if step % recipe.quantise_every == 0 or not rounding.done:
                rounding.round()
        wanted = sum(sum(example.weights) for example in batch)
        summed = 0.0
        for part in _parts(share, recipe.tokens_at_once):
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                loss = _loss(peft, part) / wanted
            loss.backward()
            summed += float(loss.detach())
        _share_gradients(weights)
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        facts = torch.tensor([summed, _computed(threads) - clock])
        dist.all_reduce(facts)
        seconds = float(facts[1]) / recipe.workers
        clock = _computed(threads)
        spent += seconds
        step += 1
        tokens += sum(map(len, batch))
        losses.append(float(facts[0]))
        if rank == 0:
            used = _used(step, spent, recipe)
            _report(out, step, used, spent, losses, rate, sum(map(len, batch)) / seconds)
            if step % recipe.checkpoint_every == 0 or used >= 1:
                _save(out, peft, optimizer, step, spent, losses)
    if rank == 0:
        write_adapter(get_peft_model_state_dict(peft), out / "adapter.safetensors")
        card = {
            **asdict(recipe),
            "base": base.name,
            "data": {"rows": sum(1 for _ in data.open()), "sha256": _hash(data)},
            "steps": step,
            "tokens": tokens,
            "loss": sum(losses[-20:]) / len(losses[-20:]),
        }
        (out / "training.json").write_text(json.dumps(card, indent=1))
        (out / "losses.json").write_text(json.dumps([round(x, 4) for x in losses]))
    dist.barrier()
    dist.destroy_process_group()


def write_adapter(weights: dict[str, torch.Tensor], path: Path) -> None:
    """Write LoRA weights in F16, as ``planner.merge`` reads them."""
    halves = {name: w.to(torch.float16).contiguous() for name, w in weights.items()}
    save_file(halves, path, metadata={"scale": str(float(SCALE)), "base": "SmolLM2-135M-Instruct"})


def load_base(base: Path, dtype: Any = torch.float32) -> tuple[Any, Any]:
    """The base model and its tokenizer, from a GGUF file or a folder."""
    place = {"gguf_file": base.name} if base.suffix == ".gguf" else {}
    folder = base.parent if place else base
    tokenizer = AutoTokenizer.from_pretrained(folder, **place)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, **place)
    return model, tokenizer


class Example(list[int]):
    """Token ids, where the plan begins, and the weight of each of its tokens in the loss."""

    def __init__(self, ids: list[int], start: int, weights: list[float]) -> None:
        super().__init__(ids)
        self.start = start
        self.weights = weights


class Rounding:
    """Fake quantisation of every weight that LoRA changes.

    The frozen weight W is set to ``round(W0 + s B A) - s B A``, so that the layer computes
    with exactly what Q4_0 will store, while A and B get their gradients as if nothing were
    rounded (straight through). Between two roundings the error is taken as constant.
    """

    def __init__(self, peft: Any) -> None:
        self.layers = [m for m in peft.modules() if hasattr(m, "lora_A")]
        self.originals = [layer.base_layer.weight.detach().clone() for layer in self.layers]
        self.done = False

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def round(self) -> None:
        """Round as the adapter is now."""
        for layer, original in zip(self.layers, self.originals, strict=True):
            a, b = layer.lora_A["default"].weight, layer.lora_B["default"].weight
            change = SCALE * (b.float() @ a.float())
            merged = original.float() + change
            layer.base_layer.weight.copy_(as_q4_0(merged) - change)
        self.done = True


def as_q4_0(weight: torch.Tensor) -> torch.Tensor:
    """``weight`` (out, in) as Q4_0 stores it: blocks of 32, one F16 scale, 4 bits each.

    The rule is that of ``quantize_row_q4_0_ref`` in ggml: the scale is the block's value of
    greatest magnitude, with its sign, over -8.
    """
    blocks = weight.reshape(-1, 32)
    at = blocks.abs().argmax(1, keepdim=True)
    scale = blocks.gather(1, at) / -8
    inverse = torch.where(scale == 0, 0.0, 1 / scale)
    steps = torch.clamp(torch.floor(blocks * inverse + 8.5), 0, 15) - 8
    return (steps * scale.half().float()).reshape(weight.shape)


def make_example(
    row: dict[str, Any], tools: ToolSet, tokenizer: Any, random: Random, invented: float = 0.0
) -> Example:
    """The tokens of a row: a prompt that offers its tools and others, and its plan.

    ``invented`` is the probability that all of it is told with invented tools.
    """
    offered = tools.only(offer(row["tools"], tools, random))
    plan = read_plan(row["plan"])
    if random.random() < invented:
        offered, plan = invent(plan, offered, random)
    head = tokenizer(planner_prompt(row["request"], list(offered.values())))["input_ids"]
    told = tokenizer(str(plan) + END, return_offsets_mapping=True)
    spans = free_spans_of(plan, offered)
    weights = [
        FREE_TEXT if any(a <= start and end <= b for a, b in spans) else 1.0
        for start, end in told["offset_mapping"]
    ]
    return Example(head + told["input_ids"], len(head), weights)


def offer(gold: list[str], tools: ToolSet, random: Random) -> list[str]:
    """The gold tools and up to three others, half of them easily taken for a gold one."""
    others = [name for name in tools if name not in gold]
    near = [n for n in others if any(n in group and group & set(gold) for group in CONFUSED)]
    extra = set()
    for _ in range(random.choices((0, 1, 2, 3), (0.25, 0.3, 0.25, 0.2))[0] + (not gold)):
        extra.add(random.choice(near if near and random.random() < 0.6 else others))
    return [*gold, *extra]


def _batches(data: Path, tokenizer: Any, recipe: Recipe, skip: int) -> Iterator[list[Example]]:
    """Endless batches of examples of similar length, epoch after epoch."""
    rows = [json.loads(line) for line in data.open(encoding="utf-8")]
    epoch = 0
    while True:
        random = Random(f"{recipe.seed}-{epoch}-{skip}")
        examples = []
        for row in random.sample(rows, len(rows)):
            tools = declared_tools(map(read_declaration, row.get("declared", ())))
            example = make_example(row, tools, tokenizer, random, recipe.invented)
            if len(example) <= recipe.max_tokens:
                examples.append(example)
            if len(examples) == recipe.batch * 16:
                yield from _by_length(examples, recipe.batch, random)
                examples = []
        rest = _by_length(examples, recipe.batch, random)
        yield from (batch for batch in rest if len(batch) >= recipe.workers)
        epoch += 1


def _by_length(examples: list[Example], batch: int, random: Random) -> list[list[Example]]:
    ordered = sorted(examples, key=len)
    groups = [ordered[i : i + batch] for i in range(0, len(ordered), batch)]
    random.shuffle(groups)
    return groups


def _parts(examples: list[Example], tokens: int) -> Iterator[list[Example]]:
    """Examples in groups of at most ``tokens``, padding counted, where one is not longer."""
    part: list[Example] = []
    for example in examples:
        if part and (len(part) + 1) * max(len(example), *map(len, part)) > tokens:
            yield part
            part = []
        part.append(example)
    yield part


def _computed(threads: int) -> float:
    """Seconds that this process has computed with all of its threads."""
    return time.process_time() / threads


def _loss(peft: Any, examples: list[Example]) -> torch.Tensor:
    """Summed, weighted cross-entropy over the plans' tokens.

    Padding is on the right, where causal attention never looks.
    """
    length = max(map(len, examples))
    ids = torch.zeros(len(examples), length, dtype=torch.long)
    wanted = torch.zeros(len(examples), length, dtype=torch.bool)
    for i, example in enumerate(examples):
        ids[i, : len(example)] = torch.tensor(example)
        wanted[i, example.start - 1 : len(example) - 1] = True
    model = peft.base_model.model
    hidden = model.model(input_ids=ids, use_cache=False).last_hidden_state
    targets = ids.roll(-1, 1)[wanted]
    rows = torch.unique(torch.cat([torch.arange(FREQUENT), ids.flatten()]))
    logits = hidden[wanted] @ model.lm_head.weight[rows].T
    losses = torch.nn.functional.cross_entropy(
        logits.float(), torch.searchsorted(rows, targets), reduction="none"
    )
    return losses @ torch.tensor([w for example in examples for w in example.weights])


def _used(step: int, spent: float, recipe: Recipe) -> float:
    """Share of the budget that is used; from 1 on it is used up."""
    if recipe.steps:
        return step / recipe.steps
    return spent / (recipe.minutes * 60) if recipe.minutes else 1.0


def _schedule(step: int, used: float, recipe: Recipe) -> float:
    """Warm up by steps, then a cosine over the budget."""
    return min(1.0, (step + 1) / recipe.warmup) * 0.5 * (1 + math.cos(math.pi * used))


def _share_gradients(weights: list[torch.Tensor]) -> None:
    flat = torch.cat([w.grad.flatten() for w in weights if w.grad is not None])
    dist.all_reduce(flat)
    at = 0
    for w in weights:
        if w.grad is not None:
            w.grad.copy_(flat[at : at + w.numel()].view_as(w))
            at += w.numel()


def _resume(out: Path, peft: Any, optimizer: Any) -> tuple[int, float, list[float]]:
    path = out / "checkpoint.pt"
    if not path.is_file():
        return 0, 0.0, []
    saved = torch.load(path, map_location="cpu", weights_only=True)
    set_peft_model_state_dict(peft, saved["adapter"])
    optimizer.load_state_dict(saved["optimizer"])
    return saved["step"], saved["spent"], saved["losses"]


def _save(
    out: Path, peft: Any, optimizer: Any, step: int, spent: float, losses: list[float]
) -> None:
    saved = {
        "adapter": get_peft_model_state_dict(peft),
        "optimizer": optimizer.state_dict(),
        "step": step,
        "spent": spent,
        "losses": losses,
    }
    torch.save(saved, out / "checkpoint.tmp")
    (out / "checkpoint.tmp").replace(out / "checkpoint.pt")


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


def _hash(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()
