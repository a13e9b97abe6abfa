"""Do both runtimes write the same plans?

Between training and the app lie a merge, a change of format, another order of the attention's
rows, and a quantisation: a mistake in any of them makes a file that loads, and plans worse. So
the same prompts are decoded, greedily and without constraints, by torch with the adapter as it
was trained (weights rounded as Q4_0 stores them) and by llama.cpp from the file that is shipped.
Rounding differs in the last digits, and may turn a plan where two tokens were about as likely.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from tinyagent.data.generate import examples
from tinyagent.data.patterns import read_patterns
from tinyagent.errors import PlanSyntaxError
from tinyagent.planner.engine import Engine
from tinyagent.planner.merge import NAMES, read_adapter
from tinyagent.planner.prompt import END, planner_prompt
from tinyagent.plans.dag import isomorphic
from tinyagent.plans.syntax import read_plan
from tinyagent.tools.sixteen import SIXTEEN
from tinyagent.train.lora import load_base
from tinyagent.train.rounding import as_q4_0

PROMPTS = 12
LEAST = 0.75
"""Share of the plans that must be the same; a mistake in the merge leaves none."""
MOST_TOKENS = 160


@dataclass(frozen=True)
class Agreement:
    """Plans by prompt.

    Attributes:
        plans: for each prompt what torch wrote, and what llama.cpp wrote.
    """

    plans: list[tuple[str, str]]

    @property
    def same(self) -> int:
        """For how many the calls are the same, and what each needs of the others."""
        return sum(a == b or _same_dag(a, b) for a, b in self.plans)

    @property
    def identical(self) -> int:
        """How many are the same letter by letter."""
        return sum(a == b for a, b in self.plans)

    def __str__(self) -> str:
        return (
            f"torch and llama.cpp plan the same calls for {self.same} of {len(self.plans)}, "
            f"{self.identical} of them letter by letter"
        )


def _same_dag(a: str, b: str) -> bool:
    try:
        return isomorphic(read_plan(a), read_plan(b))
    except PlanSyntaxError:
        return False


def compare(base: Path, adapter: Path, gguf: Path, prompts: int = PROMPTS) -> Agreement:
    """Have both runtimes plan requests of the validation split, with the tools that they need."""
    held = [p for p in read_patterns("validation") if p.plan]
    rows = examples(held, prompts, SIXTEEN, seed=0, refused=Counter())
    told = [planner_prompt(r.request, list(SIXTEEN.only(r.tools).values())) for r in rows]
    by_torch = _with_torch(base, adapter, told)
    return Agreement(list(zip(by_torch, _with_llama_cpp(gguf, told), strict=True)))


def _with_torch(base: Path, adapter: Path, prompts: list[str]) -> list[str]:
    model, tokenizer = load_base(base)
    _merge(model, adapter)
    end = tokenizer(END)["input_ids"][0]
    plans = []
    for prompt in prompts:
        ids = torch.tensor([tokenizer(prompt)["input_ids"]])
        with torch.inference_mode():
            made = model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=MOST_TOKENS,
                do_sample=False,
                eos_token_id=end,
                pad_token_id=end,
            )
        plans.append(tokenizer.decode(made[0, ids.shape[1] :], skip_special_tokens=True).strip())
    return plans


@torch.no_grad()  # type: ignore[untyped-decorator]
def _merge(model: Any, adapter: Path) -> None:
    """Add the adapter to the weights, and round them as the 4-bit file has them."""
    modules = {gguf: torch_name for torch_name, gguf in NAMES.items()}
    for name, change in read_adapter(adapter).items():
        _, layer, kind, _ = name.split(".")
        module = model.get_submodule(f"model.layers.{layer}.{modules[kind]}")
        module.weight.copy_(as_q4_0(module.weight.float() + torch.from_numpy(change)))


def _with_llama_cpp(gguf: Path, prompts: list[str]) -> list[str]:
    engine = Engine(gguf)
    plans = []
    for prompt in prompts:
        logits = engine.start(engine.tokenize(prompt))
        tokens: list[int] = []
        while len(tokens) < MOST_TOKENS:
            token = int(logits.argmax())
            if engine.ends(token):
                break
            tokens.append(token)
            logits = engine.feed([token])
        plans.append(b"".join(map(engine.piece, tokens)).decode("utf-8", "replace").strip())
    return plans
