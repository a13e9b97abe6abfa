"""A plan considered again as a whole.

Greedy decoding takes no line back, and what is wrong with a plan often shows
only at its end: a look-up that nothing uses; a tool that ToolRAG is sure of and
that is not called; a call of a tool that ToolRAG doubted; a close choice that
leads to what is unlikely. For each of them the plan is decoded again, from the
line in question, with that way closed or demanded, or from the close choice on,
made the other way. Of all these drafts the one is taken that planner and ToolRAG
together find likeliest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tinyagent.planner.draft import Doubt, Draft, Job
from tinyagent.planner.engine import Engine
from tinyagent.planner.grammar import Ways
from tinyagent.plans.free_text import free_spans
from tinyagent.plans.syntax import Call
from tinyagent.plans.validate import unused_lookups

UNUSED_PENALTY = 3.0
"""Nats that a plan loses for a look-up that nothing uses; without it they stay too often."""
SURE = 1.0
"""Log-odds from which a tool that is not called is tried."""
DOUBTED = 0.0
"""Log-odds up to which a tool that is called is tried without."""
DOUBTS = 3
"""How many of the closest choices of a draft are tried the other way."""
ROUNDS = 3
"""How often the best draft so far is considered again."""


@dataclass(frozen=True)
class Reconsider:
    """Decodes again what may be better, and chooses.

    Attributes:
        engine: has read the prompt, and what was decoded last.
        decode: ``(job, draft, ways, first, begun)``: goes on from a draft to its end; ``first``
            are the ways of its next line alone, ``begun`` the tokens that it begins with.
    """

    engine: Engine
    decode: Callable[[Job, Draft, Ways, Ways | None, Sequence[int]], Draft]

    def best(self, job: Job, draft: Draft, ways: Ways) -> Draft:
        """The likeliest of a draft and what it might have been."""
        best, quiet = draft, job.silent()
        tried: set[str] = set()
        for _ in range(ROUNDS):
            others: list[Draft] = []
            for name, drafts in self._alternatives(quiet, best, ways):
                if name not in tried:
                    tried.add(name)
                    others += drafts
            likeliest = max([best, *others], key=lambda d: self.score(job, d)) if others else best
            if likeliest is best:
                break
            best = likeliest
        return best

    def _alternatives(
        self, job: Job, draft: Draft, ways: Ways
    ) -> Iterator[tuple[str, Iterator[Draft]]]:
        """What may be tried, each with a name and drafts that are decoded as they are asked for."""
        if self._unused(job, draft):
            yield f"unused: {draft.plan}", self._without_unused(job, draft, ways)
        for tool, odds in job.odds.items():
            if odds >= SURE and tool not in draft.used:
                yield f"with {tool}", self._with(job, draft, ways, tool)
            if odds <= DOUBTED and tool in draft.used:
                yield f"without {tool}", self._without(job, draft, ways, tool)
        for doubt in self._doubts(job, draft)[:DOUBTS]:
            line = draft.line_of(doubt.at)
            begun = (*draft.tokens[draft.starts[line] : doubt.at], doubt.token)
            name = f"{draft.tokens[: doubt.at]} {doubt.token}"
            yield name, self._otherwise(job, draft, ways, line, begun)

    def _doubts(self, job: Job, draft: Draft) -> list[Doubt]:
        """The closest choices outside free text, the closest first; not those between two ways
        to cut the same text into tokens."""
        told = self._told(job, draft)
        return sorted(
            (d for d in draft.doubts if not told[d.at] and not self._same_text(draft, d)),
            key=lambda d: d.behind,
        )

    def _same_text(self, draft: Draft, doubt: Doubt) -> bool:
        line = draft.line_of(doubt.at)
        rest = draft.line(line)[doubt.at - draft.starts[line] :]
        return b"".join(map(self.engine.piece, rest)).startswith(self.engine.piece(doubt.token))

    def _unused(self, job: Job, draft: Draft) -> list[Call]:
        """Look-ups whose result nothing uses, though another call takes such a result."""
        wanted = {
            kind
            for call in draft.calls
            for parameter in job.tools[call.tool].parameters
            for kind in parameter.kind.takes
            if parameter.kind.name == kind
        }
        unused = unused_lookups(draft.plan, job.tools)
        return [c for c in unused if c.arguments and job.tools[c.tool].result.name in wanted]

    def _without_unused(self, job: Job, draft: Draft, ways: Ways) -> Iterator[Draft]:
        """The draft without its unused look-ups, and with the last of them used."""
        unused = self._unused(job, draft)
        closed = ways.copy()
        for call in unused:
            closed.ban(call.tool, job.tools[call.tool].parameters[0].name, str(call.arguments[0]))
        yield self.decode(job, draft.cut(unused[0].number - 1), closed, None, ())
        last = unused[-1]
        if last.number < len(draft.calls):
            demanding = ways.copy()
            demanding.demanded = frozenset(
                c.number
                for c in draft.calls[: last.number]
                if job.tools[c.tool].result.name == job.tools[last.tool].result.name
            )
            yield self.decode(job, draft.cut(last.number), demanding, None, ())

    def _with(self, job: Job, draft: Draft, ways: Ways, tool: str) -> Iterator[Draft]:
        """The draft with a call of ``tool`` on the line where it comes most naturally."""
        heads = []
        for line in range(len(draft.starts)):
            first = self.engine.start([*job.prompt, *draft.tokens[: draft.starts[line]]])
            head = self.engine.tokenize(f"{line + 1}. {tool}", special=False)
            heads.append(sum(self.engine.log_probabilities(head, first)))
        line = int(np.argmax(heads))
        demanding = ways.copy()
        demanding.only = tool
        made = self.decode(job, draft.cut(line), ways, demanding, ())
        if tool in made.used:
            yield made

    def _without(self, job: Job, draft: Draft, ways: Ways, tool: str) -> Iterator[Draft]:
        """The draft without any call of ``tool``."""
        closed = ways.copy()
        closed.closed.add(tool)
        line = next(i for i, call in enumerate(draft.calls) if call.tool == tool)
        yield self.decode(job, draft.cut(line), closed, None, ())

    def _otherwise(
        self, job: Job, draft: Draft, ways: Ways, line: int, begun: Sequence[int]
    ) -> Iterator[Draft]:
        """The draft with another token where the choice was close."""
        yield self.decode(job, draft.cut(line), ways, None, begun)

    def score(self, job: Job, draft: Draft) -> float:
        """How likely a draft is, in nats: to the planner, its free text aside (a plan is not
        worse for saying more), and to ToolRAG."""
        first = self.engine.start(job.prompt)
        tokens = self.engine.log_probabilities(draft.tokens, first)
        planner = sum(p for p, told in zip(tokens, self._told(job, draft), strict=True) if not told)
        odds = sum(job.odds.get(tool, 0.0) for tool in draft.used)
        return planner + odds - UNUSED_PENALTY * len(self._unused(job, draft))

    def _told(self, job: Job, draft: Draft) -> list[bool]:
        """Which tokens of a draft are free text."""
        told: list[bool] = []
        for i in range(len(draft.starts)):
            pieces = [self.engine.piece(token) for token in draft.line(i)]
            line = b"".join(pieces).decode()
            spans = free_spans(draft.calls[i], job.tools, line) if i < len(draft.calls) else []
            ranges = [(len(line[:a].encode()), len(line[:b].encode())) for a, b in spans]
            at = 0
            for piece in pieces:
                told.append(any(a <= at and at + len(piece) <= b for a, b in ranges))
                at += len(piece)
        return told
