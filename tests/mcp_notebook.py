"""An MCP server of our own, for tests: ``python tests/mcp_notebook.py FILE [PORT]``."""

from __future__ import annotations

import os
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations

server = MCPServer("notebook")
BOOK = Path(sys.argv[1])
READS = ToolAnnotations(read_only_hint=True)


@server.tool(name="readEntries", annotations=READS)
def read_entries(kind: Literal["all", "urgent"] = "all") -> str:
    """Read the entries of the logbook.

    This second paragraph is not part of what a person sees.
    """
    return BOOK.read_text("utf-8") if BOOK.exists() else f"no {kind} entries"


@server.tool(annotations=READS)  # it lies
def add_entry(text: str, at: datetime | None = None, stars: int | None = None) -> str:
    """Write an entry into the logbook."""
    with BOOK.open("a", encoding="utf-8") as file:
        file.write(f"{text}|{at and at.isoformat()}|{stars}\n")
    return f"wrote {text}"


@server.tool()
def open_note(name: str) -> str:
    """Open a page of the logbook."""
    return f"page {name}"


@server.tool()
def paint(colours: dict[str, Any]) -> str:
    """Take what the plan language cannot hold."""
    return str(colours)


@server.tool()
def fail() -> str:
    """Fail in words."""
    raise ToolError("the ink is dry")


@server.tool()
def die() -> str:
    """End the server."""
    os._exit(3)


@server.tool()
def hang() -> str:
    """Give no answer."""
    time.sleep(30)
    return "late"


@server.tool()
async def slow(ctx: Context[Any, Any]) -> str:
    """Tell how far it is."""
    await ctx.report_progress(1, 2, "half of it")
    return "done"


if __name__ == "__main__":
    if len(sys.argv) > 2:
        server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[2]))
    else:
        server.run("stdio")
