"""``tinyagent mcp``: other agents hand requests over, and a person still decides.

Two tools. ``plan`` proposes: it looks up, and changes nothing. ``run`` does what
a person approves: the client puts the question to them (elicitation), or they
decide on the page where that is served by the same program (``app.py --mcp``).
A client that can do neither is told so, and nothing is changed.

What it does not promise: that a client asks its person and not its model. A
client is trusted with that as it is trusted with the requests themselves.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import anyio
from mcp.server.mcpserver import Context, MCPServer
from mcp_types import (
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequiredResult,
    ToolAnnotations,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import BaseModel

from tinyagent.agent import TinyAgent
from tinyagent.approval.approval import Decision
from tinyagent.approval.describe import proposed
from tinyagent.approval.visible import visible
from tinyagent.opening import program_version
from tinyagent.runs.report import Call, told, waiting
from tinyagent.runs.state import RunState

INSTRUCTIONS = (
    "TinyAgent acts in the calendar, mail, messages, notes, reminders, files and maps of the "
    "person it belongs to. Hand it one request in plain words, as the person would say it, with "
    "names as they are in the contacts. Nothing that changes something runs before the person "
    "has approved it."
)
_ANSWER = "answer"
_NOBODY = (
    "Nobody can approve this here: the client does not put questions to its person. Nothing was "
    "changed. Use a client with elicitation, or serve TinyAgent with `python app.py --mcp` and "
    "approve on its page."
)


class Proposal(BaseModel):
    """What would be done."""

    run: str
    plan: str
    calls: list[Call]
    answer: str


class Done(BaseModel):
    """What was done, in words; ``complete`` where nothing is missing of it."""

    run: str
    plan: str
    answer: str
    complete: bool


def make_server(agent: TinyAgent, with_page: bool = False) -> MCPServer:
    """The server of one agent; ``with_page`` where a person can approve on the page as well."""
    server = MCPServer("tinyagent", instructions=INSTRUCTIONS, version=program_version())

    @server.tool(annotations=ToolAnnotations(read_only_hint=True, open_world_hint=False))
    async def plan(request: str) -> Proposal:
        """Say what TinyAgent would do for a request, and change nothing.

        Look-ups (contacts, files, notes) run, so that the proposal names real addresses.
        """
        run = await _start(agent, request, asks=False)
        state = await _rest(agent, run)
        proposal = _proposal(state)
        if not state.over:
            await anyio.to_thread.run_sync(agent.stop, run)
        return proposal

    @server.tool(annotations=ToolAnnotations(destructive_hint=True, open_world_hint=True))
    async def run(request: str, ctx: Context[Any, Any]) -> Done | InputRequiredResult:
        """Do what a request says, once the person has approved it."""
        can_ask = _can_ask(ctx)
        if ctx.request_state:
            name, _, question = ctx.request_state.partition(" ")
            given = (ctx.input_responses or {}).get(_ANSWER)
            await _apply(agent, name, question, given if isinstance(given, ElicitResult) else None)
        else:
            name = await _start(agent, request, asks=can_ask or with_page)
        while True:
            state = await _rest(agent, name)
            if state.over:
                return _done(state)
            if not can_ask and not with_page:
                await anyio.to_thread.run_sync(agent.stop, name)
                return _done(await _rest(agent, name), _NOBODY)
            if not can_ask:
                await _until_over(agent, name)
                continue
            asked, form = _form(state)
            if ctx.protocol_version in MODERN_PROTOCOL_VERSIONS:
                # The client asks its person, and calls again with the answer.
                return InputRequiredResult(
                    input_requests={_ANSWER: ElicitRequest(params=form)},
                    request_state=f"{name} {asked}",
                )
            answer = await ctx.session.elicit_form(
                form.message, form.requested_schema, ctx.request_context.request_id
            )
            await _apply(agent, name, asked, answer)

    return server


def serve(agent: TinyAgent, with_page: bool = False) -> None:
    """Serve on stdin and stdout, until the client closes them."""
    make_server(agent, with_page).run("stdio")


async def _start(agent: TinyAgent, request: str, asks: bool) -> str:
    """Begin a run; what the person remembered to approve was not said to another agent."""
    start = partial(agent.start, request, source="mcp", asks=asks, remembered=False)
    return await anyio.to_thread.run_sync(start)


async def _rest(agent: TinyAgent, run: str) -> RunState:
    """The run's state once it is over or waits for the person; the run ends with the call."""
    try:
        return await agent.rested(run)
    except anyio.get_cancelled_exc_class():
        agent.stop(run)
        raise


async def _until_over(agent: TinyAgent, run: str) -> None:
    """The person decides on the page."""
    try:
        async for _ in agent.events(run):
            pass
    except anyio.get_cancelled_exc_class():
        agent.stop(run)
        raise


def _can_ask(ctx: Context[Any, Any]) -> bool:
    capabilities = ctx.client_capabilities
    return capabilities is not None and capabilities.elicitation is not None


def _form(state: RunState) -> tuple[str, ElicitRequestFormParams]:
    """What to ask the person: the id to answer with, and the form."""
    if state.approval is not None:
        lines = [line for call in state.approval.calls for line in proposed(call)]
        calls = "\n".join(map(visible, lines))
        again = f"{state.approval.problem}\n" if state.approval.problem else ""
        message = f"{again}For “{state.request}”, TinyAgent would do this:\n{calls}"
        field = {"type": "string", "title": "Do it?", "enum": ["approve", "reject"]}
        return state.approval.approval, _params(message, field)
    question = state.questions[0]
    field = {"type": "string", "title": "Which one? Empty to leave it out."}
    if question.candidates:
        field = {"type": "string", "title": "Which one?", "enum": [*question.candidates]}
    return question.question, _params(question.text, field)


def _params(message: str, field: dict[str, Any]) -> ElicitRequestFormParams:
    schema = {"type": "object", "properties": {_ANSWER: field}, "required": [_ANSWER]}
    return ElicitRequestFormParams(message=message, requested_schema=schema)


async def _apply(agent: TinyAgent, run: str, asked: str, given: ElicitResult | None) -> None:
    """Take the person's answer; what is no clear yes is a no."""
    content = given.content if given is not None and given.action == "accept" else None
    answer = str((content or {}).get(_ANSWER) or "")
    if asked.rpartition("-")[2].startswith("a"):
        decision = Decision("approve" if answer == "approve" else "reject")
        await anyio.to_thread.run_sync(agent.decide, run, asked, decision)
    else:
        await anyio.to_thread.run_sync(agent.answer, run, asked, answer)


def _proposal(state: RunState) -> Proposal:
    return Proposal(
        run=state.run,
        plan=state.plan.plan if state.plan else "",
        calls=waiting(state),
        answer=told(state),
    )


def _done(state: RunState, note: str = "") -> Done:
    return Done(
        run=state.run,
        plan=state.plan.plan if state.plan else "",
        answer=note or told(state),
        complete=bool(getattr(state.answer, "complete", False)) and not note,
    )
