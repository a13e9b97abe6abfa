"""The tools of a trace: the sixteen, and what it says itself of any other."""

from __future__ import annotations

from tinyagent.tools.declaration import declared_tools, read_declaration
from tinyagent.tools.registry import ToolSet
from tinyagent.traces.rows import Trace


def tools_of(trace: Trace) -> ToolSet:
    """The tools that a run's plans may name, which need not be installed here."""
    found = [one for row in trace["events"] for one in row["event"].get("declared", ())]
    return declared_tools({one["name"]: read_declaration(one) for one in found}.values())
