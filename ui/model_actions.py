"""What the Models page in the browser calls; each answers at once, or says what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from tinyagent.agent import TinyAgent
from tinyagent.errors import TinyAgentError
from tinyagent.retrain import job as jobs
from tinyagent.retrain.data import labels
from tinyagent.traces.store import TraceStore
from tinyagent.versions import Part, Versions
from ui.models import job_view, retrain_form, versions_view

Form = dict[str, Any]
"""What the browser sends."""


def model_actions(agent: TinyAgent) -> list[Callable[[Form], Any]]:
    """The functions that ``assets/models.js`` calls by name."""
    settings = agent.settings

    def look(form: Form) -> Form:
        """The page's parts as they are now; ``form`` only where it is asked for."""
        newest = next(iter(jobs.jobs(settings)), None)
        found = {
            "job": job_view(newest),
            "versions": versions_view(Versions(settings)),
            "running": bool(newest and newest.state.status == "running"),
        }
        if form["form"]:
            found["form"] = retrain_form(labels(TraceStore(agent.traces.path)))
        return found

    def retrain(form: Form) -> Form:
        """Begin a retraining."""
        parts: tuple[Part, ...] = ("toolrag", "planner") if form["planner"] else ("toolrag",)
        try:
            asked = jobs.Asked(
                parts,
                rows=int(form["rows"]),
                fixed=int(form["fixed"]),
                minutes=float(form["minutes"]),
                promote=bool(form["promote"]),
            )
            jobs.begin(settings, asked)
        except (TinyAgentError, ValueError) as error:
            return {"error": str(error)}
        return {}

    def end(form: Form) -> Form:
        """Cancel the retraining that runs."""
        for job in jobs.jobs(settings):
            jobs.cancel(job)
        return {}

    def go_on(form: Form) -> Form:
        """Go on with the newest one."""
        try:
            jobs.resume(jobs.jobs(settings)[0])
        except TinyAgentError as error:
            return {"error": str(error)}
        return {}

    def use(form: Form) -> Form:
        """Put a version in use; the next request takes it."""
        try:
            Versions(settings).use(form["part"], form["version"], "by hand", datetime.now())
        except TinyAgentError as error:
            return {"error": str(error)}
        return {}

    return [look, retrain, end, go_on, use]
