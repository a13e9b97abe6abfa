"""A plan considered again as a whole.

Greedy decoding takes no line back, and what is wrong with a plan often shows only at its end: a
look-up that nothing uses; an address that the request gives and the plan does not use; an event
that is created without its notes, and once more with them; a tool that ToolRAG is sure of and
that is not called; a call of a tool that ToolRAG doubted; a close choice that leads to what is
unlikely. For each of them the plan is decoded again, from the line in question, with that way
closed or demanded, or from the close choice on, made the other way. Of all these drafts the one
is taken that planner and ToolRAG together find likeliest. A draft that cannot become that any
more is given up: it only loses as it grows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Protocol

from tinyagent.planner.draft import Doubt, Draft, Job
from tinyagent.planner.engine import Engine
from tinyagent.planner.grammar import Ways
from tinyagent.planner.spans import literals, sure_literals
from tinyagent.plans.free_text import free_spans, pieces_within
from tinyagent.plans.syntax import Call
from tinyagent.plans.validate import unused_lookups
from tinyagent.tools.registry import Tool

UNUSED_PENALTY = 3.0
"""Nats that a plan loses for a look-up, or an address of the request, that nothing uses, and for
what is done twice; without it they stay too often."""
SURE = 1.0
"""Log-odds from which a tool that is not called is tried."""
DOUBTED = 0.0
"""Log-odds up to which a tool that is called is tried without."""
DOUBTS = 3
"""How many of the closest choices of a draft are tried the other way."""
ROUNDS = 3
"""How often the best draft so far is considered again."""
MOST_STEPS = 400
"""Evaluations of the model after which the best draft so far is taken. Nine requests in ten need
fewer than a hundred in all; one that says the same eight times over would need two thousand."""


class Decode(Protocol):
    """Goes on from a draft to its end, or until it is ``hopeless``; ``first`` are the ways of its
    next line alone, ``begun`` the tokens that this line begins with."""

    def __call__(
        self,
        job: Job,
        draft: Draft,
        ways: Ways,
        first: Ways | None,
        begun: Sequence[int],
        hopeless: Callable[[Draft], bool],
    ) -> Draft: ...


@dataclass(frozen=True)
class Try:
    """Where another draft begins, as ``Decode`` takes it; ``tool`` must be called in it."""

    draft: Draft
    ways: Ways
    first: Ways | None = None
    begun: Sequence[int] = ()
    tool: str = ""


@dataclass(frozen=True)
class Reconsider:
    """Decodes again what may be better, and chooses.

    Attributes:
        engine: has read the prompt, and what was decoded last.
        decode: with this engine.
        spent: evaluations of the model so far.
    """

    engine: Engine
    decode: Decode
    spent: Callable[[], int] = lambda: 0

    def best(self, job: Job, draft: Draft, ways: Ways) -> Draft:
        """The likeliest of a draft and what it might have been."""
        best, job = draft, job.again()
        tried: set[str] = set()
        most = self.spent() + MOST_STEPS
        for _ in range(ROUNDS):
            likeliest = best
            for name, tries in self._alternatives(job, best, ways):
                if name not in tried:
                    tried.add(name)
                    self._weigh(job, best)
                    for attempt in tries:
                        likeliest = self._likelier(job, likeliest, attempt, most)
            if likeliest is best:
                break
            best = likeliest
        return best

    def _likelier(self, job: Job, best: Draft, attempt: Try, most: int) -> Draft:
        """The draft that an attempt comes to, where it is likelier than the best so far; with
        ``most`` evaluations spent it is given up."""
        if self.spent() >= most:
            return best
        least = self.score(job, best)
        expected = {*best.used, attempt.tool}
        made = self.decode(
            job,
            attempt.draft,
            attempt.ways,
            attempt.first,
            attempt.begun,
            lambda draft: self._most(job, draft, expected) <= least or self.spent() >= most,
        )
        fits = made.whole and (not attempt.tool or attempt.tool in made.used)
        return made if fits and self.score(job, made) > least else best

    def _alternatives(
        self, job: Job, draft: Draft, ways: Ways
    ) -> Iterator[tuple[str, Iterator[Try]]]:
        """What may be tried, each with a name."""
        if self._unused(job, draft):
            yield f"unused: {draft.plan}", self._without_unused(job, draft, ways)
        if again := self._twice(job, draft):
            yield f"once: {draft.plan}", self._later(draft, ways, again[0])
        for kind, address in self._left_out(job, draft):
            yield f"with {address}: {draft.plan}", self._addressed(job, draft, ways, kind, address)
        for tool, odds in job.odds.items():
            if odds >= SURE and tool not in draft.used:
                yield f"with {tool}", self._with(job, draft, ways, tool)
            if odds <= DOUBTED and tool in draft.used:
                yield f"without {tool}", self._without(draft, ways, tool)
        for doubt in self._doubts(job, draft)[:DOUBTS]:
            name = f"{draft.tokens[: doubt.at]} {doubt.token}"
            yield name, self._otherwise(draft, ways, doubt)

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

    def _without_unused(self, job: Job, draft: Draft, ways: Ways) -> Iterator[Try]:
        """The draft without its unused look-ups: without their tool, where it is called for
        nothing else, or with other names; with the last of them used by what comes after, or made
        sooner and used by what came before."""
        unused = self._unused(job, draft)
        for tool in {call.tool: None for call in unused}:
            if all(call in unused for call in draft.calls if call.tool == tool):
                yield from self._without(draft, ways, tool)
        closed = ways.copy()
        for call in unused:
            closed.ban(call.tool, job.tools[call.tool].parameters[0].name, str(call.arguments[0]))
        yield Try(draft.cut(unused[0].number - 1), closed)
        last, kind = unused[-1], job.tools[unused[-1].tool].result.name
        if last.number < len(draft.calls):
            yield Try(draft.cut(last.number), self._demanding(job, draft, ways, kind, last.number))
        takers = [c for c in draft.calls[: last.number - 1] if self._takes(job, c, kind)]
        if takers:
            taker = takers[-1]
            sooner, first = ways.copy(), ways.copy()
            used = [k for k in taker.references() if self._gives(job, draft.calls[k - 1], kind)]
            sooner.demanded = frozenset(f"${k}" for k in (*used, taker.number))
            first.only = last.tool
            yield Try(draft.cut(taker.number - 1), sooner, first=first)

    def _takes(self, job: Job, call: Call, kind: str) -> bool:
        """Whether a call has a list that is made for such results."""
        return any(p.many and p.kind.name == kind for p in job.tools[call.tool].parameters)

    def _gives(self, job: Job, call: Call, kind: str) -> bool:
        return job.tools[call.tool].result.name == kind

    def _demanding(self, job: Job, draft: Draft, ways: Ways, kind: str, line: int) -> Ways:
        """Ways by which the next list of ``kind`` must hold all such results of the first
        ``line`` lines."""
        demanding = ways.copy()
        demanding.demanded = frozenset(
            f"${c.number}" for c in draft.calls[:line] if self._gives(job, c, kind)
        )
        return demanding

    def _twice(self, job: Job, draft: Draft) -> list[Call]:
        """Calls that a later one makes anew: it changes a thing that is called the same, and
        nothing that both say, free text aside, differs."""
        found = []
        for i, later in enumerate(draft.calls):
            tool = job.tools[later.tool]
            needed = [p for p in tool.parameters if p.required]
            if not tool.changes or not needed or any(p.many for p in needed):
                continue
            for call in draft.calls[:i]:
                if call.tool == later.tool and not _differ(call, later, tool):
                    found.append(call)
        return found

    def _later(self, draft: Draft, ways: Ways, call: Call) -> Iterator[Try]:
        """The draft with a call put off by a line, so that something may come before it."""
        first = ways.copy()
        first.closed.add(call.tool)
        yield Try(draft.cut(call.number - 1), ways, first=first)

    def _left_out(self, job: Job, draft: Draft) -> list[tuple[str, str]]:
        """Addresses and numbers that stand in the request and not in the plan, each with its kind;
        none of a plan that calls nothing."""
        if not draft.calls:
            return []
        told, found = str(draft.plan), []
        for kind in ("email", "phone"):
            used = [said for said in literals(job.request, kind) if said in told]
            for said in sure_literals(job.request, kind):
                if not any(said in other or other in said for other in used):
                    found.append((kind, said))
        return found

    def _addressed(
        self, job: Job, draft: Draft, ways: Ways, kind: str, address: str
    ) -> Iterator[Try]:
        """The draft with an address in a list that takes such: beside what is there, and in the
        place of each look-up that is."""
        demanding = ways.copy()
        demanding.demanded = frozenset({address})
        for line, call in enumerate(draft.calls):
            if not any(p.many and p.kind.name == kind for p in job.tools[call.tool].parameters):
                continue
            yield Try(draft.cut(line), demanding)
            for k in sorted(call.references()):
                lookup = draft.calls[k - 1]
                tool = job.tools[lookup.tool]
                if tool.result.name == kind and lookup.arguments:
                    instead = demanding.copy()
                    instead.ban(tool.name, tool.parameters[0].name, str(lookup.arguments[0]))
                    yield Try(draft.cut(k - 1), instead)

    def _with(self, job: Job, draft: Draft, ways: Ways, tool: str) -> Iterator[Try]:
        """The draft with a call of ``tool`` on the line where it comes most naturally."""
        heads = []
        for line in reversed(range(len(draft.starts))):  # so that nothing is read twice
            first = self.engine.start([*job.prompt, *draft.tokens[: draft.starts[line]]])
            head = self.engine.tokenize(f"{line + 1}. {tool}", special=False)
            heads.append((sum(self.engine.log_probabilities(head, first)), line))
        _, line = max(heads, key=lambda head: (head[0], -head[1]))
        demanding = ways.copy()
        demanding.only = tool
        yield Try(draft.cut(line), ways, first=demanding, tool=tool)

    def _without(self, draft: Draft, ways: Ways, tool: str) -> Iterator[Try]:
        """The draft without any call of ``tool``."""
        closed = ways.copy()
        closed.closed.add(tool)
        line = next(i for i, call in enumerate(draft.calls) if call.tool == tool)
        yield Try(draft.cut(line), closed)

    def _otherwise(self, draft: Draft, ways: Ways, doubt: Doubt) -> Iterator[Try]:
        """The draft with another token where the choice was close."""
        line = draft.line_of(doubt.at)
        begun = (*draft.tokens[draft.starts[line] : doubt.at], doubt.token)
        yield Try(draft.cut(line), ways, begun=begun)

    def score(self, job: Job, draft: Draft) -> float:
        """How likely a draft is, in nats: to the planner, its free text aside (a plan is not
        worse for saying more), and to ToolRAG."""
        odds = sum(job.odds.get(tool, 0.0) for tool in draft.used)
        wrong = len(self._unused(job, draft)) + len(self._twice(job, draft))
        wrong += len(self._left_out(job, draft))
        return self._planned(job, draft) + odds - UNUSED_PENALTY * wrong

    def _most(self, job: Job, draft: Draft, expected: set[str]) -> float:
        """The highest score that a draft may come to, if it calls no other tools than it does
        now and those that are ``expected``."""
        used = draft.used
        more = sum(max(0.0, job.odds.get(tool, 0.0)) for tool in expected - used)
        return self._planned(job, draft) + sum(job.odds.get(tool, 0.0) for tool in used) + more

    def _planned(self, job: Job, draft: Draft) -> float:
        """How likely the planner finds what there is of a draft, its free text aside."""
        told = self._told(job, draft)
        return sum(p for p, free in zip(draft.likelihoods, told, strict=True) if not free)

    def _weigh(self, job: Job, draft: Draft) -> None:
        """See that a draft's likelihoods are known; what is decoded here brings its own."""
        if not draft.likelihoods:
            first = self.engine.start(job.prompt)
            draft.likelihoods, _ = self.engine.weigh(draft.tokens, first)

    def _told(self, job: Job, draft: Draft) -> list[bool]:
        """Which tokens of a draft are free text."""
        told: list[bool] = []
        for i in range(len(draft.starts)):
            pieces = [self.engine.piece(token) for token in draft.line(i)]
            line = b"".join(pieces).decode()
            spans = free_spans(draft.calls[i], job.tools, line) if i < len(draft.calls) else []
            told += pieces_within(pieces, spans)
        return told


def _differ(one: Call, other: Call, tool: Tool) -> bool:
    """Whether two calls of a tool are of two things: what they need differs, or what both say;
    what a thing is told in free text may be said in the second alone."""
    for parameter, a, b in zip_longest(tool.parameters, one.arguments, other.arguments):
        default = parameter.written_default
        a, b = (default if value is None else value for value in (a, b))
        said = a != default and b != default and not parameter.kind.free
        if (parameter.required or said) and str(a).casefold() != str(b).casefold():
            return True
    return False
