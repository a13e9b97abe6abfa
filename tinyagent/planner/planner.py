"""The planner: a request and its tools in, a valid plan out.

Greedy decoding, a line at a time, each under a grammar of its own. What a
grammar cannot see is checked after the line (does the time resolve? is this
call there already?) and the line decoded again with that way closed. What shows
only at the end is for ``reconsider``.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

import numpy as np
from llguidance import LLMatcher
from llguidance.llamacpp import lltokenizer_from_vocab
from llguidance.numpy import allocate_token_bitmask, fill_next_token_bitmask

from tinyagent.errors import RequestError, Stopped
from tinyagent.planner.base import Avoided, Planned
from tinyagent.planner.constraints import Constraints, loose_grammar
from tinyagent.planner.draft import Doubt, Draft, Job, Line
from tinyagent.planner.engine import Engine, Logits
from tinyagent.planner.faults import fault
from tinyagent.planner.grammar import MAX_TASKS, Ways, line_grammar
from tinyagent.planner.prompt import clean, planner_prompt
from tinyagent.planner.reconsider import Reconsider
from tinyagent.planner.spans import time_phrases
from tinyagent.plans.syntax import JOIN, Call, Plan, read_call, read_plan
from tinyagent.tools.registry import ToolSet
from tinyagent.tools.sixteen import SIXTEEN

LINE_TRIES = 4
DOUBT = 0.7
"""Nats by which a token may be less likely than the chosen one, to be worth a try later."""
NO_ODDS: Mapping[str, float] = MappingProxyType({})
Told = Callable[[str, ToolSet, datetime], Sequence[tuple[str, str]]]
FREE_TOKENS = 500
"""After which unconstrained decoding gives up."""


class _DeadEndError(Exception):
    """A line that cannot go on: nothing of the request is left to copy.

    Attributes:
        tool: that the line calls, "" where it has not come so far.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        begun = re.match(r"\d+\. (\w+)\(", text)
        self.tool = begun[1] if begun else ""


class Planner:
    """Plans with one llama.cpp engine; not thread-safe, one request at a time.

    With less than all ``constraints``, plans may be invalid: that is for measuring.
    ``trained`` names the tools that the model was trained on. A model that was not trained to
    plan gets the conversation that ``told`` makes of a request, its tools and the time.
    """

    def __init__(
        self,
        engine: Engine,
        constraints: Constraints = Constraints.ALL,
        trained: Collection[str] = SIXTEEN,
        told: Told | None = None,
    ) -> None:
        self._engine = engine
        self._told = told
        self._trained = trained
        self._constraints = constraints
        self._tokenizer = lltokenizer_from_vocab(engine.vocab)
        self._mask = allocate_token_bitmask(1, engine.vocab_size)
        self._steps = 0
        self._chosen: list[float] = []

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
        """Plan a request; see ``base.Planner``.

        With no tools, the plan is ``join()``. Of a tool that the model was not trained on,
        times are whole phrases that resolve, and it is not refused: that it fits the request
        is taken from who offers it.

        Raises:
            RequestError: the request is longer than the model can read.
            Stopped: ``stop`` was true.
            PlanSyntaxError: what was written is no plan (without constraints alone).
        """
        request = clean(request)
        begun = time.perf_counter()
        self._steps, self._chosen = 0, []
        if self._told:
            prompt = self._engine.chat(self._told(request, tools, now))
        else:
            prompt = planner_prompt(request, tools.values(), self._trained)
        tokens = self._engine.tokenize(prompt)
        if len(tokens) > self._engine.limit // 2:
            raise RequestError(
                f"The request is too long to plan ({len(tokens)} tokens; "
                f"{self._engine.limit // 2} fit). Say it in fewer words."
            )
        self._engine.start(tokens, stop)
        read = time.perf_counter()
        odds = {name: known for name, known in odds.items() if name in tools}
        untrained = [name for name in tools if name not in self._trained]
        said = time_phrases(request, now) if untrained else []
        phrases = dict.fromkeys(untrained, said)
        job = Job(request, tools, now, tokens, odds, on_text, stop, phrases)
        # Training taught the planner to refuse what the tools that it knows cannot do. Whether
        # another tool can is for ToolRAG to say.
        ways = Ways(must_call=bool(untrained))
        for name, arguments in avoid:
            if name in tools and arguments and isinstance(arguments[0], str):
                ways.ban(name, tools[name].parameters[0].name, arguments[0])
        if self._constraints is Constraints.NONE:
            draft = self._decode_freely(job)
        else:
            draft = self._decode(job, Draft(), ways)
        better = draft
        if self._constraints is Constraints.ALL:
            reconsider = Reconsider(self._engine, self._decode, lambda: self._steps)
            better = reconsider.best(job, draft, ways)
        if better is not draft:
            on_restart()
            on_text(str(better.plan) + "\n")
        done = time.perf_counter()
        seconds = {"prefill": read - begun, "decode": done - read, "total": done - begun}
        confidence = float(np.mean(self._chosen)) if self._chosen else 1.0
        return Planned(
            better.plan,
            prompt,
            len(tokens),
            len(better.tokens),
            self._steps,
            seconds,
            confidence,
        )

    def _decode(
        self,
        job: Job,
        draft: Draft,
        ways: Ways,
        first: Ways | None = None,
        begun: Sequence[int] = (),
        hopeless: Callable[[Draft], bool] = lambda draft: False,
    ) -> Draft:
        """Decode lines until ``join()``, or until the draft is ``hopeless``; ``first`` are the
        ways of the next line alone, ``begun`` its first tokens."""
        draft = draft.copy()
        logits = self._engine.start([*job.prompt, *draft.tokens])
        while True:
            call, line, logits = self._line(job, draft, first or ways, logits, begun)
            first, begun = None, ()
            start = len(draft.tokens)
            draft.starts.append(start)
            draft.tokens += line.tokens
            draft.likelihoods += line.likelihoods
            draft.doubts += [Doubt(start + d.at, d.token, d.behind) for d in line.doubts]
            if call.tool == JOIN:
                return draft
            draft.calls.append(call)
            if hopeless(draft):
                return draft
            lists = [value for value in call.arguments if isinstance(value, tuple)]
            if any(ways.demanded & set(map(str, value)) for value in lists):
                ways = ways.copy()
                ways.demanded = frozenset()

    def _decode_freely(self, job: Job) -> Draft:
        """Whatever the model writes until it ends its turn."""
        logits = self._engine.start(job.prompt)
        tokens: list[int] = []
        while len(tokens) < FREE_TOKENS:
            if job.stop():
                raise Stopped("Planning was stopped.")
            token = int(logits.argmax())
            if self._engine.ends(token):
                break
            tokens.append(token)
            logits = self._engine.feed([token])
            self._steps += 1
        return Draft(list(read_plan(self._text(tokens)).calls), tokens)

    def _grammar(self, job: Job, before: Plan, ways: Ways) -> str:
        if self._constraints < Constraints.TYPES:
            return loose_grammar(before, job.tools, self._constraints, MAX_TASKS)
        copies = self._constraints >= Constraints.COPIES
        return line_grammar(job.request, job.tools, before, ways, copies, job.phrases)

    def _line(
        self, job: Job, draft: Draft, ways: Ways, logits: Logits, begun: Sequence[int]
    ) -> tuple[Call, Line, Logits]:
        """One line that stands: it parses, its times resolve, it is not there already."""
        start = len(self._engine.read)
        ways = ways.copy()
        while True:  # each turn closes a way; with all closed, the line is join()
            grammar = self._grammar(job, draft.plan, ways)
            try:
                line, logits = self._constrained(job, grammar, logits, begun)
            except _DeadEndError as end:
                if not end.tool:
                    raise
                ways.closed.add(end.tool)
                logits = self._back(job, draft, start)
                begun = ()
                continue
            begun = ()
            text = self._text(line.tokens)
            call = read_call(text)
            wrong = None
            if self._constraints is Constraints.ALL:
                wrong = fault(call, draft.plan, job.request, job.tools, job.now)
            if wrong is None:
                job.on_text(text)
                return call, line, logits
            value = wrong and self._copied(call, wrong, job)
            banned = ways.banned.get((call.tool, wrong), set())
            if wrong and self._can_be_empty(call, wrong, job):
                ways.emptied.add((call.tool, wrong))
            elif value and value not in banned and len(banned) < LINE_TRIES:
                ways.ban(call.tool, wrong, value)
            else:
                ways.closed.add(call.tool)
            logits = self._back(job, draft, start)

    def _back(self, job: Job, draft: Draft, start: int) -> Logits:
        """Forget what was read from token ``start`` on; the logits there."""
        self._engine.rewind(start - 1)
        return self._engine.feed([(job.prompt + draft.tokens)[start - 1]])

    def _can_be_empty(self, call: Call, argument: str, job: Job) -> bool:
        parameter = job.tools[call.tool].parameter(argument)
        copied = parameter.kind.copied and not parameter.kind.time  # of a time another may do
        return not parameter.required and (parameter.many or copied)

    def _copied(self, call: Call, argument: str, job: Job) -> str:
        """What an argument copied from the request, or "" where it is no such argument."""
        for parameter, value in zip(job.tools[call.tool].parameters, call.arguments, strict=False):
            if parameter.name == argument and parameter.kind.copied and isinstance(value, str):
                return value
        return ""

    def _constrained(
        self, job: Job, grammar: str, logits: Logits, begun: Sequence[int]
    ) -> tuple[Line, Logits]:
        """Decode a line greedily under a grammar, after the tokens ``begun`` where it allows them;
        the logits after it."""
        matcher = self._matcher(grammar)
        line = Line()
        if begun and matcher.try_consume_tokens(list(begun)) == len(begun):
            logits = self._step(job, line, begun, logits)
        elif begun:
            matcher = self._matcher(grammar)
        while not matcher.is_stopped():
            if job.stop():
                raise Stopped("Planning was stopped.")
            forced = matcher.compute_ff_tokens()
            if forced:
                matcher.consume_tokens(forced)
                step = forced
            else:
                token, doubt = self._choose(matcher, logits)
                if doubt and doubt.behind < DOUBT:
                    line.doubts.append(Doubt(len(line.tokens), doubt.token, doubt.behind))
                matcher.consume_token(token)
                more = [] if matcher.is_stopped() else matcher.compute_ff_tokens()
                if more:
                    matcher.consume_tokens(more)
                step = [token, *more]
            if matcher.get_error():
                raise _DeadEndError(self._text([*line.tokens, *step]))
            logits = self._step(job, line, step, logits)
        return line, logits

    def _matcher(self, grammar: str) -> LLMatcher:
        """A matcher at the beginning of a grammar, which has to be a right one."""
        matcher = LLMatcher(self._tokenizer, grammar)
        if error := matcher.get_error():  # it would say that it has come to its end
            raise AssertionError(f"the grammar is wrong: {error}\n{grammar}")
        return matcher

    def _step(self, job: Job, line: Line, tokens: Sequence[int], logits: Logits) -> Logits:
        """Put tokens to a line; the logits after them."""
        self._steps += 1
        line.tokens += tokens
        if not job.weighed:
            return self._engine.feed(tokens)
        likelihoods, logits = self._engine.weigh(tokens, logits)
        line.likelihoods += likelihoods
        return logits

    def _text(self, tokens: Sequence[int]) -> str:
        raw = b"".join(map(self._engine.piece, tokens))
        return raw.decode("utf-8", "replace").rstrip("\n")

    def _choose(self, matcher: Any, logits: Logits) -> tuple[int, Doubt | None]:
        """The likeliest allowed token, its probability among them noted; and the next likeliest."""
        fill_next_token_bitmask(matcher, self._mask, 0)
        bits = np.unpackbits(self._mask[0].view(np.uint8), bitorder="little")
        allowed = np.flatnonzero(bits[: self._engine.vocab_size])
        scores = logits[allowed]
        best = int(scores.argmax())
        self._chosen.append(float(1.0 / np.exp(scores - scores[best]).sum()))
        if len(scores) == 1:
            return int(allowed[best]), None
        second = int(np.argpartition(scores, -2)[-2])
        behind = float(scores[best] - scores[second])
        return int(allowed[best]), Doubt(0, int(allowed[second]), behind)
