"""The page: its layout, and what happens at which event.

The browser holds one thing, the ids of the conversation's runs. All that is
shown of a run is drawn from its ``RunState``, so that a reload shows the same.
An event of Gradio's ends when a run waits for the person, and another begins
with the answer; none is held open over an approval.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import gradio as gr

from tinyagent.agent import TinyAgent
from tinyagent.errors import TinyAgentError, TraceError
from tinyagent.runs.state import RunState
from ui.actions import actions
from ui.api import add_api
from ui.approvals import approvals, revoke
from ui.bars import bars
from ui.conversation import earlier, problem, turn, welcome
from ui.graph import graph
from ui.icons import icon
from ui.models_page import add_models_page
from ui.plan import plan
from ui.results import results, timings
from ui.server import ASSETS, HOST, app_options
from ui.traces_page import add_traces_page
from ui.voice import Heard, Voice, marks, microphone, reading, without

TITLE = "TinyAgent"
HOME = "Assistant"
"""The first page's name in the bar."""
PAUSE = 0.04
"""Seconds between two updates of the page: events come faster while a plan is written."""
LONG = 0.4
"""Seconds from which a recording that is being written down says so."""

_SCRIPTS = '<script src="/ui/page.js"></script>'
_VOICE_SCRIPTS = '<script src="/ui/voice.js"></script>'
_GRAPH_SCRIPTS = f'{_SCRIPTS}<script src="/ui/vis-network.js"></script>'
_READ_SESSION = """async () => {
    while (!window.tinyagent) await new Promise((again) => setTimeout(again, 10));
    return [window.tinyagent.session()];
}"""
_KEEP_SESSION = "(runs) => window.tinyagent.remember(runs)"

Updates = AsyncIterator[dict[gr.components.Component, Any]]
"""New values of some of the page's parts."""


class Page:
    """The page of one agent; ``blocks`` is what Gradio serves."""

    def __init__(self, agent: TinyAgent) -> None:
        self._agent = agent
        self.voice = Voice(agent)
        with gr.Blocks(title=TITLE, analytics_enabled=False) as self.blocks:
            gr.Navbar(main_page_name=HOME)
            self._lay_out()
            self._wire()
            add_api(agent)
        add_traces_page(self.blocks, agent, HOME)
        add_models_page(self.blocks, agent, HOME)
        with self.blocks.route("Approvals", "/approvals"):
            gr.Navbar(main_page_name=HOME)
            gr.HTML("<h1>Approvals</h1>", elem_classes="heading", apply_default_css=False)

            def revoke_one(form: dict[str, Any]) -> dict[str, Any]:
                return revoke(self._agent, form)

            remembered = gr.HTML(
                elem_classes="panel",
                apply_default_css=False,
                head=_SCRIPTS,
                js_on_load="tinyagent.approvals(element, server)",
                server_functions=[revoke_one],
            )
            quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
            self.blocks.load(lambda: approvals(self._agent), None, remembered, **quiet)
        self.blocks.queue(default_concurrency_limit=None)

    def _lay_out(self) -> None:
        backend = self._agent.settings.backend
        self._session = gr.JSON([], visible=False)
        with gr.Row(elem_classes="columns"):
            with gr.Column(scale=5, min_width=340, elem_classes="conversation"):
                gr.HTML(_heading(backend), elem_classes="heading", apply_default_css=False)
                self._earlier = gr.HTML(apply_default_css=False, elem_classes="earlier-turns")
                self._turn = gr.HTML(
                    welcome(),
                    apply_default_css=False,
                    elem_classes="current",
                    head=_SCRIPTS,
                    js_on_load=(
                        "tinyagent.turn(element, server, () => trigger('follow'), "
                        "(text) => trigger('example', {text}), () => trigger('undo'))"
                    ),
                    server_functions=actions(self._agent),
                )
                self._box = gr.Textbox(
                    placeholder="Ask for something…",
                    label="Your request",
                    show_label=False,
                    container=False,
                    lines=1,
                    max_lines=6,
                    submit_btn="Send",
                    autofocus=True,
                    elem_classes="request",
                )
                self._lay_out_voice()
            with gr.Column(scale=7, min_width=340, elem_classes="workings"):
                with gr.Row(elem_classes="columns"):
                    with gr.Column(scale=5, min_width=300):
                        self._bars = _panel("Tools", bars(RunState()))
                    with gr.Column(scale=6, min_width=320):
                        self._plan = _panel("Plan", plan(RunState()))
                        self._results = _panel("Results", results(RunState()))
                gr.HTML("<h2>Graph</h2>", elem_classes="panel-title", apply_default_css=False)
                self._graph = gr.HTML(
                    graph(RunState()),
                    html_template=_GRAPH,
                    elem_classes="panel",
                    apply_default_css=False,
                    head=_GRAPH_SCRIPTS,
                    js_on_load="tinyagent.graph(element, props, watch)",
                )
                self._timings = gr.HTML(apply_default_css=False)

    def _lay_out_voice(self) -> None:
        self._heard = gr.State(None)
        with gr.Row(elem_classes="voice"):
            self._microphone = gr.HTML(
                microphone(self._agent.settings.hands_free),
                apply_default_css=False,
                elem_classes="microphone",
                head=_VOICE_SCRIPTS,
                js_on_load="tinyagentVoice(element, (token) => trigger('heard', {token}))",
            )
            self._file = gr.UploadButton(
                "From a file",
                # Of any type: WebM is video by its name, and what is no recording gets a message
                # that says what is. Of a filtered file Gradio's page says nothing at all.
                size="sm",
                elem_classes="from-file",
                scale=0,
            )
        self._marks = gr.HTML(
            apply_default_css=False,
            elem_classes="marks",
            js_on_load=(
                "element.addEventListener('click', (event) => { "
                "const chip = event.target.closest('[data-take-back]'); "
                "if (chip) trigger('take_back', {index: Number(chip.dataset.takeBack)}); })"
            ),
        )

    def _wire(self) -> None:
        parts = [
            self._session,
            self._earlier,
            self._turn,
            self._box,
            self._bars,
            self._plan,
            self._results,
            self._graph,
            self._timings,
            self._heard,
            self._marks,
        ]
        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        shown = [self._session]
        self.blocks.load(self._open, shown, parts, js=_READ_SESSION, **quiet)
        self._session.change(None, shown, None, js=_KEEP_SESSION, api_visibility="private")
        self._box.submit(self._ask, [self._box, self._session, self._heard], parts, **quiet)
        self._turn.example(self._ask_example, shown, parts, **quiet)
        self._turn.follow(self._follow_newest, shown, parts, **quiet)
        typed = [self._box, self._session]
        self._microphone.heard(self._take_heard, typed, parts, **quiet)
        self._file.upload(self._read_file, [self._file, *typed], parts, **quiet)
        spoken = [self._box, self._heard, self._marks]
        self._marks.take_back(self._take_back, [self._box, self._heard], spoken, **quiet)
        self._turn.undo(self._undo_newest, shown, parts, **quiet)

    async def _open(self, session: list[str] | None) -> Updates:
        """The page is loaded: show the conversation that its tab was at."""
        session = session or []
        if not session:
            yield {self._earlier: ""}  # a generator without a value would blank every part
            return
        states = [state for run in session[:-1] if (state := await self._state(run))]
        yield {self._session: session, self._earlier: earlier(states)}
        async for update in self._follow(session[-1]):
            yield update

    async def _ask(
        self, request: str, session: list[str] | None, heard: Heard | None = None
    ) -> Updates:
        """A person asked for something; ``heard`` is what was said, where it was spoken."""
        session = session or []
        states = [state for run in session if (state := await self._state(run))]
        run = await asyncio.to_thread(self._agent.start, request, source="page")
        problem = await asyncio.to_thread(self._keep, run, heard, request)
        yield {
            self._session: [*session, run],
            self._earlier: earlier(states),
            self._box: "",
            self._heard: None,
            self._marks: marks(None, problem),
        }
        async for update in self._follow(run):
            yield update

    async def _ask_example(self, session: list[str] | None, event: gr.EventData) -> Updates:
        async for update in self._ask(event.text, session):
            yield update

    async def _take_heard(
        self, typed: str, session: list[str] | None, event: gr.EventData
    ) -> Updates:
        async for update in self._hear(lambda: self.voice.take(event.token), typed, session):
            yield update

    async def _read_file(self, file: str, typed: str, session: list[str] | None) -> Updates:
        async for update in self._hear(lambda: self.voice.read(Path(file)), typed, session):
            yield update

    async def _hear(
        self, listen: Callable[[], Heard], typed: str, session: list[str] | None
    ) -> Updates:
        """A request was spoken: into the box with it, or off at once."""
        listening = asyncio.create_task(asyncio.to_thread(listen))
        while not (await asyncio.wait({listening}, timeout=LONG))[0]:
            yield {self._marks: reading(self.voice.doing)}
        try:
            heard = listening.result()
        except TinyAgentError as error:
            yield {self._marks: marks(None, str(error))}
            return
        request = f"{typed.strip()} {heard.transcript.text}".strip()
        if self._agent.settings.send_spoken:
            async for update in self._ask(request, session, heard):
                yield update
        else:
            yield {self._box: request, self._heard: heard, self._marks: marks(heard)}

    def _take_back(
        self, typed: str, heard: Heard | None, event: gr.EventData
    ) -> dict[gr.components.Component, Any]:
        """A changed name is to be as it was heard."""
        if heard is None:
            return {self._marks: ""}
        left, text = without(heard, event.index, typed)
        return {self._box: text, self._heard: left, self._marks: marks(left)}

    def _keep(self, run: str, heard: Heard | None, request: str) -> str:
        """Keep what was said with its run; why it could not be kept, or ""."""
        try:
            if heard is not None:
                self.voice.keep(run, heard, request)
        except TraceError as error:
            return str(error)
        return ""

    async def _undo_newest(self, session: list[str] | None) -> Updates:
        """The person takes back what the newest run changed: that is a run of its own."""
        if not session:
            return
        try:
            run = await asyncio.to_thread(self._agent.undo, session[-1], "page")
        except TraceError as error:
            yield {self._turn: problem(str(error))}
            return
        states = [state for known in session if (state := await self._state(known))]
        yield {self._session: [*session, run], self._earlier: earlier(states)}
        async for update in self._follow(run):
            yield update

    async def _follow_newest(self, session: list[str] | None) -> Updates:
        if session:
            async for update in self._follow(session[-1]):
                yield update

    async def _follow(self, run: str) -> Updates:
        """Draw a run as it goes on, until it waits for the person or is over."""
        seen = 0
        before: dict[gr.components.Component, Any] = {}
        try:
            async with aclosing(self._agent.events(run)) as happened:
                async for event in happened:
                    if event.seq <= seen:
                        continue
                    state = await asyncio.to_thread(self._agent.state, run)
                    seen = state.seq
                    drawn = self._draw(state)
                    yield {part: new for part, new in drawn.items() if before.get(part) != new}
                    before = drawn
                    if state.rests:
                        break
                    await asyncio.sleep(PAUSE)
            state = await asyncio.to_thread(self._agent.state, run)
        except TraceError as error:
            yield {self._turn: problem(str(error))}
            return
        if not state.over and run not in self._agent.pending():
            yield {self._turn: turn(state, interrupted=True)}

    def _draw(self, state: RunState) -> dict[gr.components.Component, Any]:
        return {
            self._turn: turn(state),
            self._bars: _titled("Tools", bars(state)),
            self._plan: _titled("Plan", plan(state)),
            self._results: _titled("Results", results(state)),
            self._graph: graph(state),
            self._timings: timings(state),
        }

    async def _state(self, run: str) -> RunState | None:
        """The state of a run of the session; None where its trace is gone."""
        try:
            return await asyncio.to_thread(self._agent.state, run)
        except TraceError:
            return None


def launch(agent: TinyAgent, port: int, host: str = HOST, password: str = "") -> gr.Blocks:
    """Serve the agent's page, in threads of its own; ``password`` is asked for, if there is one.

    Raises:
        OSError: the port is in use.
    """
    page = Page(agent)
    page.blocks.launch(
        server_name=host,
        server_port=port,
        app_kwargs=app_options(agent, page.voice, host, password),
        theme=_theme(),
        css_paths=[ASSETS / name for name in ("page.css", "traces.css", "models.css")],
        favicon_path=ASSETS / "icon.svg",
        footer_links=[],
        run_history=False,
        share=False,
        ssr_mode=False,
        pwa=False,
        enable_monitoring=False,
        mcp_server=False,
        prevent_thread_lock=True,
        quiet=True,
        # Gradio asks its own server once more, and gives up after 3 s: on a busy machine the page
        # would not come. It has answered by then.
        _frontend=False,
    )
    return page.blocks


def _theme() -> gr.themes.Base:
    """Gradio's own parts in the page's colours, in fonts that the computer has."""
    sans = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif")
    mono = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")
    return gr.themes.Base(
        primary_hue=gr.themes.colors.teal,
        neutral_hue=gr.themes.colors.slate,
        font=sans,
        font_mono=mono,
    ).set(
        body_background_fill="#f6f7f8",
        body_background_fill_dark="#12161b",
        # --muted of page.css: Gradio's own grey has a contrast of 2.6 to 1
        body_text_color_subdued="#5d6b78",
        body_text_color_subdued_dark="#9aa7b4",
        input_placeholder_color="#5d6b78",
        input_placeholder_color_dark="#9aa7b4",
        block_border_width="0px",
        input_radius="10px",
    )


def _panel(title: str, content: str) -> gr.HTML:
    return gr.HTML(_titled(title, content), elem_classes="panel", apply_default_css=False)


def _titled(title: str, content: str) -> str:
    return f"<h2>{title}</h2>{content}"


def _heading(backend: str) -> str:
    place = "in a workspace folder" if backend == "workspace" else "on this Mac"
    return (
        f"<h1>{TITLE}</h1><p>On this computer only, acting {place}</p>"
        f'<button type="button" class="quiet" data-new>{icon("plus")}New</button>'
    )


_GRAPH = (
    '<div class="graph" role="img" aria-label="The plan as a graph; the plan above says the same '
    'in words"></div><p class="empty graph-empty">What waits for what, drawn as the plan grows.</p>'
)
