"""A run as a notebook: a cell a step, in the order in which things happened.

The page, ``tinyagent traces show`` and the Jupyter export draw the same cells.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from tinyagent.traces.rows import Trace

Kind = Literal[
    "request",
    "tools",
    "prompt",
    "plan",
    "question",
    "text",
    "approval",
    "call",
    "answer",
    "interrupted",
]


@dataclass(frozen=True)
class Cell:
    """One step.

    Attributes:
        kind: of step.
        title: it in a few words.
        start: seconds from the request to its beginning.
        seconds: it took; None where nothing was measured.
        input: what went in, as text.
        output: what came out, as text; of an approval the difference to what was proposed.
        state: of a call: done, failed, skipped, or as far as it came.
        values: numbers to draw: a tool's probability by name, tokens by name.
        task: number of the task of a call, else 0.
    """

    kind: Kind
    title: str
    start: float
    seconds: float | None = None
    input: str = ""
    output: str = ""
    state: str = ""
    values: Mapping[str, float] = field(default_factory=dict)
    task: int = 0


def cells(trace: Trace) -> list[Cell]:
    """The cells of a whole trace."""
    happened = [(row["at"], row["event"]) for row in trace["events"]]
    began = trace["started"]
    found: list[Cell] = []
    proposed = ""
    asked: dict[str, str] = {}
    open_calls: dict[int, int] = {}
    lines: dict[int, str] = {}
    for at, event in happened:
        now = _after(began, at)
        match event["type"]:
            case "RequestReceived":
                found.append(Cell("request", "Request", 0.0, None, event["request"]))
            case "ToolsSelected":
                found.append(_tools(event, now))
            case "PlanReady":
                proposed = event["plan"]
                found += _planned(event, now)
            case "PlanRevised":
                found.append(Cell("plan", "Plan, as a person wrote it", now, output=event["plan"]))
            case "Replanning":
                found.append(Cell("plan", f"Planned again: {event['why']}", now))
            case "PlanRestarted":
                open_calls, lines = {}, {}
            case "PlanLine":
                lines[event["task"]] = event["line"]
            case "QuestionAsked" | "ApprovalAsked":
                asked[event.get("question") or event["approval"]] = at
                if "question" in event:
                    found.append(_question(event, now))
            case "QuestionAnswered":
                title = f"Answer for task {event['task']}"
                waited = _after(asked.get(event["question"], at), at)
                choice = event["choice"] or "(passed over)"
                found.append(Cell("question", title, max(0.0, now - waited), waited, output=choice))
            case "TextWritten":
                title = f"Text for task {event['task']}, {event['argument']}"
                took = event["seconds"]
                found.append(Cell("text", title, max(0.0, now - took), took, output=event["text"]))
            case "ApprovalDecided":
                waited = _after(asked.get(event["approval"], at), at)
                found.append(_decided(event, proposed, max(0.0, now - waited), waited))
            case "TaskStarted":
                open_calls[event["task"]] = len(found)
                found.append(_call(event, lines.get(event["task"], ""), now))
            case "TaskDone" | "TaskFailed" | "TaskSkipped":
                _end_call(found, open_calls, event, lines, now)
            case "Answered" | "Failed" | "Stopped":
                found.append(_ended(event, now))
    if trace["status"].startswith("interrupted"):
        doubtful = {task["task"] for task in trace["tasks"] if task["status"] == "may have run"}
        for task in doubtful & open_calls.keys():
            found[open_calls[task]] = replace(found[open_calls[task]], state="may have run")
        last = _after(began, happened[-1][0]) if happened else 0.0
        found.append(Cell("interrupted", trace["status"].capitalize(), last))
    return found


def difference(before: str, after: str) -> str:
    """Two plans, line by line: "- " what went, "+ " what came, "  " what stayed."""
    lines = difflib.ndiff(before.splitlines(), after.splitlines())
    return "\n".join(line for line in lines if not line.startswith("?"))


def _tools(event: Mapping[str, Any], now: float) -> Cell:
    ranked = dict(sorted(event["probabilities"].items(), key=lambda item: -float(item[1])))
    line = event["threshold"]
    rule = "" if line is None else f", offered from {line:.2f}"
    title = f"ToolRAG, {event['method']}{rule}"
    took = event["seconds"]
    return Cell(
        "tools",
        title,
        max(0.0, now - took),
        took,
        output="\n".join(event["tools"]) or "none",
        values=ranked,
    )


def _planned(event: Mapping[str, Any], now: float) -> list[Cell]:
    took = float(event["seconds"].get("total", 0.0))
    title = f"Plan, mean probability {event['confidence']:.2f}"
    counts = {"plan tokens": event["plan_tokens"], "decode steps": event["decode_steps"]}
    prompt = {"prompt tokens": event["prompt_tokens"]}
    start = max(0.0, now - took)
    first = float(event["seconds"].get("prefill", 0.0))
    return [
        Cell("prompt", "Prompt", start, first, input=event["prompt"], values=prompt),
        Cell("plan", title, start + first, took - first, output=event["plan"], values=counts),
    ]


def _question(event: Mapping[str, Any], now: float) -> Cell:
    title = f"Question about task {event['task']}"
    return Cell("question", title, now, input=event["text"], output="\n".join(event["candidates"]))


def _decided(event: Mapping[str, Any], proposed: str, start: float, waited: float) -> Cell:
    decision = event["decision"]
    changed = bool(event["plan"]) and event["plan"] != proposed
    output = difference(proposed, event["plan"]) if event["plan"] else ""
    title = f"Approval: {decision}" + (", with changes" if changed else "")
    return Cell("approval", title, start, waited, output=output, state=decision)


def _call(event: Mapping[str, Any], line: str, now: float) -> Cell:
    arguments = json.dumps(event["arguments"], ensure_ascii=False, indent=1)
    title = line or f"Task {event['task']}: {event['text']}"
    return Cell("call", title, now, input=arguments, state="running", task=event["task"])


def _end_call(
    found: list[Cell],
    open_calls: dict[int, int],
    event: Mapping[str, Any],
    lines: Mapping[int, str],
    now: float,
) -> None:
    """Put the end of a call into the cell of its start; one that never began gets its own."""
    task = event["task"]
    state = {"TaskDone": "done", "TaskFailed": "failed", "TaskSkipped": "skipped"}[event["type"]]
    output = event.get("result") or event.get("error") or event.get("reason") or ""
    place = open_calls.pop(task, None)
    if place is None:
        title = lines.get(task, f"Task {task}")
        found.append(Cell("call", title, now, None, output=output, state=state, task=task))
        return
    began = found[place]
    found[place] = Cell(
        "call", began.title, began.start, event["seconds"], began.input, output, state, task=task
    )


def _ended(event: Mapping[str, Any], now: float) -> Cell:
    titles = {"Answered": "Answer", "Failed": "Failed", "Stopped": "Stopped"}
    text = event.get("text") or f"{event.get('message', '')} {event.get('cure', '')}".strip()
    return Cell("answer", titles[event["type"]], now, output=text, state=event["type"].lower())


def _after(began: str, at: str) -> float:
    """Seconds between two ISO times."""
    span = datetime.fromisoformat(at) - datetime.fromisoformat(began)
    return span / timedelta(seconds=1)
