"""The Models page: versions to switch between, and retraining, which goes on beside the app."""

from __future__ import annotations

import gradio as gr

from tinyagent.agent import TinyAgent
from ui.model_actions import model_actions

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
