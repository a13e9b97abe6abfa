"""Plan a whole test set, as the app would, and keep what each request came to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from tinyagent.errors import TinyAgentError
from tinyagent.evaluation.scoring import Score, score
from tinyagent.evaluation.sets import Item
from tinyagent.planner.planner import Planner
from tinyagent.plans.syntax import Plan
from tinyagent.toolrag.base import ToolRAG
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
    return [_outcome(item, toolrag, planner, tools) for item in shown]


Progress = Callable[[list[Item]], Iterable[Item]]
"""Iterates the items, and shows how far it is."""


def _outcome(item: Item, toolrag: ToolRAG, planner: Planner, tools: ToolSet) -> Outcome:
    selection = toolrag.select(item.query)
    tokens: dict[str, int] = {}
    seconds = {"toolrag": selection.seconds, "total": selection.seconds}
    plan: Plan | None = Plan(())
    error = ""
    if selection.tools:
        try:
            offered = tools.only(selection.tools)
            planned = planner.plan(item.query, offered, item.now, odds=selection.odds)
        except TinyAgentError as failure:
            plan, error = None, str(failure)
        else:
            plan = planned.plan
            tokens = {
                "prompt": planned.prompt_tokens,
                "plan": planned.plan_tokens,
                "steps": planned.decode_steps,
            }
            seconds |= planned.seconds
            seconds["total"] = selection.seconds + planned.seconds["total"]
    return Outcome(
        item=item,
        probabilities=selection.probabilities,
        tools=tuple(selection.tools),
        plan=plan,
        score=Score(False, False, False) if plan is None else score(plan, item, tools),
        error=error,
        tokens=tokens,
        seconds=seconds,
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
