"""A plan while it is decoded, and the request that it is for."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from tinyagent.plans.syntax import Call, Plan
from tinyagent.tools.registry import ToolSet


@dataclass(frozen=True)
class Doubt:
    """A token that came near to being chosen.

    Attributes:
        at: where in a draft's tokens it might have stood.
        token: its id.
        behind: by how many nats the chosen one was likelier.
    """

    at: int
    token: int
    behind: float


@dataclass
class Line:
    """A line while it is decoded: as in ``Draft``, counted from its own beginning."""

    tokens: list[int] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)
    likelihoods: list[float] = field(default_factory=list)


@dataclass
class Draft:
    """Lines of a plan.

    Attributes:
        calls: a line each, without ``join()``.
        tokens: of all lines, ``join()`` included where it has been decoded.
        starts: where in ``tokens`` each line begins, ``join()`` included.
        doubts: what might have stood there instead, in order.
        likelihoods: log probabilities of the first of the tokens: of as many as are known.
    """

    calls: list[Call] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)
    likelihoods: list[float] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether it has come to ``join()``."""
        return len(self.starts) > len(self.calls)

    @property
    def plan(self) -> Plan:
        return Plan(tuple(self.calls))

    @property
    def used(self) -> set[str]:
        """Names of the tools that are called."""
        return {call.tool for call in self.calls}

    def cut(self, line: int) -> Draft:
        """What stood before line ``line`` (from 0) was begun."""
        start = self.starts[line]
        doubts = [doubt for doubt in self.doubts if doubt.at < start]
        return Draft(
            self.calls[:line],
            self.tokens[:start],
            self.starts[:line],
            doubts,
            self.likelihoods[:start],
        )

    def copy(self) -> Draft:
        """One that can go on otherwise."""
        return Draft(
            list(self.calls),
            list(self.tokens),
            list(self.starts),
            list(self.doubts),
            list(self.likelihoods),
        )

    def line_of(self, at: int) -> int:
        """The line (from 0) that holds token ``at``."""
        return bisect_right(self.starts, at) - 1

    def line(self, line: int) -> list[int]:
        """Tokens of line ``line`` (from 0)."""
        end = self.starts[line + 1] if line + 1 < len(self.starts) else len(self.tokens)
        return self.tokens[self.starts[line] : end]


@dataclass(frozen=True)
class Job:
    """What stays the same while one request is planned.

    Attributes:
        request: the user's words.
        tools: those that may be called.
        now: against which times must resolve.
        prompt: token ids.
        odds: ToolRAG's log-odds, in nats, that the request needs a tool; a tool may be absent.
        on_text: gets each line as it comes.
        stop: whether to end.
        phrases: of some tools, the only phrases that their times may be.
        weighed: whether the likelihood of each token is kept.
    """

    request: str
    tools: ToolSet
    now: datetime
    prompt: list[int]
    odds: Mapping[str, float]
    on_text: Callable[[str], None]
    stop: Callable[[], bool]
    phrases: Mapping[str, Sequence[str]] = field(default_factory=dict)
    weighed: bool = False

    def again(self) -> Job:
        """The same, for drafts that are compared, with nobody to tell."""
        return replace(self, on_text=lambda text: None, weighed=True)
