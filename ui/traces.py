"""The table of runs, with search and filters: a form whose answer is a URL that can be kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import get_args
from urllib.parse import quote, urlencode

from tinyagent.errors import TinyAgentError
from tinyagent.tools.sixteen import SIXTEEN
from tinyagent.traces.filters import LABELS, Filter, Order
from tinyagent.traces.store import COUNTED, Row, TraceStore
from ui.notebook import notebook

ON_A_PAGE = 50
_LONGEST = 160
_STATUS = {"answered": "done", "approval": "waits for you", "asking": "waits for you"}
_LABELS = {"none": "no label", "any": "any label"}
_FIELDS = ("words", "status", "label", "tool", "model", "source", "since", "until")


def traces(store: TraceStore, asked: Mapping[str, str]) -> str:
    """What a URL of the page asks for, as markup: one run (``trace``), or a page of the table."""
    try:
        if asked.get("trace"):
            return notebook(store.read(asked["trace"]))
        return _table(store, asked)
    except TinyAgentError as error:
        return f'<p class="empty">{escape(str(error))}</p><p><a href="/traces">All runs</a></p>'


def _table(store: TraceStore, asked: Mapping[str, str]) -> str:
    words, status, label, tool, model, source, since, until = (asked.get(x, "") for x in _FIELDS)
    wanted = Filter(words, status, label, tool, model, source, since, until)
    order: Order = asked["order"] if asked.get("order") in get_args(Order) else "newest"  # type: ignore[assignment]
    number = asked.get("page", "1")
    page = max(1, int(number)) if number.isdecimal() and len(number) < 7 else 1
    rows = store.page(wanted, order, ON_A_PAGE, (page - 1) * ON_A_PAGE)
    form = _form(store, asked)
    if not rows:
        text = "No run fits." if wanted != Filter() else "Every request is listed here."
        return f'{form}<p class="empty">{text}</p>'
    heads = ("When", "Request", "Tools", "Status", "Label", "Took", "From")
    head = "".join(f"<th>{name}</th>" for name in heads)
    body = "".join(map(_row, rows))
    return (
        f'{form}<table class="runs"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
        f"{_pages(asked, page, store.count(wanted))}"
    )


def _form(store: TraceStore, asked: Mapping[str, str]) -> str:
    statuses = [s for s in store.values("status") if not s.startswith("interrupted")]
    selects = [
        _select("status", "any status", [*statuses, "interrupted"], asked),
        _select("label", "label or none", LABELS, asked),
        _select("tool", "any tool", list(SIXTEEN), asked),
        _select("model", "any model", store.values("model"), asked),
        _select("source", "from anywhere", store.values("source"), asked),
        _select("order", "newest first", get_args(Order)[1:], asked),
    ]
    words = escape(asked.get("words", ""))
    dates = "".join(
        f'<label>{name} <input type="date" name="{name}" value="{escape(asked.get(name, ""))}">'
        "</label>"
        for name in ("since", "until")
    )
    return (
        '<form class="filters" method="get" action="/traces" role="search">'
        f'<input type="search" name="words" value="{words}" aria-label="Search" '
        'placeholder="Search requests, plans, results, errors">'
        f'{"".join(selects)}{dates}<button type="submit">Show</button>'
        '<a href="/traces">Clear</a></form>'
    )


def _select(name: str, anything: str, choices: Sequence[str], asked: Mapping[str, str]) -> str:
    options = "".join(
        f'<option value="{escape(choice)}"{" selected" if asked.get(name) == choice else ""}>'
        f"{escape(_LABELS.get(choice, choice))}</option>"
        for choice in choices
    )
    label = escape(name.capitalize())
    return (
        f'<select name="{name}" aria-label="{label}"><option value="">{anything}</option>'
        f"{options}</select>"
    )


def _row(row: Row) -> str:
    words = row.request.strip() or "(empty)"
    short = words if len(words) <= _LONGEST else words[:_LONGEST] + " …"
    day, _, clock = row.started.partition("T")
    kind = escape(row.status.split()[0])
    took = "" if row.seconds is None else f"{row.seconds:.1f} s"
    tools = ", ".join(tool.replace("_", " ") for tool in row.tools)
    return (
        f'<tr><td class="when">{escape(day)} <b>{escape(clock[:5])}</b></td>'
        f'<td><a href="/traces?trace={quote(row.id)}">{escape(short)}</a></td>'
        f'<td class="used">{escape(tools)}</td>'
        f'<td><span class="pill {kind}">{escape(_STATUS.get(row.status, row.status))}</span></td>'
        f'<td><span class="label {escape(row.label)}">{escape(row.label)}</span></td>'
        f'<td class="when">{took}</td>'
        f'<td class="when" title="{escape(row.model)}">{escape(row.source)}</td></tr>'
    )


def _pages(asked: Mapping[str, str], page: int, count: int) -> str:
    counted = f"{COUNTED:,} or more" if count >= COUNTED else f"{count:,}"

    def link(number: int, text: str) -> str:
        query = urlencode({**asked, "page": str(number)})
        return f'<a href="/traces?{escape(query)}">{text}</a>'

    more = page * ON_A_PAGE < count or count >= COUNTED
    parts = [
        link(page - 1, "Previous page") if page > 1 else "",
        f"page {page}, {counted} runs",
        link(page + 1, "Next page") if more else "",
    ]
    return f'<p class="caption pages">{" · ".join(part for part in parts if part)}</p>'
