"""TinyAgent: a local assistant that plans, asks, and then acts.

    with TinyAgent.open() as agent:
        run = agent.start("text Sid that I'm late")
        state = agent.wait(run)

Read the story in this order: ``plans`` (the language), ``tools`` (the sixteen),
``backends`` (where they act), ``toolrag`` (which are offered), ``planner``,
``executor``, ``approval``, ``traces``; ``loop`` ties them.

The names below are the public ones (``docs/python.md``); whatever else a
module holds may change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tinyagent.agent import TinyAgent
    from tinyagent.approval.approval import Decision
    from tinyagent.backends.base import Outcome
    from tinyagent.errors import TinyAgentError, ToolError
    from tinyagent.runs.state import RunState
    from tinyagent.settings import Settings, load_settings
    from tinyagent.tools.context import ToolContext
    from tinyagent.tools.declare import tool

__all__ = [
    "Decision",
    "Outcome",
    "RunState",
    "Settings",
    "TinyAgent",
    "TinyAgentError",
    "ToolContext",
    "ToolError",
    "load_settings",
    "tool",
]

_HOMES = {
    "Decision": "approval.approval",
    "Outcome": "backends.base",
    "RunState": "runs.state",
    "Settings": "settings",
    "TinyAgent": "agent",
    "TinyAgentError": "errors",
    "ToolContext": "tools.context",
    "ToolError": "errors",
    "load_settings": "settings",
    "tool": "tools.declare",
}


def __getattr__(name: str) -> object:
    """Public names are imported when first used: ``tinyagent time`` needs none of them."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
