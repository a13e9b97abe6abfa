"""Plans made from plans: the record of what a person left out."""

from __future__ import annotations

from collections.abc import Collection

from tinyagent.plans.syntax import REFERENCE, Call, Plan, Value


def without(plan: Plan, tasks: Collection[int]) -> Plan:
    """The plan without some tasks, renumbered.

    What was used by them alone goes too (the look-up of somebody who then gets
    no message). What uses them must be among them.
    """
    gone = set(tasks)
    for call in reversed(plan.calls):
        users = {other.number for other in plan if call.number in other.references()}
        if users and users <= gone:
            gone.add(call.number)
    kept = [call for call in plan if call.number not in gone]
    numbers = {call.number: new for new, call in enumerate(kept, 1)}
    return Plan(
        tuple(
            Call(numbers[c.number], c.tool, tuple(_renumber(a, numbers) for a in c.arguments))
            for c in kept
        )
    )


def _renumber(value: Value, numbers: dict[int, int]) -> Value:
    if isinstance(value, tuple):
        return tuple(_text(v, numbers) if isinstance(v, str) else v for v in value)
    return _text(value, numbers) if isinstance(value, str) else value


def _text(text: str, numbers: dict[int, int]) -> str:
    return REFERENCE.sub(lambda m: f"${numbers[int(m[1])]}", text)
