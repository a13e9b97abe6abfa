"""A planner on a server: the full prompt, a grammar where the server takes one, one repair.

Whatever the model writes is checked as our own planner's plans are; where it is
wrong, the model is told what, once. A plan that is wrong then, or a server that
gives none, is an error, or a reason to plan here where the settings allow that.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from tinyagent.errors import PlanError, ServerError
from tinyagent.planner.planner import NO_ODDS, Planned
from tinyagent.plans.syntax import Plan, Value, read_plan
from tinyagent.plans.validate import problems
from tinyagent.remote.chat import Completion, Message, Server, complete, owner
from tinyagent.remote.examples import Solved
from tinyagent.remote.grammar import plan_grammar
from tinyagent.remote.prompt import messages, repair
from tinyagent.tools.registry import ToolSet

Grammar = Literal["auto", "gbnf", "vllm", "none"]
"""How a grammar is sent: as llama-server wants it, as vLLM does, or not at all."""

EXAMPLES = 6
MAX_TOKENS = 700
_OWNERS: dict[str, Grammar] = {"llamacpp": "gbnf", "me": "gbnf", "vllm": "vllm"}
"""What servers call themselves ("me" is llama-cpp-python's)."""

Avoided = Collection[tuple[str, tuple[Value, ...]]]


class FindsExamples(Protocol):
    """Finds solved requests like one that is to be planned."""

    def nearest(self, request: str, tools: Collection[str], count: int) -> list[Solved]:
        """At most ``count`` of them, which need no other tools, the nearest last."""


@dataclass
class _Asked:
    """What was asked and answered so far."""

    messages: list[Message]
    answer: str = ""
    prompt_tokens: int = 0
    plan_tokens: int = 0
    steps: int = 0

    def take(self, completion: Completion) -> None:
        self.answer = completion.text
        self.prompt_tokens += completion.prompt_tokens
        self.plan_tokens += completion.completion_tokens
        self.steps += 1


class RemotePlanner:
    """Plans with a model on a server. One request at a time.

    Args:
        examples: finds what is shown to the model.
        grammar: how the server takes one; "auto" asks it who it is, once.
    """

    def __init__(self, server: Server, examples: FindsExamples, grammar: Grammar = "auto") -> None:
        self._server = server
        self._examples = examples
        self._grammar = grammar

    def plan(
        self,
        request: str,
        tools: ToolSet,
        now: datetime,
        *,
        odds: Mapping[str, float] = NO_ODDS,
        on_text: Callable[[str], None] = lambda text: None,
        on_restart: Callable[[], None] = lambda: None,
        avoid: Avoided = (),
        stop: Callable[[], bool] = lambda: False,
    ) -> Planned:
        """Plan a request; see ``parts.Planner``.

        Raises:
            ServerError: the server gave no plan that can be used.
            Stopped: ``stop`` was true.
        """
        began = time.perf_counter()
        shown = self._examples.nearest(request, set(tools), EXAMPLES)
        asked = _Asked(messages(request, tools, now, shown))
        options = self._options(tools)
        for more_tries in (True, False):
            completion = complete(
                self._server, asked.messages, max_tokens=MAX_TOKENS, options=options, stop=stop
            )
            asked.take(completion)
            plan, wrong = _read(completion.text, tools, now)
            found_nothing = [c for c in avoid if any((x.tool, x.arguments) == c for x in plan)]
            if not wrong and not found_nothing:
                on_text(f"{plan}\n")
                return self._planned(plan, asked, time.perf_counter() - began)
            if more_tries:
                asked.messages = repair(asked.messages, completion.text, wrong, found_nothing)
        reason = wrong[0] if wrong else "it repeats a call that found nothing"
        raise ServerError(
            f"the model {self._server.name} wrote no plan that can be used ({reason}); "
            "say it in other words, or take a larger model"
        )

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
        prompt = "\n\n".join(f"{m['role']}: {m['content']}" for m in asked.messages)
        return Planned(
            plan,
            prompt,
            asked.prompt_tokens,
            asked.plan_tokens,
            asked.steps,
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
