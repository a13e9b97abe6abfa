"""TinyAgent: a local assistant that plans, asks, and then acts.

    agent = TinyAgent.open(load_settings())
    run = agent.start("text Sid that I'm late")
    async for event in agent.events(run): ...

Read the story in this order: ``plans`` (the language), ``tools`` (the sixteen),
``backends`` (where they act), ``toolrag`` (which are offered), ``planner``,
``executor``, ``approval``, ``traces``; ``loop`` ties them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tinyagent.agent import TinyAgent
    from tinyagent.approval import Decision
    from tinyagent.settings import Settings, load_settings
    from tinyagent.state import RunState

__all__ = ["Decision", "RunState", "Settings", "TinyAgent", "load_settings"]

_HOMES = {
    "Decision": "approval",
    "RunState": "state",
    "Settings": "settings",
    "TinyAgent": "agent",
    "load_settings": "settings",
}


def __getattr__(name: str) -> object:
    """Public names are imported when first used: ``tinyagent time`` needs none of them."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
