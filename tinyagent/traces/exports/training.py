"""Exports to train and to test with: runs whose label says which plan is right, a line each."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tinyagent.plans.syntax import Call, Plan, Value
from tinyagent.tools.registry import Parameter, Tool
from tinyagent.tools.sixteen import SIXTEEN
from tinyagent.traces.declared import tools_of
from tinyagent.traces.labels import current, right_plan
from tinyagent.traces.rows import Trace


def planner_lines(traces: Iterable[Trace], target: Path) -> int:
    """JSON lines as ``tinyagent data generate`` makes them: request, now, plan, tools."""
    return _write_lines(
        (
            {
                "request": trace["request"],
                "now": trace["now"],
                "plan": str(plan),
                "tools": sorted({call.tool for call in plan}),
                "style": "trace",
                "pattern": trace["id"],
            }
            for trace, plan in _labelled(traces)
        ),
        target,
    )


def toolrag_table(traces: Iterable[Trace], target: Path) -> int:
    """CSV: the request, and for each tool 1 where the right plan calls it.

    The columns are the sixteen, then every other tool that a right plan calls.
    """
    rows = [(t["request"], {call.tool for call in plan}) for t, plan in _labelled(traces)]
    called = {tool for _, used in rows for tool in used}
    names = [*SIXTEEN, *sorted(called - set(SIXTEEN))]
    with target.open("w", encoding="utf-8", newline="") as out:
        table = csv.writer(out)
        table.writerow(["request", *names])
        table.writerows([request, *(int(n in used) for n in names)] for request, used in rows)
    return len(rows)


def test_set(traces: Iterable[Trace], target: Path) -> int:
    """A test set, as ``tinyagent eval`` reads it."""
    return _write_lines(
        (
            {
                "id": trace["id"],
                "query": trace["request"],
                "now": trace["now"],
                "plans": [str(plan)],
                "tags": ["trace", *(current(trace) or {}).get("reasons", ())],
            }
            for trace, plan in _labelled(traces)
        ),
        target,
    )


def openai_lines(traces: Iterable[Trace], target: Path) -> int:
    """OpenAI's fine-tuning format: messages, the plan as parallel tool calls, and the tools.

    Tools are those that were offered, and those that the right plan calls.
    """
    return _write_lines((_openai(trace, plan) for trace, plan in _labelled(traces)), target)


def function_schema(tool: Tool) -> dict[str, Any]:
    """A tool as OpenAI's API declares it; ``$k`` may stand in any text."""
    return {
        "type": "function",
        "function": {
            "name": tool.name,
            "description": tool.description,
            "parameters": {
                "type": "object",
                "properties": {p.name: _property(p) for p in tool.parameters},
                "required": [p.name for p in tool.parameters if p.required],
                "additionalProperties": False,
            },
        },
    }


_SYSTEM = (
    "Call the tools that the request needs, and no others. Call them in order; write $1, $2 … "
    "for the result of an earlier call. It is {now}."
)
_REFUSAL = "None of my tools can do that."


def _openai(trace: Trace, plan: Plan) -> dict[str, Any]:
    tools = tools_of(trace)
    used = {call.tool for call in plan}
    offered = used | {row["tool"] for row in trace["tools"] if row["picked"]}
    answer: dict[str, Any] = {"role": "assistant", "content": _REFUSAL}
    if plan.calls:
        answer = {"role": "assistant", "tool_calls": [_tool_call(c, tools[c.tool]) for c in plan]}
    row: dict[str, Any] = {
        "messages": [
            {"role": "system", "content": _SYSTEM.format(now=trace["now"])},
            {"role": "user", "content": trace["request"]},
            answer,
        ]
    }
    if offered:
        row["tools"] = [function_schema(tool) for tool in tools.only(offered).values()]
        row["parallel_tool_calls"] = True
    return row


def _tool_call(call: Call, tool: Tool) -> dict[str, Any]:
    arguments = {p.name: _json(v) for p, v in zip(tool.parameters, call.arguments, strict=False)}
    text = json.dumps(arguments, ensure_ascii=False)
    function = {"name": call.tool, "arguments": text}
    return {"id": f"call_{call.number}", "type": "function", "function": function}


def _json(value: Value) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _property(parameter: Parameter) -> dict[str, Any]:
    kinds = {"int": "integer", "number": "number", "bool": "boolean"}
    first = parameter.choices[0] if parameter.choices else None
    kind = "integer" if isinstance(first, int) else kinds.get(parameter.kind.name, "string")
    item: dict[str, Any] = {"type": kind}
    if parameter.choices:
        item["enum"] = list(parameter.choices)
    found = {"type": "array", "items": item} if parameter.many else item
    return found | {"description": parameter.help}


def _labelled(traces: Iterable[Trace]) -> Iterable[tuple[Trace, Plan]]:
    for trace in traces:
        plan = right_plan(trace)
        if plan is not None:
            yield trace, plan


def _write_lines(rows: Iterable[dict[str, Any]], target: Path) -> int:
    written = 0
    with target.open("w", encoding="utf-8") as out:
        for row in rows:
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
            written += 1
    return written
