"""``tinyagent approvals``: what is remembered, and how to forget it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from tinyagent.approval.remembered import Remembered, RememberedApprovals
from tinyagent.commands.console import explained

app = typer.Typer(help="Approvals that are remembered: list them, revoke them.")


@app.command("list")
def list_approvals() -> None:
    """Show every remembered approval, with the id to revoke it by."""
    with explained():
        known = _approvals().all()
    for one in known:
        typer.echo(told(one))
    if not known:
        typer.echo("No approval is remembered.", err=True)


@app.command()
def revoke(
    which: Annotated[str, typer.Argument(metavar="ID|all", help="As `list` shows it.")],
) -> None:
    """Forget a remembered approval: from now on, you are asked again."""
    with explained():
        gone = _approvals().revoke(which)
    for one in gone:
        typer.echo(f"revoked {told(one)}", err=True)


def told(one: Remembered) -> str:
    """One of them as a line: id, tool, people, until when, where."""
    people = ", ".join(one.people) or "nobody else"
    until = one.until.replace("T", " ")[:16]
    return f"{one.id}  {one.tool}  to {people}  until {until}  ({one.place})"


def _approvals() -> RememberedApprovals:
    from tinyagent.settings import load_settings

    return RememberedApprovals(load_settings().traces.parent, datetime.now)
