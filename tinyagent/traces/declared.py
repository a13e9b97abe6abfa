"""The tools of a trace: the sixteen, and what it says itself of any other.

A run declares the tools that it offered; a label those that its plan calls beside them.
"""

from __future__ import annotations

from tinyagent.tools.declaration import declared_tools, read_declaration
from tinyagent.tools.registry import ToolSet
from tinyagent.traces.rows import Trace


def tools_of(trace: Trace) -> ToolSet:
    """The tools that a run's plans may name, which need not be installed here."""
    found = [one for row in trace["events"] for one in row["event"].get("declared", ())]
    found += [one for label in trace["labels"] for one in label.get("declared", ())]
    return declared_tools({one["name"]: read_declaration(one) for one in found}.values())


def known_tools(trace: Trace, installed: ToolSet) -> ToolSet:
    """The tools of a trace, and those that are installed here beside them."""
    own = tools_of(trace)
    return own.with_more(tool for name, tool in installed.items() if name not in own)
