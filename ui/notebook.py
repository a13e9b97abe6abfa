"""A run as a notebook: a cell a step, and a waterfall of when each began and how long it took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from shlex import quote as shell_quote
from urllib.parse import quote

from tinyagent.runs.state import RunState
from tinyagent.traces.cells import Cell, cells, difference
from tinyagent.traces.labels import final_plan
from tinyagent.traces.rows import Trace
from ui.bars import tool_bars
from ui.graph import graph

_FOLDED = ("prompt",)
_ENDS = ("answer", "interrupted")
_LIKELY = 0.1
"""Tools that are less likely are not named."""


@dataclass(frozen=True)
class Shown:
    """A run, as it is drawn.

    Attributes:
        trace: all that the log has of it.
        state: what its events fold into, for the DAG.
        spoken: its recording was kept.
    """

    trace: Trace
    state: RunState
    spoken: bool = False


def notebook(run: Shown, label_form: str = "", actions: bool = True) -> str:
    """The run as markup.

    Args:
        run: what to draw.
        label_form: stands beside the cells; "" for none.
        actions: its cells can be done again.
    """
    trace = run.trace
    steps = cells(trace)
    length = max((c.start + (c.seconds or 0.0) for c in steps), default=0.0) or 1.0
    parts = [_cell(n, cell, length, run, actions) for n, cell in enumerate(steps, 1)]
    if run.state.tasks:
        at = next((n for n, cell in enumerate(steps) if cell.kind in _ENDS), len(steps))
        parts.insert(at, _dag_cell(run.state))
    form = f'<aside class="label-side"><h2>Label</h2>{label_form}</aside>' if label_form else ""
    return (
        f'<article class="notebook" data-trace="{escape(trace["id"])}">{_head(trace)}'
        f'<div class="sides"><div class="cells">{"".join(parts)}{_labels(trace)}</div>{form}</div>'
        "</article>"
    )


def beside(first: Shown, second: Shown) -> str:
    """Two runs side by side, and above them where their plans differ."""
    plans = [final_plan(run.trace) for run in (first, second)]
    changed = plans[0] != plans[1]
    told = _difference(difference(*plans)) if changed else escape(plans[0])
    title = "From the left plan to the right one" if changed else "Both plans are the same"
    return (
        f'<section class="notebook plans"><h2>{title}</h2><pre class="out">{told}</pre></section>'
        f'<div class="beside">{notebook(first, actions=False)}{notebook(second, actions=False)}'
        "</div>"
    )


def _head(trace: Trace) -> str:
    run = quote(trace["id"])
    took = "" if trace["seconds"] is None else f" · {trace['seconds']:.1f} s"
    model = f" · {escape(trace['model'])}" if trace["model"] else ""
    return (
        f'<p class="caption">{escape(trace["started"][:19].replace("T", " "))}'
        f" · {escape(trace['status'])}{took}{model} · from {escape(trace['source'])} · "
        f'<a href="/?run={run}">as a conversation</a> · '
        f'<a href="/trace/{run}.json" target="_blank">JSON</a> · '
        f'<a href="/export?format=notebook&amp;id={run}">Jupyter</a></p>'
    )


def _cell(number: int, cell: Cell, length: float, run: Shown, actions: bool) -> str:
    took = "" if cell.seconds is None else f" · {cell.seconds:.3f} s"
    state = f'<span class="pill {escape(cell.state)}">{escape(cell.state)}</span>'
    left, width = cell.start / length, max((cell.seconds or 0.0) / length, 0.003)
    bar = f'<i style="left: {min(left, 0.997):.1%}; width: {width:.1%}"></i>'
    shown = "" if cell.kind in _FOLDED else " open"
    return (
        f'<details class="cell" data-cell="{cell.kind}"{shown}>'
        f'<summary><span class="number">[{number}]</span><span class="title">'
        f"{escape(cell.title)}</span>{state if cell.state else ''}"
        f'<span class="took">at {cell.start:.3f} s{took}</span>'
        f'<span class="waterfall" aria-hidden="true">{bar}</span></summary>'
        f"{_body(cell, run, actions)}{_actions(cell, run.trace) if actions else ''}</details>"
    )


def _body(cell: Cell, run: Shown, actions: bool) -> str:
    if cell.kind == "tools":
        return tool_bars(cell.values, set(cell.output.split("\n")), run.trace["threshold"])
    counts = " · ".join(f"{name}: {value:g}" for name, value in cell.values.items())
    caption = f'<p class="caption">{escape(counts)}</p>' if counts else ""
    output = _difference(cell.output) if cell.kind == "approval" else escape(cell.output)
    parts = [f'<pre class="in">{escape(cell.input)}</pre>'] if cell.input else []
    parts += [f'<pre class="out">{output}</pre>'] if output else []
    if cell.kind == "request" and run.spoken:
        parts.append(_recording(run.trace, actions))
    return caption + "".join(parts)


def _recording(trace: Trace, actions: bool) -> str:
    """What was said, to be listened to, and its words, to be corrected."""
    source = f"/audio/{quote(trace['id'])}.wav"
    player = f'<audio controls preload="none" src="{source}">What was said</audio>'
    recording = trace["recording"]
    if not recording:
        return player
    said = escape(recording["said"])
    if not actions:
        return f'{player}<p class="caption">said: {said}</p>'
    return (
        f'{player}<form class="words" data-words="{escape(trace["id"])}"><label>What is said '
        f'<input type="text" name="words" value="{said}" autocomplete="off" required></label>'
        '<button type="submit">Correct</button><span class="told" role="status"></span></form>'
    )


def _dag_cell(state: RunState) -> str:
    return (
        '<details class="cell" data-cell="dag" open><summary>'
        '<span class="title">Graph, with the state that each call came to</span></summary>'
        f'<div class="drawn" data-graph="{escape(graph(state))}"><div class="graph"></div></div>'
        "</details>"
    )


def _actions(cell: Cell, trace: Trace) -> str:
    """What can be done again from a cell; whatever runs is first shown for approval."""
    if cell.kind == "request":
        command = f"tinyagent ask {shell_quote(trace['request'])} --now {trace['now']}"
        buttons = [
            '<button type="button" data-again="ask">Ask again</button>',
            f'<button type="button" data-copy="{escape(command)}">Copy as command</button>',
        ]
    elif cell.kind == "tools":
        buttons = [
            '<button type="button" data-again="plan">Plan again with today’s models</button>'
        ]
    elif (plan := _plan_of(cell)) and not plan.startswith("1. join"):
        buttons = [
            f'<button type="button" data-again="run" data-plan="{escape(plan)}">'
            "Run this plan</button>"
        ]
    else:
        return ""
    return f'<p class="again-from">{"".join(buttons)}<span class="told" role="status"></span></p>'


def _plan_of(cell: Cell) -> str:
    """The plan of a cell, of an approval the one that was approved; "" where it has none."""
    if cell.kind != "approval":
        return cell.output if cell.kind == "plan" else ""
    lines = cell.output.split("\n")
    return "\n".join(line[2:] for line in lines if not line.startswith("- "))


def _difference(text: str) -> str:
    marks = {"+ ": "ins", "- ": "del"}
    lines: list[str] = []
    for line in text.split("\n"):
        tag = marks.get(line[:2])
        lines.append(f"<{tag}>{escape(line)}</{tag}>" if tag else escape(line))
    return "\n".join(lines)


def planned_again(trace: Trace, plan: str, probabilities: Mapping[str, float]) -> str:
    """Today's plan and probabilities for a run's request, beside what it came to then."""
    then = final_plan(trace)
    likely = sorted(probabilities.items(), key=lambda item: -item[1])
    shown = [f"{tool} {p:.2f}" for tool, p in likely if p >= _LIKELY]
    tools = f'<p class="caption">{escape(", ".join(shown) or "no tool is likely")}</p>'
    if plan == then:
        return f'{tools}<p class="caption">The plan is the same today.</p>'
    return f'{tools}<pre class="out">{_difference(difference(then, plan))}</pre>'


def _labels(trace: Trace) -> str:
    rows = []
    for label in reversed(trace["labels"]):
        said = label["verdict"] or "taken back"
        reasons = f" ({', '.join(label['reasons'])})" if label["reasons"] else ""
        plan = f'<pre class="out">{escape(label["plan"])}</pre>' if label["plan"] else ""
        when = f"{label['at'][:16].replace('T', ' ')}, {label['source']}: "
        rows.append(f"<li>{escape(when + said + reasons)} {escape(label['note'])}{plan}</li>")
    return f'<h2>Labels</h2><ol class="labels">{"".join(rows)}</ol>' if rows else ""
