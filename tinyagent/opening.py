"""What the settings ask for, opened: where tools act, servers, and which versions are in use."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from tinyagent.backends.base import Backend
from tinyagent.models import read_manifest
from tinyagent.settings import Settings
from tinyagent.versions import Versions

if TYPE_CHECKING:
    from tinyagent.backends.zoom import ZoomAccount
    from tinyagent.mcp.client import McpServers


def open_backend(settings: Settings, clock: Callable[[], datetime]) -> Backend:
    """The backend that the settings name; a first start makes the sample workspace.

    Raises:
        SettingsError: it cannot be used here.
    """
    if settings.backend == "macos":
        from tinyagent.backends.macos import MacOS

        return MacOS(
            send_mail=settings.send_mail, zoom_link=settings.zoom_link, zoom=_zoom_account()
        )
    from tinyagent.backends.workspace import Workspace

    if not settings.workspace.exists():
        from tinyagent.backends.workspace.sample import make_sample

        make_sample(settings.workspace, clock())
    return Workspace(settings.workspace, clock, settings.send_mail)


def open_servers(settings: Settings) -> McpServers | None:
    """The MCP servers that the settings name, starting; None where they name none.

    Raises:
        SettingsError: their file is wrong.
    """
    if not settings.mcp.exists():
        return None
    from tinyagent.mcp.client import McpServers

    return McpServers.of(settings.mcp, settings.task_timeout)


def versions_in_use(settings: Settings) -> dict[str, str]:
    """Of the program and each model file (its package's, or the start of its hash); the server."""
    models = read_manifest(settings.models)
    found = {name: entry.version or entry.sha256[:12] for name, entry in models.items()}
    versions = Versions(settings)
    chosen = {
        "toolrag-classifier": versions.in_use("toolrag").sha256[:12],
        "planner-adapter": versions.in_use("planner").sha256[:12],
    }
    server = {}
    if settings.server:
        from tinyagent.remote.chat import Server

        server["server"] = Server(settings.server, settings.server_model).name
    return {"tinyagent": program_version()} | found | chosen | server


def program_version() -> str:
    """The installed version, or "0" from a tree that is not installed."""
    try:
        return version("tinyagent")
    except PackageNotFoundError:
        return "0"


def _zoom_account() -> ZoomAccount | None:
    """The user's Zoom account; SettingsError where only some of its credentials are there."""
    from tinyagent.backends.zoom import ZoomAccount, credentials

    own = credentials(os.environ)
    return ZoomAccount(own) if own else None
