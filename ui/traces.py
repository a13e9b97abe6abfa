"""The Traces page: the table of runs, one run, two side by side, what to label next.

A form whose answer is a URL that can be kept: every view is drawn from the
URL's query alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import get_args
from urllib.parse import quote, urlencode

from tinyagent.agent import TinyAgent
from tinyagent.errors import TinyAgentError
from tinyagent.tools.registry import ToolSet
from tinyagent.traces.exports import FORMATS
from tinyagent.traces.filters import FIELDS, LABELS, Filter, Order
from tinyagent.traces.store import COUNTED, Row, TraceStore
from tinyagent.voice.recordings import recording_of
from ui.labelling import label_form
from ui.notebook import Shown, beside, notebook

ON_A_PAGE = 50
_LONGEST = 160
_QUEUED = 500
"""Runs of the queue that are looked at to find the next one."""
_STATUS = {"answered": "done", "approval": "waits for you", "asking": "waits for you"}
_LABELS = {"none": "no label", "any": "any label"}
_HEADS: tuple[tuple[str, tuple[Order, Order] | None], ...] = (
    ("When", ("newest", "oldest")),
    ("Request", None),
    ("Tools", None),
    ("Status", ("status", "status-up")),
    ("Label", ("label", "label-up")),
    ("Sure", ("unsure", "surest")),
    ("Took", ("longest", "shortest")),
    ("From", ("source", "source-up")),
)
"""The table's columns, and the two orders that a column sorts by, the usual one first."""
_ASCENDING = ("oldest", "shortest", "unsure", "status-up", "label-up", "source-up")


def traces(agent: TinyAgent, asked: Mapping[str, str]) -> str:
    """What a URL of the page asks for, as markup.

    Args:
        asked: of the URL; ``trace``: one run, with ``beside`` two; ``queue``: what
            to label next; else a page of the table, with its filters.
    """
    store = TraceStore(agent.traces.path)
    try:
        if asked.get("trace") and asked.get("beside"):
            runs = (_shown(agent, asked[key]) for key in ("trace", "beside"))
            return f"{_BACK}{beside(*runs)}"
        if asked.get("trace"):
            return _one(agent, store, asked)
        if asked.get("queue"):
            return _queue(agent, store)
        return _table(store, asked, agent.tools)
    except TinyAgentError as error:
        return f'<p class="empty">{escape(str(error))}</p>{_BACK}'


def neighbours(store: TraceStore, trace: str) -> tuple[str, str]:
    """The runs of the queue before and after one, "" where there is none."""
    queue = [row.id for row in store.queue(_QUEUED)]
    if trace not in queue:
        return "", next(iter(queue), "")
    at = queue.index(trace)
    after = queue[at + 1] if at + 1 < len(queue) else ""
    return (queue[at - 1] if at else ""), after


_BACK = '<p class="back"><a href="/traces">All runs</a></p>'


def _shown(agent: TinyAgent, trace: str) -> Shown:
    found = agent.traces.read(trace)
    return Shown(found, agent.state(trace), recording_of(agent.settings.traces, trace).is_file())


def _one(agent: TinyAgent, store: TraceStore, asked: Mapping[str, str]) -> str:
    run = _shown(agent, asked["trace"])
    body = notebook(run, label_form(run.trace))
    if not asked.get("queue"):
        return f"{_BACK}{body}"
    before, after = neighbours(store, asked["trace"])
    links = [
        f'<a href="/traces{escape(run_query(other, queue=True))}" data-key="{key}">{word}'
        f"<kbd>{key}</kbd></a>"
        for other, word, key in ((before, "The one before", "K"), (after, "Skip", "J"))
        if other
    ]
    left = store.count(Filter(label="none"))
    told = f"{left:,} without a label, the least sure first"
    return (
        f'<p class="back"><a href="/traces">All runs</a> · <span class="queue">Labelling: {told}'
        f"</span> · {' · '.join(links)}</p>{body}"
    )


def _queue(agent: TinyAgent, store: TraceStore) -> str:
    first = store.queue(1)
    if not first:
        return f'<p class="empty">Every run that is over has a label.</p>{_BACK}'
    return _one(agent, store, {"trace": first[0].id, "queue": "1"})


def run_query(trace: str, queue: bool = False) -> str:
    """The query of the URL that opens a run; ``queue``: as one of those to be labelled."""
    return f"?trace={quote(trace)}{'&queue=1' if queue else ''}"


def _table(store: TraceStore, asked: Mapping[str, str], tools: ToolSet) -> str:
    wanted = Filter.of(asked)
    order: Order = asked["order"] if asked.get("order") in get_args(Order) else "newest"  # type: ignore[assignment]
    number = asked.get("page", "1")
    page = max(1, int(number)) if number.isdecimal() and len(number) < 7 else 1
    rows, count = store.found(wanted, order, ON_A_PAGE, (page - 1) * ON_A_PAGE)
    form = _form(store, asked, tools)
    if not rows:
        text = "No run fits." if wanted != Filter() else "Every request is listed here."
        return f'{form}<p class="empty">{text}</p>'
    head = "".join(_head(name, orders, order, asked) for name, orders in _HEADS)
    body = "".join(map(_row, rows))
    return (
        f'{form}<table class="runs"><thead><tr><th class="pick"></th>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>{_pages(asked, page, count)}{_tools(asked)}"
    )


def _head(
    name: str, orders: tuple[Order, Order] | None, order: Order, asked: Mapping[str, str]
) -> str:
    if orders is None:
        return f"<th>{name}</th>"
    way = orders[1] if order == orders[0] else orders[0]
    kept = {key: value for key, value in asked.items() if value and key not in ("page", "order")}
    query = escape(urlencode(kept | {"order": way}))
    link = f'<a href="/traces?{query}">{name}</a>'
    if order not in orders:
        return f"<th>{link}</th>"
    up = order in _ASCENDING
    sort = "ascending" if up else "descending"
    return f'<th aria-sort="{sort}">{link}{"▴" if up else "▾"}</th>'


def _form(store: TraceStore, asked: Mapping[str, str], tools: ToolSet) -> str:
    statuses = [s for s in store.values("status") if not s.startswith("interrupted")]
    selects = [
        _select("status", "any status", [*statuses, "interrupted"], asked),
        _select("label", "label or none", LABELS, asked),
        _select("tool", "any tool", list(tools), asked),
        _select("model", "any model", store.values("model"), asked),
        _select("source", "from anywhere", store.values("source"), asked),
    ]
    order = escape(asked.get("order", ""))
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
        f'{"".join(selects)}{dates}<input type="hidden" name="order" value="{order}">'
        '<button type="submit">Show</button><a href="/traces">Clear</a>'
        '<a class="next-label" href="/traces?queue=1" data-key="L">Label the next one<kbd>L</kbd>'
        "</a></form>"
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
    sure = "" if row.certainty is None else f"{row.certainty:.0%}"
    tools = ", ".join(tool.replace("_", " ") for tool in row.tools)
    name = escape(f"Lay the run of {day} {clock[:5]} beside another")
    return (
        f'<tr><td class="pick"><input type="checkbox" value="{escape(row.id)}" '
        f'aria-label="{name}"></td>'
        f'<td class="when">{escape(day)} <b>{escape(clock[:5])}</b></td>'
        f'<td class="asked"><a href="/traces{run_query(row.id)}">{escape(short)}</a></td>'
        f'<td class="used">{escape(tools)}</td>'
        f'<td><span class="pill {kind}">{escape(_STATUS.get(row.status, row.status))}</span></td>'
        f'<td><span class="label {escape(row.label)}">{escape(row.label)}</span></td>'
        f'<td class="when">{sure}</td><td class="when">{took}</td>'
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


def _tools(asked: Mapping[str, str]) -> str:
    """What can be done with the runs of the table: export those that fit, compare two."""
    options = "".join(
        f'<option value="{name}">{name}: {escape(format.help)}</option>'
        for name, format in FORMATS.items()
        if name != "notebook"
    )
    kept = "".join(
        f'<input type="hidden" name="{name}" value="{escape(asked[name])}">'
        for name in FIELDS
        if asked.get(name)
    )
    return (
        '<div class="with-runs"><form class="export" method="get" action="/export">'
        f'{kept}<label>Export all that fit <select name="format">{options}</select></label>'
        '<label><input type="checkbox" name="redact" value="1">with stand-ins for names, '
        'addresses and numbers</label><button type="submit">Export</button></form>'
        '<button type="button" data-beside disabled>Side by side</button></div>'
    )
