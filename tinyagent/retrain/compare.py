"""Is a new version better? Both plan the same requests, and only where they differ counts.

A loss is noise until a sign test says otherwise: of the requests that one
version gets right and the other wrong, would a fair coin fall so often against
the new one? A new version is better where it gains on the labels, and loses on
nothing beyond noise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import comb
from typing import Literal

from tinyagent.evaluation.run import Outcome

Group = Literal["fixed", "held", "learned"]
"""Shipped examples; labels that were held out; labels that were learned."""

NOISE = 0.05
"""A loss whose probability by chance is less than this is none."""
ENOUGH_HELD = 5
"""With fewer labels held out, what was learned counts as a gain, too."""

MEASURES = {
    "success": "right plan",
    "arguments": "right plan and arguments",
    "found": "all tools offered",
    "exact": "those tools and no others offered",
}
"""What is right or wrong about one request, by name."""


@dataclass(frozen=True)
class Change:
    """One measure over one group of requests.

    Attributes:
        before: requests that the version in use got right; ``after``: that the new one did.
        of: all requests of the group.
        gained: those that only the new one got right; ``lost``: only the one in use.
    """

    group: Group
    measure: str
    before: int
    after: int
    of: int
    gained: int
    lost: int

    @property
    def worse(self) -> bool:
        """It lost beyond noise."""
        return chance(self.lost, self.gained) < NOISE


@dataclass(frozen=True)
class Moved:
    """A request that one version gets right and the other wrong, with both plans."""

    group: Group
    request: str
    wanted: str
    before: str
    after: str
    better: bool


@dataclass(frozen=True)
class Comparison:
    """Two versions on the same requests, and what that means.

    Attributes:
        better: the new one may take the other's place.
        why: in a sentence.
    """

    changes: list[Change]
    moved: list[Moved]
    better: bool
    why: str


def compare(
    before: Mapping[Group, Sequence[Outcome]], after: Mapping[Group, Sequence[Outcome]]
) -> Comparison:
    """Compare the version in use with a new one; both planned the same requests, in order."""
    changes = [
        _change(group, measure, before[group], after[group])
        for group in before
        for measure in MEASURES
    ]
    moved = [
        move
        for group in before
        for old, new in zip(before[group], after[group], strict=True)
        if (move := _moved(group, old, new)) is not None
    ]
    better, why = _judge(changes)
    return Comparison(changes, moved, better, why)


def chance(lost: int, gained: int) -> float:
    """Probability that a fair coin falls against the new version at least ``lost`` times."""
    tosses = lost + gained
    return sum(comb(tosses, k) for k in range(lost, tosses + 1)) / float(2**tosses)


def right(outcome: Outcome) -> dict[str, bool]:
    """What is right about a request, by the names of ``MEASURES``."""
    wanted, offered = outcome.item.gold_tools, set(outcome.tools)
    return {
        "success": outcome.score.success,
        "arguments": outcome.score.arguments,
        "found": wanted <= offered,
        "exact": wanted == offered,
    }


def _change(
    group: Group, measure: str, before: Sequence[Outcome], after: Sequence[Outcome]
) -> Change:
    pairs = [
        (right(old)[measure], right(new)[measure]) for old, new in zip(before, after, strict=True)
    ]
    return Change(
        group,
        measure,
        sum(old for old, _ in pairs),
        sum(new for _, new in pairs),
        len(pairs),
        sum(new and not old for old, new in pairs),
        sum(old and not new for old, new in pairs),
    )


def _moved(group: Group, old: Outcome, new: Outcome) -> Moved | None:
    was, now = right(old), right(new)
    # The tools alone are worth telling where the plans are as good as before.
    for measure in ("success", "arguments", "found", "exact"):
        if was[measure] != now[measure]:
            told = (_told(old, measure), _told(new, measure))
            return Moved(group, old.item.query, str(old.item.plans[0]), *told, now[measure])
    return None


def _told(outcome: Outcome, measure: str) -> str:
    if measure in ("found", "exact"):
        return f"offered: {', '.join(outcome.tools) or 'nothing'}"
    return outcome.error if outcome.plan is None else str(outcome.plan)


def _judge(changes: Sequence[Change]) -> tuple[bool, str]:
    lost = [c for c in changes if c.worse and c.group != "learned"]
    if lost:
        worst = max(lost, key=lambda c: c.lost - c.gained)
        where = {"fixed": "shipped examples", "held": "labels that were held out"}[worst.group]
        return False, (
            f"it is worse beyond noise: {MEASURES[worst.measure]}, on {where}: "
            f"{worst.before} of {worst.of} before, {worst.after} now"
        )
    held = next((c.of for c in changes if c.group == "held"), 0)
    counted = ("held",) if held >= ENOUGH_HELD else ("held", "learned")
    gains = {
        measure: sum(
            c.gained - c.lost for c in changes if c.measure == measure and c.group in counted
        )
        for measure in MEASURES
    }
    measure, gain = max(gains.items(), key=lambda item: item[1])
    labels = "labels that were held out" if held >= ENOUGH_HELD else "labels"
    if gain <= 0:
        return False, f"it gets no more of the {labels} right"
    return True, f"{gain} more of the {labels}: {MEASURES[measure]}; nothing is worse beyond noise"
