"""A run as a notebook: a cell a step, and a waterfall of when each began and how long it took."""

from __future__ import annotations

from html import escape
from shlex import quote as shell_quote
from urllib.parse import quote

from tinyagent.traces.cells import Cell, cells
from tinyagent.traces.rows import Trace

_FOLDED = ("prompt",)


def notebook(trace: Trace) -> str:
    """The run as markup."""
    steps = cells(trace)
    length = max((c.start + (c.seconds or 0.0) for c in steps), default=0.0) or 1.0
    body = "".join(_cell(n, cell, length) for n, cell in enumerate(steps, 1))
    run = quote(trace["id"])
    took = "" if trace["seconds"] is None else f" · {trace['seconds']:.1f} s"
    model = f" · {escape(trace['model'])}" if trace["model"] else ""
    command = f"tinyagent ask {shell_quote(trace['request'])} --now {trace['now']}"
    return (
        f'<article class="notebook" data-trace="{escape(trace["id"])}">'
        '<p><a href="/traces">All runs</a></p>'
        f'<p class="caption">{escape(trace["started"][:19].replace("T", " "))}'
        f" · {escape(trace['status'])}{took}{model} · from {escape(trace['source'])} · "
        f'<a href="/?run={run}">as a conversation</a> · '
        f'<a href="/trace/{run}.json" target="_blank">JSON</a></p>'
        f"{_recording(trace)}{body}{_labels(trace)}"
        f'<p class="caption">Again: <code>{escape(command)}</code></p></article>'
    )


def _recording(trace: Trace) -> str:
    """To listen to, for a run that was spoken."""
    recording = trace["recording"]
    if recording is None:
        return ""
    return (
        '<div class="recording"><audio controls preload="none" aria-label="What was said" '
        f'src="/trace/{quote(trace["id"])}.wav"></audio>'
        f'<p class="caption">said: {escape(recording["said"])}</p></div>'
    )


def _cell(number: int, cell: Cell, length: float) -> str:
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
        f'<span class="waterfall" aria-hidden="true">{bar}</span></summary>{_body(cell)}</details>'
    )


def _body(cell: Cell) -> str:
    if cell.kind == "tools":
        picked = set(cell.output.split("\n"))
        rows = "".join(
            f'<li class="bar{" picked" if tool in picked else ""}" data-tool="{escape(tool)}">'
            f'<span class="name">{escape(tool)}</span><span class="track"><span class="fill" '
            f'style="width: {p:.1%}"></span></span><span class="value">{p:.2f}</span></li>'
            for tool, p in cell.values.items()
        )
        return f'<ol class="bars">{rows}</ol>'
    counts = " · ".join(f"{name}: {value:g}" for name, value in cell.values.items())
    caption = f'<p class="caption">{escape(counts)}</p>' if counts else ""
    output = _difference(cell.output) if cell.kind == "approval" else escape(cell.output)
    parts = [f'<pre class="in">{escape(cell.input)}</pre>'] if cell.input else []
    parts += [f'<pre class="out">{output}</pre>'] if output else []
    return caption + "".join(parts)


def _difference(text: str) -> str:
    marks = {"+ ": "ins", "- ": "del"}
    lines = []
    for line in text.split("\n"):
        tag = marks.get(line[:2])
        lines.append(f"<{tag}>{escape(line)}</{tag}>" if tag else escape(line))
    return "\n".join(lines)


def _labels(trace: Trace) -> str:
    rows = []
    for label in reversed(trace["labels"]):
        said = label["verdict"] or "taken back"
        reasons = f" ({', '.join(label['reasons'])})" if label["reasons"] else ""
        plan = f'<pre class="out">{escape(label["plan"])}</pre>' if label["plan"] else ""
        when = f"{label['at'][:16].replace('T', ' ')}, {label['source']}: "
        rows.append(f"<li>{escape(when + said + reasons)} {escape(label['note'])}{plan}</li>")
    return f'<h2>Labels</h2><ol class="labels">{"".join(rows)}</ol>' if rows else ""
