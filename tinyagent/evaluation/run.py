"""Plan a whole test set, as the app would, and keep what each request came to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from tinyagent.errors import ServerError, TinyAgentError, UnusablePlanError
from tinyagent.evaluation.scoring import Score, score
from tinyagent.evaluation.sets import Item
from tinyagent.planner.base import Planner
from tinyagent.plans.syntax import Plan
from tinyagent.toolrag.base import Selection, ToolRAG
from tinyagent.tools.registry import ToolSet
from tinyagent.tools.sixteen import SIXTEEN


@dataclass(frozen=True)
class Outcome:
    """What one request came to.

    Attributes:
        item: the request, and the plans that are accepted.
        probabilities: of each tool.
        tools: those that were offered to the planner.
        plan: as written; without calls where no tool was picked; None where planning failed.
        score: how good it is.
        error: why there is no plan, or "".
        tokens: of the "prompt", of the "plan", and the "steps" of decoding.
        seconds: of "toolrag", "prefill", "decode" and "total".
    """

    item: Item
    probabilities: dict[str, float]
    tools: tuple[str, ...]
    plan: Plan | None
    score: Score
    error: str = ""
    tokens: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


def evaluate(
    items: Iterable[Item],
    toolrag: ToolRAG,
    planner: Planner,
    progress: Progress | None = None,
    tools: ToolSet = SIXTEEN,
) -> list[Outcome]:
    """An outcome for each request, in order; what fails to plan is one, too.

    ``tools`` are those that ToolRAG picks from.
    """
    shown = progress(list(items)) if progress else items
    return [plan_item(item, toolrag.select(item.query), planner, tools) for item in shown]


Progress = Callable[[list[Item]], Iterable[Item]]
"""Iterates the items, and shows how far it is."""


def plan_item(
    item: Item,
    selection: Selection,
    planner: Planner,
    tools: ToolSet,
    stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Plan one request with the tools that were picked for it, unless ``stop`` becomes true.

    Raises:
        ServerError: the planner is on a server, and the model gave no answer: that says
            nothing of the model.
    """
    if not selection.tools:
        return _outcome(item, selection, Plan(), tools)
    begun = time.perf_counter()
    try:
        offered = tools.only(selection.tools)
        planned = planner.plan(item.query, offered, item.now, odds=selection.odds, stop=stop)
    except TinyAgentError as failure:
        if isinstance(failure, ServerError) and not isinstance(failure, UnusablePlanError):
            raise
        seconds = {"total": time.perf_counter() - begun}
        return _outcome(item, selection, None, tools, str(failure), seconds=seconds)
    tokens = {
        "prompt": planned.prompt_tokens,
        "plan": planned.plan_tokens,
        "steps": planned.decode_steps,
    }
    return _outcome(item, selection, planned.plan, tools, "", tokens, planned.seconds)


def unplanned(item: Item, selection: Selection, error: TinyAgentError) -> Outcome:
    """The outcome of a request that failed to be planned, elsewhere."""
    return _outcome(item, selection, None, SIXTEEN, str(error))


def _outcome(
    item: Item,
    selection: Selection,
    plan: Plan | None,
    tools: ToolSet,
    error: str = "",
    tokens: dict[str, int] | None = None,
    seconds: Mapping[str, float] = MappingProxyType({}),
) -> Outcome:
    total = selection.seconds + seconds.get("total", 0.0)
    return Outcome(
        item=item,
        probabilities=selection.probabilities,
        tools=tuple(selection.tools),
        plan=plan,
        score=Score(False, False, False) if plan is None else score(plan, item, tools),
        error=error,
        tokens=tokens or {},
        seconds={"toolrag": selection.seconds} | dict(seconds) | {"total": total},
    )


def by(outcomes: Iterable[Outcome], keys: Callable[[Outcome], Iterable[str]]) -> Groups:
    """The outcomes under each of their keys, in the order of the keys."""
    groups: Groups = {}
    for outcome in outcomes:
        for key in keys(outcome):
            groups.setdefault(key, []).append(outcome)
    return dict(sorted(groups.items(), key=lambda group: _natural(group[0])))


Groups = dict[str, list[Outcome]]


def _natural(key: str) -> tuple[int, str]:
    return (int(key), "") if key.isdecimal() else (10**6, key)


def calls_of(outcome: Outcome) -> Iterator[str]:
    """The number of calls in the most natural plan."""
    yield str(len(outcome.item.plans[0].calls))


def tools_of(outcome: Outcome) -> Iterator[str]:
    """The tools of the most natural plan."""
    yield from sorted(outcome.item.gold_tools)


def tags_of(outcome: Outcome) -> Iterator[str]:
    """The tags of the request."""
    yield from outcome.item.tags
