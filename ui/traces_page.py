"""The Traces page: an empty frame, which the browser fills with what the URL asks for."""

from __future__ import annotations

import gradio as gr

from tinyagent.agent import TinyAgent
from ui.trace_actions import trace_actions

_SCRIPTS = "".join(
    f'<script src="/ui/{name}"></script>' for name in ("page.js", "vis-network.js", "traces.js")
)


def add_traces_page(blocks: gr.Blocks, agent: TinyAgent, home: str) -> None:
    """Add the page under ``/traces``; ``home`` is the first page's name in the bar."""
    with blocks.route("Traces", "/traces"):
        gr.Navbar(main_page_name=home)
        gr.HTML("<h1>Traces</h1>", elem_classes="heading", apply_default_css=False)
        gr.HTML(
            html_template='<div class="view" aria-busy="true"></div>',
            elem_classes="panel traces",
            apply_default_css=False,
            head=_SCRIPTS,
            js_on_load="tinyagentTraces(element, server)",
            server_functions=trace_actions(agent),
        )
