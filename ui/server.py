"""The page's server: on this computer, for this computer's own page only.

Beside Gradio's routes it serves the page's scripts, files of the workspace to
read, and traces. Every request must be addressed to this computer, and one
that a page sent must come from the server's own page: as Gradio comes, any
web page that the user visits could run its functions.
"""

from __future__ import annotations

import mimetypes
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyvis
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from tinyagent.agent import TinyAgent
from tinyagent.errors import SettingsError, TraceError
from ui.downloads import downloads

HOST = "127.0.0.1"
ASSETS = Path(__file__).parent / "assets"
VIS_NETWORK = Path(pyvis.__file__).parent / "templates/lib/vis-9.1.2/vis-network.min.js"

_AS_IT_IS = {"application/pdf", "image/png", "image/jpeg", "image/gif", "image/webp"}
_TEXT = {".md", ".txt", ".csv", ".ics", ".vcf", ".eml", ".json", ".html", ".htm", ".svg", ".xml"}
_SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "Cache-Control": "no-store",
}


def app_options(agent: TinyAgent) -> dict[str, Any]:
    """What ``launch(app_kwargs=…)`` needs: the guards, and the routes beside Gradio's."""
    return {"middleware": guards(), "routes": routes(agent)}


def guards() -> list[Middleware]:
    """Refuse other hosts' names (400) and other pages' requests (403)."""
    return [
        Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"]),
        Middleware(OwnOrigin),
    ]


def routes(agent: TinyAgent) -> Sequence[BaseRoute]:
    """The page's scripts, the workspace's files to read, the traces and what is made of them."""

    def trace(request: Request) -> Response:
        try:
            return JSONResponse(agent.traces.read(request.path_params["run"]), headers=_SAFE)
        except TraceError as error:
            return PlainTextResponse(str(error), 404, headers=_SAFE)

    def file(request: Request) -> Response:
        if agent.settings.backend != "workspace":
            return PlainTextResponse("There is no workspace folder.", 404)
        return workspace_file(agent.settings.workspace, request.path_params["path"])

    return [
        Route("/ui/vis-network.js", lambda request: FileResponse(VIS_NETWORK)),
        Mount("/ui", _Assets(directory=ASSETS)),
        Route("/trace/{run}.json", trace),
        Route("/files/{path:path}", file),
        *downloads(agent),
    ]


def workspace_file(root: Path, path: str) -> Response:
    """A file of the workspace, to read: text as text, so that none of it is ever run.

    Pictures and PDFs are shown; what is neither is offered for saving. Hidden
    files, and whatever lies outside, are not there.
    """
    root = root.resolve()
    try:
        found = (root / path).resolve()
        relative = found.relative_to(root)
        # A message of a Maildir has the flags behind a colon in its name.
        exists = found.is_file()
    except (OSError, ValueError):
        return PlainTextResponse("There is no such file.", 404, headers=_SAFE)
    if not exists or any(part.startswith(".") for part in relative.parts):
        return PlainTextResponse("There is no such file.", 404, headers=_SAFE)
    kind = mimetypes.guess_type(found.name)[0] or ""
    shown, headers = "inline", dict(_SAFE)
    if found.suffix.lower() in _TEXT or relative.parts[0] == "mail":
        kind = "text/plain; charset=utf-8"
    elif kind not in _AS_IT_IS:
        kind, shown = "application/octet-stream", "attachment"
    if kind == "application/pdf":
        # The browser's own viewer does not work in a sandbox.
        del headers["Content-Security-Policy"]
    headers["Content-Disposition"] = f"{shown}; filename*=UTF-8''{quote(found.name)}"
    return FileResponse(found, media_type=kind, headers=headers)


def require_free(port: int) -> None:
    """See, before models are loaded, that nobody else listens.

    Raises:
        SettingsError: the port is in use, or none.
    """
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((HOST, port))
    except (OSError, OverflowError) as error:
        raise SettingsError(
            f"port {port} cannot be used: {error}; is TinyAgent running already? "
            "Else choose another one with --port"
        ) from error


class OwnOrigin:
    """Refuses what another origin's page sends: its ``Origin`` is not the host it asks."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            headers = Headers(scope=scope)
            origin = headers.get("origin")
            if origin is not None and origin != f"http://{headers.get('host')}":
                response = PlainTextResponse("This page may not use TinyAgent.", 403)
                await response(scope, receive, send)
                return
        await self._app(scope, receive, send)


class _Assets(StaticFiles):
    """Asked for anew each time, and sent if changed: an update shows at once."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        return response
