"""The Models page's views: the versions, a retraining as it goes on, and what it came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from tinyagent.retrain.compare import MEASURES
from tinyagent.retrain.data import Labels
from tinyagent.retrain.job import Asked, Job, State
from tinyagent.train.progress import Progress, told
from tinyagent.versions import PARTS, Part, Version, Versions

_NAMES: dict[Part, str] = {"toolrag": "ToolRAG", "planner": "Planner"}
_GROUPS = {
    "fixed": "Shipped examples",
    "held": "Labels held out",
    "learned": "Labels that were learned",
}
_STAGES = {"data": "gathering", "train": "training", "compare": "comparing", "over": "done"}
_STATUS = {
    "running": "At work",
    "done": "Done",
    "failed": "It failed",
    "cancelled": "Cancelled",
    "interrupted": "Interrupted: its process is gone",
}
_WIDTH, _HEIGHT = 600, 140


def versions_view(versions: Versions) -> str:
    """Every version of each part, and when what is in use changed."""
    chosen = versions.chosen()
    tables = "".join(_table(part, versions.all(part), chosen[part]) for part in PARTS)
    rows = "".join(
        f"<li>{escape(change['at'].replace('T', ' '))} {_NAMES[change['part']]}: "  # type: ignore[index]  # a part
        f"{escape(change['before'])} → <b>{escape(change['after'])}</b> ({escape(change['why'])})"
        "</li>"
        for change in versions.history()
    )
    history = f'<h2>What was put in use</h2><ol class="history">{rows}</ol>' if rows else ""
    return tables + history


def retrain_form(labels: Labels) -> str:
    """What to retrain, and on what."""
    found = len(labels.learned)
    if not found:
        words = (
            "Nothing to learn from yet: label some runs on the "
            '<a href="/traces?queue=1">Traces page</a>, and say what the right plan is.'
        )
    else:
        requests = "request" if found == 1 else "requests"
        words = (
            f"{found} labelled {requests} to learn from, {len(labels.held)} held out to judge by."
        )
    asked = Asked()
    off = "" if found else " disabled"
    return (
        f'<form class="retrain"><p>{words}</p><div class="options">'
        '<label class="tick"><input type="checkbox" name="planner">the planner, too, with</label>'
        '<label><input type="number" name="minutes" min="0.1" step="any" '
        f'value="{asked.minutes:g}">minutes of computing</label>'
        f'<label>Shipped examples to learn beside them <input type="number" name="rows" min="0" '
        f'value="{asked.rows}"></label>'
        f'<label>Shipped examples to compare on <input type="number" name="fixed" min="0" '
        f'value="{asked.fixed}"></label>'
        '<label class="tick"><input type="checkbox" name="promote" checked>use it by itself if it '
        f'is better</label></div><button type="submit" class="primary"{off}>Retrain</button>'
        '<p class="error" role="alert" hidden></p></form>'
    )


def job_view(job: Job | None) -> str:
    """A retraining: where it stands, its loss, what it came to; "" where there is none."""
    if job is None:
        return ""
    state = job.state
    running = state.status == "running"
    steps = "".join(_step(job, part, state) for part in job.asked.parts)
    buttons = ""
    if running:
        buttons = '<button type="button" data-cancel>Cancel</button>'
    elif state.status != "done":
        buttons = '<button type="button" class="primary" data-resume>Resume</button>'
    error = f'<p class="error">{escape(state.error)}</p>' if state.error else ""
    results = "".join(_result(part, job.result(part)) for part in job.asked.parts)
    return (
        f'<section class="job" data-job="{escape(job.id)}" data-status="{state.status}">'
        f"<h2>Retraining of {escape(job.begun.replace('T', ' '))}</h2>"
        f'<p class="status" role="status">{_STATUS[state.status]}</p>{error}{steps}'
        f'<div class="buttons">{buttons}</div>{results}</section>'
    )


def loss_curve(reports: Sequence[Progress]) -> str:
    """The loss over the steps as SVG, from 0 to its highest; "" before there are two reports."""
    if len(reports) < 2:
        return ""
    top = max(report.loss for report in reports) or 1.0
    last = max(reports[-1].step / max(reports[-1].share, 1e-6), 1)
    points = " ".join(
        f"{report.step / last * _WIDTH:.1f},{(1 - report.loss / top) * _HEIGHT:.1f}"
        for report in _thinned(reports)
    )
    told = f"loss {reports[0].loss:.4f} at step {reports[0].step}, now {reports[-1].loss:.4f}"
    return (
        f'<figure class="loss"><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" '
        f'role="img" aria-label="{told}"><polyline points="{points}"/></svg>'
        f"<figcaption>{told}; the top is {top:.3f}, the right end the last step</figcaption>"
        "</figure>"
    )


def _thinned(reports: Sequence[Progress]) -> Sequence[Progress]:
    """No more points than pixels; the last is kept."""
    every = -(-len(reports) // _WIDTH)
    return [*reports[:-1:every], reports[-1]]


def _table(part: Part, versions: Sequence[Version], chosen: str) -> str:
    rows = "".join(_version(version, version.id == chosen) for version in versions)
    heads = "".join(
        f"<th>{name}</th>" for name in ("Version", "Made", "Learned from", "Metrics", "Size", "")
    )
    return (
        f'<h2>{_NAMES[part]}</h2><table class="versions" data-part="{part}"><thead><tr>{heads}</tr>'
        f"</thead><tbody>{rows}</tbody></table>"
    )


def _version(version: Version, used: bool) -> str:
    made = escape(version.made[:16].replace("T", " ")) or "with this release"
    start = f"from {escape(version.start)}" if version.start else ""
    data = "<br>".join(filter(None, (_facts(version.data), start)))
    action = (
        '<span class="pill answered">in use</span>'
        if used
        else f'<button type="button" data-use="{escape(version.id)}">Use</button>'
    )
    return (
        f'<tr data-version="{escape(version.id)}"><td><b>{escape(version.id)}</b><br>'
        f"<code>{escape(version.sha256[:12])}</code></td><td>{made}</td><td>{data}</td>"
        f"<td>{_facts(version.metrics)}</td><td>{version.size / 1e6:.1f} MB</td>"
        f"<td>{action}</td></tr>"
    )


def _facts(facts: Mapping[str, Any]) -> str:
    def shown(value: Any) -> str:
        return f"{value:.3f}" if isinstance(value, float) else f"{value:,}"

    return "<br>".join(f"{escape(_named(name))} {shown(v)}" for name, v in facts.items())


def _named(name: str) -> str:
    """A metric in words: "success, held" is "right plan, labels held out"."""
    measure, _, group = name.partition(", ")
    words = MEASURES.get(measure, measure.replace("_", " "))
    return f"{words}, {_GROUPS[group].lower()}:" if group else words


def _step(job: Job, part: Part, state: State) -> str:
    if part in state.done:
        stage, share, left = "over", 1.0, None
    elif part == state.part:
        stage, share, left = state.stage, state.share, state.left
    else:
        return f'<p class="step">{_NAMES[part]}: waits</p>'
    reports = told(job.folder / part)
    if stage == "train" and reports:
        share, left = reports[-1].share, reports[-1].left
    ends = "" if left is None else f", {_minutes(left)} left"
    bar = f'<progress max="1" value="{share:.3f}" aria-label="{_STAGES[stage]}"></progress>'
    return (
        f'<p class="step">{_NAMES[part]}: {_STAGES[stage]}{ends}</p>'
        f"{bar if stage != 'over' else ''}{loss_curve(reports)}"
    )


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def _result(part: Part, result: Mapping[str, Any] | None) -> str:
    if result is None:
        return ""
    kind = "better" if result["better"] else "not-better"
    used = "It is in use now." if result["promoted"] else "It was not put in use by itself."
    rows = "".join(_change(change) for change in result["changes"])
    heads = ("Requests", "Before", "New", "Gained", "Lost")
    head = "".join(f"<th>{name}</th>" for name in heads)
    worse = [moved for moved in result["moved"] if not moved["better"]]
    better = [moved for moved in result["moved"] if moved["better"]]
    return (
        f'<div class="result {kind}" data-part="{part}"><h3>{_NAMES[part]} '
        f"{escape(result['version'])} against {escape(result['before'])}</h3>"
        f'<p class="why">{escape(result["why"].capitalize())}. {used}</p>'
        f'<table class="changes"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
        f"{_moves('What got worse', worse)}{_moves('What got better', better)}</div>"
    )


def _change(change: Mapping[str, Any]) -> str:
    kind = ' class="worse"' if change["worse"] else ""
    return (
        f"<tr{kind}><td>{_GROUPS[change['group']]}: {MEASURES[change['measure']]}</td>"
        f"<td>{change['before']} of {change['of']}</td><td>{change['after']} of {change['of']}</td>"
        f"<td>{change['gained']}</td><td>{change['lost']}</td></tr>"
    )


def _moves(title: str, moves: Sequence[Mapping[str, Any]]) -> str:
    if not moves:
        return ""
    rows = "".join(
        f"<li>{escape(move['request'])} <span>({_GROUPS[move['group']].lower()})</span>"
        f'<pre class="out"><del>{escape(move["before"])}</del>\n<ins>{escape(move["after"])}</ins>'
        "</pre></li>"
        for move in moves
    )
    return f"<details><summary>{title}: {len(moves)}</summary><ol>{rows}</ol></details>"
