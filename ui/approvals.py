"""The page of remembered approvals: what is not asked about any more, each to be revoked."""

from __future__ import annotations

from html import escape
from typing import Any

from tinyagent.agent import TinyAgent
from tinyagent.approval.remembered import Remembered
from tinyagent.errors import ApprovalError


def approvals(agent: TinyAgent) -> str:
    """The table, as markup."""
    always = (
        "Somebody who is not in your contacts, more than five people, and what hands on a file, a "
        "note, a document or a message are asked about each time, whatever stands here."
    )
    try:
        known = agent.remembered()
    except ApprovalError as error:
        return f'<p class="empty">{escape(str(error))}</p>'
    if not known:
        return (
            '<p class="empty">Nothing is remembered: you are asked before anything is changed or '
            f'sent. An approval offers to be remembered.</p><p class="caption">{always}</p>'
        )
    heads = ("Tool", "For", "Until", "Where", "")
    head = "".join(f"<th>{name}</th>" for name in heads)
    rows = "".join(map(_row, known))
    return (
        f'<table class="runs approvals"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
        f'<p class="caption">{always}</p><p class="error" role="alert" hidden></p>'
    )


def revoke(agent: TinyAgent, form: dict[str, Any]) -> dict[str, Any]:
    """Forget one; {} or what is wrong."""
    try:
        agent.revoke(str(form["id"]))
    except ApprovalError as error:
        return {"error": str(error)}
    return {}


def _row(one: Remembered) -> str:
    people = ", ".join(one.people) or "what reaches nobody else"
    return (
        f'<tr data-remembered="{escape(one.id)}"><td>{escape(one.tool.replace("_", " "))}</td>'
        f"<td>{escape(people)}</td>"
        f'<td class="when">{escape(one.until.replace("T", " ")[:16])}</td>'
        f'<td class="used">{escape(one.place)}</td>'
        f'<td><button type="button" data-revoke="{escape(one.id)}">Revoke</button></td></tr>'
    )
