"""The conversation: what was asked, where it stands, what the person must decide, the answer."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from urllib.parse import quote

from tinyagent.events import Answered, Failed, Stopped
from tinyagent.runs.state import RunState
from ui.cards import approval_card, question_card
from ui.icons import icon
from ui.results import with_links

EXAMPLES = (
    "Add oat milk to my Groceries note",
    "Text Sid that I'm running ten minutes late",
    "What is my mom's phone number?",
    "Remind me to call the plumber tomorrow at 9",
    "Schedule a budget review with Sid and Lutfi tomorrow at 2pm",
    "Email Priya a summary of the Project Aurora report",
    "Send Lutfi an email with the Q4 forecast attached",
    "Set up a Zoom with Zoë on Friday at 10 and text Lutfi the link",
    "Show me the way on foot to the Harbour Grill",
    "Text Alex that lunch is at noon",
)
"""Requests that the sample workspace has people, notes and files for."""

_STATUS = {
    "selecting": "Picking the tools",
    "planning": "Writing the plan",
    "running": "At work",
    "asking": "Waiting for your answer",
    "approval": "Waiting for your approval",
    "answered": "Done",
    "failed": "Could not do it",
    "stopped": "Stopped",
}
_SIGNS = {"answered": "done", "failed": "failed", "stopped": "stop"}
_INTERRUPTED = "This run was cut off when TinyAgent was closed. Ask again to do it now."

_IN_DOUBT = (
    "This run was cut off when TinyAgent was closed, while it did the following. It may have "
    "happened: look there before you ask for it again. It is not tried again by itself."
)


def welcome() -> str:
    """Before the first request: what can be asked."""
    chips = "".join(
        f'<li><button type="button" class="chip" data-example="{escape(text)}">{escape(text)}'
        "</button></li>"
        for text in EXAMPLES
    )
    return (
        '<div class="welcome"><h2>What shall I do?</h2>'
        "<p>Say it in your own words. You see the plan first; nothing is changed or sent before "
        f'you approve it.</p><ul class="chips">{chips}</ul></div>'
    )


def earlier(states: Sequence[RunState]) -> str:
    """The runs of this conversation before the newest, in short."""
    return "".join(_short(state) for state in states)


def turn(state: RunState, interrupted: bool = False) -> str:
    """One run in full.

    Args:
        state: of the run.
        interrupted: it is not over, but nothing works on it any more.
    """
    if interrupted:
        reply = f'<p class="answer incomplete">{_cut_off(state)}</p>{_undo(state)}'
    else:
        questions = "".join(question_card(state, question) for question in state.questions)
        card = approval_card(state, state.approval) if state.approval else ""
        undo = _undo(state) if state.over else ""
        reply = f"{_status(state)}{questions}{card}{_decided(state)}{_answer(state)}{undo}"
    over = "over" if state.over or interrupted else "live"
    return (
        f'<section class="turn {over}" data-run="{escape(state.run)}" '
        f'data-status="{state.status}">{_said(state)}<div class="reply">{reply}</div></section>'
    )


def _cut_off(state: RunState) -> str:
    """What to say of a run that was cut off: above all, what may have happened."""
    doubtful = [t for t in state.tasks if t.changes and t.status == "running"]
    if not doubtful:
        return _INTERRUPTED
    listed = "\n".join(escape(task.text or task.line) for task in doubtful)
    return f"{_IN_DOUBT}\n{listed}"


def _undo(state: RunState) -> str:
    count = sum(task.undoable for task in state.tasks)
    if not count:
        return ""
    sure = "Really take it back?" if count == 1 else f"Really take back all {count}?"
    return (
        f'<button type="button" class="quiet" data-undo data-sure="{sure}">'
        f"{icon('undo')}<span>Undo</span></button>"
    )


def problem(message: str) -> str:
    """What stands in the place of a turn that cannot be shown."""
    return f'<section class="turn over"><p class="answer failed">{escape(message)}</p></section>'


def _short(state: RunState) -> str:
    link = f'<a class="details" href="/?run={quote(state.run)}">Details</a>'
    if state.answer is None:
        words = f'<p class="status waits">{_STATUS[state.status]}</p>'
    else:
        words = _answer(state)
    return (
        f'<section class="turn earlier" data-run="{escape(state.run)}">{_said(state)}'
        f'<div class="reply">{words}{link}</div></section>'
    )


def _said(state: RunState) -> str:
    words = state.request.strip()
    if not words:
        return '<p class="said nothing">(an empty request)</p>'
    return f'<p class="said">{escape(words)}</p>'


def _status(state: RunState) -> str:
    """Where the run stands; screen readers are told when it changes."""
    waits = state.status in ("asking", "approval")
    sign = icon(_SIGNS.get(state.status, "asking" if waits else "running"))
    words = _STATUS[state.status]
    if isinstance(state.answer, Answered) and not state.answer.complete:
        sign, words = icon("failed"), "Not all of it was done"
    dots = "" if state.over or waits else "…"
    stop = (
        ""
        if state.over
        else f'<button type="button" class="quiet" data-stop>{icon("stop")}Stop</button>'
    )
    return (
        f'<div class="bar-status"><p class="status {state.status}" role="status" '
        f'aria-live="polite">{sign}{words}{dots}</p>{stop}</div>'
    )


def _decided(state: RunState) -> str:
    """A word on the person's decision, for the record."""
    decided = state.decided
    if decided is None or state.approval is not None:
        return ""
    if decided.decision == "rejected":
        return '<p class="decided">You rejected it.</p>'
    if decided.decision == "revised":
        return '<p class="decided">You wrote another plan.</p>'
    if decided.by:
        return '<p class="decided">Not asked about, as you chose at an earlier approval.</p>'
    parts = [f"You approved {len(decided.calls)}"]
    if decided.left_out:
        parts.append(f"left out {len(decided.left_out)}")
    if decided.edited:
        names = sorted({name for changed in decided.edited.values() for name in changed})
        parts.append("edited " + ", ".join(name.replace("_", " ") for name in names))
    if decided.until:
        parts.append(f"remembered until {decided.until[:10]}")
    return f'<p class="decided">{escape(", ".join(parts))}.</p>'


def _answer(state: RunState) -> str:
    match state.answer:
        case Answered(text=text, complete=complete):
            kind = "" if complete else " incomplete"
            return f'<p class="answer{kind}">{with_links(text)}</p>'
        case Failed(message=message, cure=cure):
            return f'<p class="answer failed">{escape(message)} {escape(cure)}</p>'
        case Stopped(text=text):
            return f'<p class="answer incomplete">{with_links(text)}</p>'
        case _:
            return ""
