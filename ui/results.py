"""What was found and made, with links to it, and how long each stage took."""

from __future__ import annotations

import re
from html import escape
from urllib.parse import quote

from tinyagent.events import Answered, Result
from tinyagent.runs.state import RunState
from ui.icons import icon

_URL = re.compile(r"https?://[^\s<>\"“”]+[^\s<>\"“”.,;:!?)]")


def results(state: RunState) -> str:
    """The results and the link to the trace, as markup."""
    if not state.run:
        return '<p class="empty">What was found and made, with links to it.</p>'
    made = _made(state)
    rows = "".join(
        f'<li data-task="{r.task}"><p>{with_links(r.text)}</p>{_link(r.link)}</li>' for r in made
    )
    nothing = "Nothing was made." if state.over else "Nothing yet."
    listed = f'<ul class="results">{rows}</ul>' if rows else f'<p class="empty">{nothing}</p>'
    trace = f"/trace/{quote(state.run)}.json"
    page = f"/traces?trace={quote(state.run)}"
    return (
        f'{listed}<p class="trace">Trace <a href="{page}">{escape(state.run)}</a>'
        f' · <a href="{trace}" target="_blank">JSON</a></p>'
    )


def timings(state: RunState) -> str:
    """Seconds by stage, small; "" before there are any."""
    parts = []
    if state.selection is not None:
        parts.append(f"tools {_seconds(state.selection.seconds)}")
    if state.plan is not None:
        made = state.plan
        parts.append(f"prompt {_seconds(made.seconds.get('prefill', 0.0))}")
        parts.append(f"plan {_seconds(made.seconds.get('decode', 0.0))}")
        parts.append(f"{made.prompt_tokens} + {made.plan_tokens} tokens")
        parts.append(f"{made.decode_steps} steps")
    done = [task.seconds for task in state.tasks if task.status in ("done", "failed")]
    if done:
        parts.append(f"tasks {_seconds(sum(done))}")
    return f'<p class="timings">{escape(" · ".join(parts))}</p>' if parts else ""


def with_links(text: str) -> str:
    """Text as markup, its web addresses as links that open beside the page."""
    made, at = "", 0
    for match in _URL.finditer(text):
        url = escape(match[0])
        made += escape(text[at : match.start()])
        made += f'<a href="{url}" target="_blank" rel="noopener noreferrer">{url}</a>'
        at = match.end()
    return made + escape(text[at:])


def _made(state: RunState) -> list[Result]:
    """The answer's results; before there is one, what has been changed so far."""
    if isinstance(state.answer, Answered):
        return state.answer.results
    return [
        Result(task.number, task.tool, task.result, task.link)
        for task in state.tasks
        if task.status == "done" and (task.changes or task.link)
    ]


def _link(link: str) -> str:
    if not link:
        return ""
    if _URL.fullmatch(link):
        target, words = link, link
    else:
        target, words = f"/files/{quote(link)}", link
    return (
        f'<a class="made" href="{escape(target)}" target="_blank" rel="noopener noreferrer">'
        f"{icon('open')}{escape(words)}</a>"
    )


def _seconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
