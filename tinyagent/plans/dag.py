"""A plan's DAG, and when two plans have the same one.

The success rate of the TinyAgent study: a plan is right where its DAG is
isomorphic, tool names kept, to that of an accepted plan.
"""

from __future__ import annotations

from collections.abc import Iterator

import networkx as nx
from networkx.algorithms.isomorphism import DiGraphMatcher

from tinyagent.plans.syntax import Plan


def dag(plan: Plan) -> nx.DiGraph:
    """A node for each task (attribute ``tool``), an edge i -> j where j uses ``$i``."""
    graph = nx.DiGraph()
    for call in plan:
        graph.add_node(call.number, tool=call.tool)
    for call in plan:
        graph.add_edges_from((k, call.number) for k in call.references())
    return graph


def mappings(plan: Plan, other: Plan) -> Iterator[dict[int, int]]:
    """Every way to map the tasks of ``plan`` on those of ``other`` that keeps tools and edges.

    A plan that uses the result of a task that it does not have maps on none.
    """
    ours, theirs = dag(plan), dag(other)
    if len(ours) != len(plan.calls) or len(theirs) != len(other.calls):
        return
    if len(ours) != len(theirs) or ours.size() != theirs.size():
        return  # the matcher counts neither, and would map a part on the whole
    matcher = DiGraphMatcher(ours, theirs, node_match=lambda a, b: a["tool"] == b["tool"])
    yield from matcher.isomorphisms_iter()


def isomorphic(plan: Plan, other: Plan) -> bool:
    """Whether the two plans have the same DAG, tool names kept."""
    return next(mappings(plan, other), None) is not None
