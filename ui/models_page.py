"""The Models page: versions to switch between, and retraining, which goes on beside the app."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import gradio as gr

from tinyagent.agent import TinyAgent
from tinyagent.errors import TinyAgentError
from tinyagent.retrain import job as jobs
from tinyagent.retrain.data import labels
from tinyagent.traces.store import TraceStore
from tinyagent.versions import Part, Versions
from ui.models import job_view, retrain_form, versions_view

Form = dict[str, Any]

_FRAME = (
    '<div class="models-page"><div class="retraining"></div><div class="job-view"></div>'
    '<div class="versions-view"></div></div>'
)


def add_models_page(blocks: gr.Blocks, agent: TinyAgent, home: str) -> None:
    """Add the page under ``/models``; ``home`` is the first page's name in the bar."""
    with blocks.route("Models", "/models"):
        gr.Navbar(main_page_name=home)
        gr.HTML("<h1>Models</h1>", elem_classes="heading", apply_default_css=False)
        gr.HTML(
            html_template=_FRAME,
            elem_classes="panel models",
            apply_default_css=False,
            head='<script src="/ui/models.js"></script>',
            js_on_load="tinyagentModels(element, server)",
            server_functions=model_actions(agent),
        )


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
