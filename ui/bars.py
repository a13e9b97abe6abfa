"""ToolRAG's probabilities as bars, the threshold across them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from html import escape

from tinyagent.runs.state import RunState
from ui.icons import icon

_METHODS = {
    "classifier": "trained classifier",
    "basic": "nearest examples",
    "all": "all tools offered",
    "given": "those of the plan that was given",
}


def bars(state: RunState) -> str:
    """Every tool, the likeliest first, as markup."""
    selection = state.selection
    if selection is None:
        waits = bool(state.run) and not state.over
        text = "Picking the tools…" if waits else "How likely each tool is needed."
        return f'<p class="empty">{text}</p>'
    picked, line = set(selection.tools), selection.threshold
    method = _METHODS.get(selection.method, selection.method)
    limit = "" if line is None else f", offered from {line:.2f}"
    caption = f"{len(picked)} of {len(selection.probabilities)} picked · {method}{limit}"
    drawn = tool_bars(selection.probabilities, picked, line)
    return f'<p class="caption">{escape(caption)}</p>{drawn}'


def tool_bars(
    probabilities: Mapping[str, float], picked: Collection[str], threshold: float | None
) -> str:
    """A bar a tool, the likeliest first, and the threshold across them where there is one."""
    ranked = sorted(probabilities.items(), key=lambda item: -item[1])
    rows = "".join(_bar(tool, p, tool in picked) for tool, p in ranked)
    drawn = "" if threshold is None else f' style="--threshold: {threshold:.0%}"'
    kind = "bars" if threshold is None else "bars with-threshold"
    return f'<ol class="{kind}"{drawn}>{rows}</ol>'


def _bar(tool: str, probability: float, picked: bool) -> str:
    label = f'{icon("done")}<span class="hidden-label">picked</span>'
    mark = f'<span class="pick" title="picked">{label}</span>' if picked else ""
    return (
        f'<li class="bar{" picked" if picked else ""}" data-tool="{escape(tool)}">'
        f'<span class="name">{escape(tool)}</span>'
        f'<span class="track"><span class="fill" style="width: {probability:.1%}"></span></span>'
        f'<span class="value">{probability:.2f}</span>{mark}</li>'
    )
