"""A planner on a server: the full prompt, a grammar where the server takes one, one repair.

Whatever the model writes is checked as our own planner's plans are; where it is
wrong, the model is told what, once. A plan that is wrong then, or a server that
gives none, is an error, or a reason to plan here where the settings allow that.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol, Unpack

from tinyagent.errors import PlanError, UnusablePlanError
from tinyagent.planner.base import Planned, PlanOptions
from tinyagent.planner.prompt import END, planner_prompt
from tinyagent.plans.syntax import Plan, read_plan
from tinyagent.plans.validate import problems
from tinyagent.remote.chat import Prompt, Server, complete, owner
from tinyagent.remote.examples import Solved
from tinyagent.remote.grammar import plan_grammar
from tinyagent.remote.prompt import messages, repair
from tinyagent.tools.registry import ToolSet

Grammar = Literal["auto", "gbnf", "vllm", "none"]
"""How a grammar is sent: as llama-server wants it, as vLLM does, or not at all."""

EXAMPLES = 6
MAX_TOKENS = 700
SECOND_TEMPERATURE = 0.6
"""Of the second answer of our own planner: the likeliest one was wrong."""
_OWNERS: dict[str, Grammar] = {"llamacpp": "gbnf", "me": "gbnf", "vllm": "vllm"}
"""What servers call themselves ("me" is llama-cpp-python's)."""


class FindsExamples(Protocol):
    """Finds solved requests like one that is to be planned."""

    def nearest(self, request: str, tools: Collection[str], count: int) -> list[Solved]:
        """At most ``count`` of them, which need no other tools, the nearest last."""


@dataclass
class _Asked:
    """What was asked and answered so far."""

    prompt: Prompt
    prompt_tokens: int = 0
    plan_tokens: int = 0
    tries: int = 0

    @property
    def text(self) -> str:
        """The prompt, for the trace."""
        if isinstance(self.prompt, str):
            return self.prompt
        return "\n\n".join(f"{m['role']}: {m['content']}" for m in self.prompt)


class RemotePlanner:
    """Plans with a model on a server. Several threads may ask at a time.

    Args:
        examples: finds what is shown to the model. None: the model is TinyAgent's own
            planner, which gets the short prompt that it was trained on.
        grammar: how the server takes one; "auto" asks it who it is, once.
    """

    def __init__(
        self, server: Server, examples: FindsExamples | None, grammar: Grammar = "auto"
    ) -> None:
        self._server = server
        self._examples = examples
        self._grammar = grammar

    def plan(
        self, request: str, tools: ToolSet, now: datetime, **options: Unpack[PlanOptions]
    ) -> Planned:
        """Plan a request; see ``base.Planner``.

        Raises:
            ServerError: the server gave no plan that can be used.
            Stopped: ``stop`` was true.
        """
        began = time.perf_counter()
        asked = _Asked(self._prompt(request, tools, now))
        for more_tries in (True, False):
            answer = self._ask(asked, tools, options.get("stop", lambda: False))
            plan, wrong = _read(answer, tools, now)
            avoid = options.get("avoid", ())
            found_nothing = [c for c in avoid if any((x.tool, x.arguments) == c for x in plan)]
            if not wrong and not found_nothing:
                if on_text := options.get("on_text"):
                    on_text(f"{plan}\n")
                return self._planned(plan, asked, time.perf_counter() - began)
            if more_tries and not isinstance(asked.prompt, str):
                asked.prompt = repair(asked.prompt, answer, wrong, found_nothing)
        reason = wrong[0] if wrong else "it repeats a call that found nothing"
        raise UnusablePlanError(
            f"the model {self._server.name} wrote no plan that can be used ({reason}); "
            "say it in other words, or take a larger model"
        )

    def _prompt(self, request: str, tools: ToolSet, now: datetime) -> Prompt:
        if self._examples is None:
            return planner_prompt(request, tools.values())
        shown = self._examples.nearest(request, set(tools), EXAMPLES)
        return messages(request, tools, now, shown)

    def _ask(self, asked: _Asked, tools: ToolSet, stop: Callable[[], bool]) -> str:
        """The model's answer; our own is not trained to repair, and draws its second one."""
        ours = isinstance(asked.prompt, str)
        completion = complete(
            self._server,
            asked.prompt,
            max_tokens=MAX_TOKENS,
            temperature=SECOND_TEMPERATURE if ours and asked.tries else 0.0,
            options=self._options(tools) | ({"stop": [END]} if ours else {}),
            stop=stop,
        )
        asked.prompt_tokens += completion.prompt_tokens
        asked.plan_tokens += completion.completion_tokens
        asked.tries += 1
        return completion.text

    def _options(self, tools: ToolSet) -> dict[str, Any]:
        """The keys of a request that hold the model to the plan language."""
        if self._grammar == "auto":
            self._grammar = _OWNERS.get(owner(self._server), "none")
        if self._grammar == "gbnf":
            return {"grammar": plan_grammar(tools)}
        if self._grammar == "vllm":
            return {"structured_outputs": {"grammar": plan_grammar(tools)}}
        return {}

    def _planned(self, plan: Plan, asked: _Asked, seconds: float) -> Planned:
        return Planned(
            plan,
            asked.text,
            asked.prompt_tokens,
            asked.plan_tokens,
            asked.tries,
            {"prefill": 0.0, "decode": seconds, "total": seconds},
            1.0,
            self._server.name,
        )


def _read(text: str, tools: ToolSet, now: datetime) -> tuple[Plan, list[PlanError]]:
    """The plan of an answer, without a fence or prose around it, and all that is wrong with it."""
    lines = [line.strip() for line in text.splitlines() if re.match(r"\s*\d+\.\s*\w+\s*\(", line)]
    try:
        plan = read_plan("\n".join(lines))
    except PlanError as error:
        return Plan(), [error]
    return plan, problems(plan, tools, now)
