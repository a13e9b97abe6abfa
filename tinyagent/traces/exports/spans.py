"""Runs as OpenTelemetry spans (OTLP in JSON), named as OpenInference does.

A run is a trace: an AGENT span, and under it ToolRAG as a RETRIEVER, the
planner and the writers as LLM, every call as a TOOL.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tinyagent.traces.cells import Cell, cells
from tinyagent.traces.declared import tools_of
from tinyagent.traces.rows import Trace

_OK, _ERROR = 1, 2
_INTERNAL = 1
_KINDS = {"tools": "RETRIEVER", "plan": "LLM", "text": "LLM", "call": "TOOL"}


def spans(traces: Iterable[Trace], target: Path) -> int:
    """Write an ``ExportTraceServiceRequest`` for each run, one a line, as OTLP's files are."""
    written = 0
    with target.open("w", encoding="utf-8") as out:
        for trace in traces:
            out.write(json.dumps(_request(trace), ensure_ascii=False) + "\n")
            written += 1
    return written


def _request(trace: Trace) -> dict[str, Any]:
    versions = {f"tinyagent.version.{k}": v for k, v in trace["versions"].items()}
    resource = {"service.name": "tinyagent", "openinference.project.name": "tinyagent"} | versions
    scope = {"name": "tinyagent", "version": trace["versions"].get("tinyagent", "")}
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": _attributes(resource)},
                "scopeSpans": [{"scope": scope, "spans": [_run(trace), *_steps(trace)]}],
            }
        ]
    }


def _run(trace: Trace) -> dict[str, Any]:
    label = {"verdict": trace["label"], "status": trace["status"], "source": trace["source"]}
    attributes = {
        "openinference.span.kind": "AGENT",
        "input.value": trace["request"],
        "input.mime_type": "text/plain",
        "output.value": trace["answer"] or "",
        "output.mime_type": "text/plain",
        "metadata": json.dumps(label),
        "tag.tags": [trace["label"]] if trace["label"] else [],
    }
    ended = trace["seconds"] if trace["seconds"] is not None else _last(trace)
    return _span(trace, 0, "run", (0.0, ended), attributes, trace["error"])


def _last(trace: Trace) -> float:
    return max((cell.start + (cell.seconds or 0.0) for cell in cells(trace)), default=0.0)


def _steps(trace: Trace) -> list[dict[str, Any]]:
    found = []
    prompt: Cell | None = None
    for number, cell in enumerate(cells(trace), 1):
        if cell.kind == "prompt":
            prompt = cell
        if cell.kind not in _KINDS or (cell.kind == "plan" and cell.seconds is None):
            continue
        attributes = {"openinference.span.kind": _KINDS[cell.kind]} | _told(trace, cell, prompt)
        start = prompt.start if cell.kind == "plan" and prompt else cell.start
        end = cell.start + (cell.seconds or 0.0)
        wrong = cell.output if cell.state == "failed" else None
        found.append(_span(trace, number, _name(cell), (start, end), attributes, wrong))
    return found


def _name(cell: Cell) -> str:
    if cell.kind == "call":
        return _tool(cell)
    return {"tools": "toolrag", "plan": "planner", "text": "writer"}[cell.kind]


def _tool(cell: Cell) -> str:
    return cell.title.partition(". ")[2].partition("(")[0]


def _told(trace: Trace, cell: Cell, prompt: Cell | None) -> dict[str, Any]:
    if cell.kind == "tools":
        told: dict[str, Any] = {"input.value": trace["request"], "input.mime_type": "text/plain"}
        for place, (tool, probability) in enumerate(cell.values.items()):
            told[f"retrieval.documents.{place}.document.id"] = tool
            told[f"retrieval.documents.{place}.document.score"] = float(probability)
        return told
    if cell.kind == "call":
        name = _tool(cell)
        tools = tools_of(trace)
        described = tools[name].description if name in tools else ""
        return {
            "tool.name": name,
            "tool.description": described,
            "input.value": cell.input,
            "input.mime_type": "application/json",
            "output.value": cell.output,
            "output.mime_type": "text/plain",
        }
    given = prompt.input if cell.kind == "plan" and prompt else trace["request"]
    told = {
        "llm.model_name": trace["model"] if cell.kind == "plan" else "base",
        "input.value": given,
        "input.mime_type": "text/plain",
        "output.value": cell.output,
        "output.mime_type": "text/plain",
        "llm.input_messages.0.message.role": "user",
        "llm.input_messages.0.message.content": given,
        "llm.output_messages.0.message.role": "assistant",
        "llm.output_messages.0.message.content": cell.output,
    }
    if cell.kind == "plan" and prompt:
        asked, wrote = int(prompt.values["prompt tokens"]), int(cell.values["plan tokens"])
        told |= {
            "llm.token_count.prompt": asked,
            "llm.token_count.completion": wrote,
            "llm.token_count.total": asked + wrote,
        }
    return told


def _span(
    trace: Trace,
    number: int,
    name: str,
    lasts: tuple[float, float],
    attributes: Mapping[str, Any],
    error: str | None,
) -> dict[str, Any]:
    own = {
        "traceId": _id(trace["id"], 32),
        "spanId": _id(f"{trace['id']}/{number}", 16),
        "name": name,
        "kind": _INTERNAL,
        "startTimeUnixNano": _nanoseconds(trace["started"], lasts[0]),
        "endTimeUnixNano": _nanoseconds(trace["started"], lasts[1]),
        "attributes": _attributes(attributes),
        "status": {"code": _ERROR, "message": error} if error else {"code": _OK},
    }
    return own | ({"parentSpanId": _id(f"{trace['id']}/0", 16)} if number else {})


def _id(text: str, digits: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:digits]


def _nanoseconds(began: str, after: float) -> str:
    """Text, as OTLP's JSON has it: a double would not hold it."""
    at = datetime.fromisoformat(began).astimezone() + timedelta(seconds=after)
    return str(round(at.timestamp() * 1e6) * 1000)


def _attributes(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in values.items()]


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [_value(item) for item in value]}}
    return {"stringValue": str(value)}
