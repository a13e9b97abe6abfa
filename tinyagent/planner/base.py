"""What writes plans: here (``planner.Planner``), on a server (``remote``), or a test's script."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypedDict, Unpack

from tinyagent.plans.syntax import Plan, Value
from tinyagent.tools.registry import ToolSet

Avoided = Collection[tuple[str, tuple[Value, ...]]]
"""Calls, as (tool, arguments)."""


class PlanOptions(TypedDict, total=False):
    """What a planner may be told beside the request; each may be left out.

    Keys:
        odds: ToolRAG's log-odds that the request needs a tool, in nats, where they are known.
        on_text: gets the plan as it is written, in pieces; a line ends with a line feed.
        on_restart: what ``on_text`` got so far is void; the plan comes again.
        avoid: calls that must not come again.
        stop: asked all the time; when it is true, planning ends.
    """

    odds: Mapping[str, float]
    on_text: Callable[[str], None]
    on_restart: Callable[[], None]
    avoid: Avoided
    stop: Callable[[], bool]


@dataclass(frozen=True)
class Planned:
    """A plan and what it cost.

    Attributes:
        plan: valid for the tools that were offered.
        prompt: as the model saw it.
        prompt_tokens: its length.
        plan_tokens: length of the plan.
        decode_steps: evaluations of the model after the prompt.
        seconds: "prefill", "decode" and "total".
        confidence: mean probability of the tokens that were chosen, among those allowed.
        model: the model and server that wrote it; "" for the planner here.
        note: what the person is to know of how it came to be; "" where there is nothing.
    """

    plan: Plan
    prompt: str
    prompt_tokens: int
    plan_tokens: int
    decode_steps: int
    seconds: dict[str, float]
    confidence: float
    model: str = ""
    note: str = ""


class Planner(Protocol):
    """Whatever writes plans, one request at a time."""

    def plan(
        self, request: str, tools: ToolSet, now: datetime, **options: Unpack[PlanOptions]
    ) -> Planned:
        """Write a plan.

        Args:
            request: the person's words.
            tools: those that may be called.
            now: against which times must resolve.
            options: see ``PlanOptions``.

        Raises:
            RequestError: the request is longer than the model can read.
            ServerError: the planner is on a server, which gave no plan that can be used.
            Stopped: ``stop`` was true.
        """
