"""The plan's DAG for vis-network: pyvis makes the data, the page updates its drawing in place."""

from __future__ import annotations

import json

from pyvis.network import Network

from tinyagent.runs.state import RunState, TaskState
from tinyagent.tools.registry import ToolSet
from ui.plan import WORDS, unfolded

COLUMN, ROW = 200, 66
"""Pixels between the middles of nodes that follow each other, and that stand abreast."""

_LONGEST_TITLE = 400
_SIGNS = {
    "waiting": "○",
    "running": "●",
    "asking": "?",
    "done": "✓",
    "failed": "✕",
    "skipped": "–",
}
_OPTIONS = {
    "physics": {"enabled": False},
    "interaction": {"hover": True, "tooltipDelay": 80, "zoomView": True, "dragNodes": True},
    "nodes": {
        "shape": "box",
        "margin": 9,
        "borderWidth": 1.5,
        "shapeProperties": {"borderRadius": 7},
        "widthConstraint": {"minimum": 120, "maximum": 160},
    },
    "edges": {
        "smooth": {"type": "cubicBezier", "forceDirection": "horizontal", "roundness": 0.5},
        "arrows": {"to": {"enabled": True, "scaleFactor": 0.6}},
    },
}


def graph(state: RunState) -> str:
    """Nodes, edges and options, as JSON. A node's ``group`` is its state, and gives its colour.

    Text, as Gradio sends what changed in a nested value, and the page then finds parts of it
    missing; text comes whole.
    """
    network = Network(directed=True, layout=None)
    network.set_options(json.dumps(_OPTIONS))
    levels = _levels(state.tasks)
    abreast: dict[int, list[int]] = {}
    for number, level in levels.items():
        abreast.setdefault(level, []).append(number)
    for task in state.tasks:
        row = abreast[levels[task.number]]
        network.add_node(
            task.number,
            label=f"{_SIGNS[task.status]} {task.number}. {task.tool.replace('_', ' ')}",
            shape="box",
            group=task.status,
            title=_title(task, state.tools),
            x=levels[task.number] * COLUMN,
            y=(row.index(task.number) - (len(row) - 1) / 2) * ROW,
        )
    for task in state.tasks:
        for used in task.uses:
            network.add_edge(used, task.number)
    nodes, edges, _, _, _, options = network.get_network_data()
    for edge in edges:
        edge["id"] = f"{edge['from']}-{edge['to']}"
    drawn = {"nodes": nodes, "edges": edges, "options": json.loads(options), "run": state.run}
    return json.dumps(drawn)


def _levels(tasks: tuple[TaskState, ...]) -> dict[int, int]:
    """How many tasks must come before each, at least."""
    levels: dict[int, int] = {}
    for task in tasks:
        levels[task.number] = max((levels[used] + 1 for used in task.uses), default=0)
    return levels


def _title(task: TaskState, tools: ToolSet) -> str:
    """What hovering shows. It is plain text: vis-network never reads it as markup."""
    lines = [f"{task.tool}: {WORDS[task.status]}"]
    for name, value in unfolded(task, tools).items():
        short = value if len(value) <= _LONGEST_TITLE else value[:_LONGEST_TITLE] + " …"
        lines.append(f"{name.replace('_', ' ')}: {short}")
    return "\n".join(lines)
