"""Stand-ins for the two models, for tests of what happens after them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Unpack

from tinyagent.errors import PlanError
from tinyagent.planner.base import Avoided, Planned, PlanOptions
from tinyagent.plans.syntax import read_plan
from tinyagent.tools.registry import ToolSet
from tinyagent.tools.sixteen import SIXTEEN

RESTART = "RESTART\n"
"""In a scripted plan: what stands before it is written, and then thrown away."""


@dataclass
class Selected:
    probabilities: dict[str, float]
    tools: list[str]
    threshold: float | None = 0.5
    method: str = "scripted"
    seconds: float = 0.001
    odds: dict[str, float] = field(default_factory=dict)


@dataclass
class ScriptedToolRAG:
    """Picks the tools that the scripted plans name."""

    plans: dict[str, list[str]]
    tools: ToolSet = SIXTEEN

    def select(self, request: str) -> Selected:
        text = " ".join(self.plans.get(request, []))
        named = set(re.findall(r"\. (\w+)\(", text))
        return Selected(
            {name: 0.9 if name in named else 0.01 for name in self.tools},
            [name for name in self.tools if name in named],
        )


SECONDS = {"prefill": 0.1, "decode": 0.2, "total": 0.3}


@dataclass
class ScriptedPlanner:
    """Writes the scripted plans of a request, the next one at each attempt."""

    plans: dict[str, list[str]]
    avoided: list[Avoided] = field(default_factory=list)
    used: dict[str, int] = field(default_factory=dict)

    def plan(
        self, request: str, tools: ToolSet, now: datetime, **options: Unpack[PlanOptions]
    ) -> Planned:
        self.avoided.append(options.get("avoid", ()))
        on_text = options.get("on_text", lambda text: None)
        attempt = self.used.get(request, 0)
        self.used[request] = attempt + 1
        if attempt >= len(self.plans[request]):
            raise PlanError("no other plan")
        *void, text = self.plans[request][attempt].split(RESTART)
        for thrown_away in void:
            on_text(thrown_away)
            options["on_restart"]()
        for piece in re.findall(r".{1,9}|\n", text):
            on_text(piece)
        return Planned(read_plan(text), "prompt", 80, 40, 20, SECONDS, 0.9)
