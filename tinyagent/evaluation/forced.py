"""Right plans told to a planner token by token (teacher forcing): how likely it finds each.

Nothing is decoded, so that a planner of little training, which rambles, takes no longer than a good
one; and what is counted tells two such planners apart with far fewer requests than their plans do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from tinyagent.evaluation.sets import Item
from tinyagent.planner.engine import Engine
from tinyagent.planner.prompt import END, planner_prompt
from tinyagent.plans.free_text import free_spans_of, pieces_within
from tinyagent.plans.syntax import Plan
from tinyagent.tools.registry import ToolSet
from tinyagent.tools.sixteen import SIXTEEN

SURE = math.log(0.5)
"""Log probability from which no other token can be likelier."""


@dataclass(frozen=True)
class Forced:
    """How likely a planner finds a right plan, the free text in it aside.

    Attributes:
        nats: less the log probability of its tokens, together.
        tokens: how many they are.
        sure: whether each has more than half of the probability, so that greedy decoding writes
            this plan, up to its free text.
    """

    nats: float
    tokens: int
    sure: bool


def forced(item: Item, offered: ToolSet, engine: Engine) -> Forced:
    """The likeliest of the plans that are accepted; where no tool is offered, none is asked for."""
    if not offered:
        return Forced(0.0, 0, not item.gold_tools)
    prompt = engine.tokenize(planner_prompt(item.query, offered.values()))
    return min((_told(plan, prompt, engine) for plan in item.plans), key=lambda told: told.nats)


def _told(plan: Plan, prompt: list[int], engine: Engine) -> Forced:
    tokens = engine.tokenize(str(plan) + END)
    likelihoods = engine.log_probabilities(tokens, engine.start(prompt))
    free = pieces_within([engine.piece(t) for t in tokens], free_spans_of(plan, SIXTEEN))
    counted = [p for p, told in zip(likelihoods, free, strict=True) if not told]
    return Forced(-sum(counted), len(counted), min(counted) > SURE)
