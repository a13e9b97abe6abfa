"""Approval: what a person decided, and the one-use grants that it makes.

A changing call (or each call, where the settings say ``approval = "always"``) runs
against a grant of exactly that call: of this run, this task, this tool, and this
hash of the canonical resolved arguments. A grant is spent by use. That holds for
every way to run a tool, as only ``ToolRunner`` calls one.

It does not promise that the person read what was shown.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from tinyagent.backends.base import Outcome
from tinyagent.errors import ApprovalError
from tinyagent.events import Json
from tinyagent.runs.resolve import ResolvedCall, values
from tinyagent.tools.context import ToolContext
from tinyagent.tools.registry import Tool, ToolSet


@dataclass(frozen=True)
class Decision:
    """What the person decided about the calls that they were shown.

    Attributes:
        kind: "approve"; "reject"; "revise" where ``plan`` takes the plan's place.
        tasks: those approved; None for all. What needs an unticked one is left out.
        arguments: changed values, typed, by task and argument.
        plan: the new plan, in the plan language.
        until: remember it until then, for the same tools and people; None: ask each time.
            Calls that were edited, or that are warned of, are not remembered.
    """

    kind: Literal["approve", "reject", "revise"]
    tasks: frozenset[int] | None = None
    arguments: Mapping[int, Mapping[str, Json]] = field(default_factory=dict)
    plan: str = ""
    until: datetime | None = None


@dataclass(frozen=True)
class Grant:
    """Leave to run one call, once."""

    id: str
    run: str
    task: int
    tool: str
    hash: str


class ApprovalBook:
    """The grants that are not spent yet."""

    def __init__(self) -> None:
        self._grants: dict[str, Grant] = {}
        self._lock = threading.Lock()

    def grant(self, run: str, call: ResolvedCall) -> Grant:
        """Write down that a person approved this call of this run."""
        made = Grant(secrets.token_hex(16), run, call.task, call.tool, call.hash)
        with self._lock:
            self._grants[made.id] = made
        return made

    def spend(self, grant: Grant | None, run: str, call: ResolvedCall) -> None:
        """Use up the grant of this call.

        Raises:
            ApprovalError: there is none, it is spent, or it is that of another call.
        """
        place = f"task {call.task}, {call.tool}"
        if grant is None:
            raise ApprovalError(f"{place}: nobody approved it; nothing was changed")
        with self._lock:
            known = self._grants.get(grant.id)
            if known is None:
                raise ApprovalError(f"{place}: its approval is used up; ask for it again")
            if (known.run, known.task, known.tool, known.hash) != (
                run,
                call.task,
                call.tool,
                call.hash,
            ):
                raise ApprovalError(
                    f"{place}: what was approved is another call; nothing was changed"
                )
            del self._grants[grant.id]

    def revoke(self, run: str) -> None:
        """Forget every grant of a run: it is over."""
        with self._lock:
            self._grants = {i: g for i, g in self._grants.items() if g.run != run}


class ToolRunner:
    """The one place where a tool is called.

    Args:
        tools: those that may be called.
        book: the grants.
        always: a call that only reads needs a grant, too.
    """

    def __init__(self, tools: ToolSet, book: ApprovalBook, always: bool = False) -> None:
        self._tools = tools
        self._book = book
        self._always = always

    def asks_first(self, tool: Tool) -> bool:
        """Does a call of this tool need a grant?"""
        return tool.changes or self._always

    def run(
        self,
        run: str,
        call: ResolvedCall,
        results: Mapping[int, str],
        context: ToolContext,
        grant: Grant | None = None,
    ) -> Outcome:
        """Call the tool, with ``results`` in the call's gaps.

        Raises:
            ApprovalError: it needs a grant, and ``grant`` is not for this call.
            ToolError: the tool could not do it.
        """
        tool = self._tools[call.tool]
        if self.asks_first(tool):
            self._book.spend(grant, run, call)
        arguments = call.filled(results).arguments
        context = replace(context, target=call.target)
        given = tool.function(context, **values(tool, arguments))
        if isinstance(given, Outcome):
            return given
        return Outcome("" if given is None else given)
