"""What the Traces page in the browser calls; each answers at once, or says what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from tinyagent.agent import TinyAgent
from tinyagent.errors import TinyAgentError
from tinyagent.traces.store import TraceStore
from ui.labelling import check, read_label
from ui.notebook import planned_again
from ui.traces import neighbours, run_query, traces

Form = dict[str, Any]
"""What the browser sends."""


def trace_actions(agent: TinyAgent) -> list[Callable[[Form], Any]]:
    """The functions that ``assets/traces.js`` calls by name."""

    def show(form: Form) -> str:
        """The view of a URL, by its ``query``, as markup."""
        return traces(agent, dict(parse_qsl(form["query"].removeprefix("?"))))

    def check_label(form: Form) -> Form:
        """What is wrong with the right ``plan`` that is being typed, and its DAG."""
        try:
            return check(form["plan"], agent.traces.read(form["trace"]), agent.tools)
        except TinyAgentError as error:
            return {"problems": [str(error)], "graph": ""}

    def save_label(form: Form) -> Form:
        """A label was given; ``next`` is the query of what to show then."""
        store = TraceStore(agent.traces.path)
        trace = form["trace"]
        try:
            following = neighbours(store, trace)[1] if form["queue"] else trace
            store.label(read_label(form, store.read(trace)), datetime.now(), agent.tools)
        except TinyAgentError as error:
            return {"error": str(error)}
        if not following:
            return {"next": "?queue=1"}
        return {"next": run_query(following, queue=bool(form["queue"]))}

    def save_words(form: Form) -> Form:
        """What the recording of a run really says: ``words``."""
        try:
            TraceStore(agent.traces.path).said(form["trace"], form["words"].strip())
        except TinyAgentError as error:
            return {"error": str(error)}
        return {}

    def plan_again(form: Form) -> Form:
        """The request of a run is planned with today's models; nothing runs."""
        try:
            trace = agent.traces.read(form["trace"])
            selection, plan = agent.propose(trace["request"], datetime.fromisoformat(trace["now"]))
        except TinyAgentError as error:
            return {"error": str(error)}
        return {"markup": planned_again(trace, str(plan), selection.probabilities)}

    def run_again(form: Form) -> Form:
        """A run's request, or the ``plan`` given, begins anew, and asks for approval of its own."""
        try:
            request = agent.traces.read(form["trace"])["request"]
            run = agent.start(request, source="page", remembered=False, plan=form["plan"])
            return {"run": run}
        except TinyAgentError as error:
            return {"error": str(error)}

    return [show, check_label, save_label, save_words, plan_again, run_again]
