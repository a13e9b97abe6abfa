"""The page's server: on this computer, for this computer's own page only.

Told to listen at another address, it asks for a password with every request.

Beside Gradio's routes it serves the page's scripts, files of the workspace to
read, and traces. Every request must be addressed to this computer, and one
that a page sent must come from the server's own page: as Gradio comes, any
web page that the user visits could run its functions.
"""

from __future__ import annotations

import base64
import mimetypes
import secrets
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
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from tinyagent.agent import TinyAgent
from tinyagent.errors import SettingsError, TraceError
from ui.downloads import downloads
from ui.voice import Voice

HOST = "127.0.0.1"
PASSWORD_VARIABLE = "TINYAGENT_PASSWORD"
SHORTEST_PASSWORD = 12
_STARTED = "/gradio_api/startup-events"
"""Gradio asks itself this once it is up; the answer says nothing."""
ASSETS = Path(__file__).parent / "assets"
VIS_NETWORK = Path(pyvis.__file__).parent / "templates/lib/vis-9.1.2/vis-network.min.js"

_AS_IT_IS = {"application/pdf", "image/png", "image/jpeg", "image/gif", "image/webp"}
_TEXT = {".md", ".txt", ".csv", ".ics", ".vcf", ".eml", ".json", ".html", ".htm", ".svg", ".xml"}
_SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "Cache-Control": "no-store",
}


def app_options(
    agent: TinyAgent, voice: Voice, host: str = HOST, password: str = ""
) -> dict[str, Any]:
    """What ``launch(app_kwargs=…)`` needs: the guards, and the routes beside Gradio's."""
    spoken = WebSocketRoute("/voice", voice.microphone)
    return {"middleware": guards(host, password), "routes": [*routes(agent), spoken]}


def guards(host: str = HOST, password: str = "") -> list[Middleware]:
    """Refuse other hosts' names (400), other pages' requests (403), no password (401)."""
    own = [HOST, "localhost"] if host == HOST else [host]
    asked = [Middleware(Password, password=password)] if password else []
    return [
        Middleware(TrustedHostMiddleware, allowed_hosts=own),
        Middleware(OwnOrigin),
        *asked,
    ]


def require_password(host: str, password: str) -> None:
    """See that whoever is let in from other computers has to know a password.

    Raises:
        SettingsError: there is none, it is short, or the address names no one place.
    """
    if host == HOST:
        return
    if host in ("0.0.0.0", "::", ""):
        raise SettingsError(
            f"--host {host}: give the one address at which others reach this computer"
        )
    if len(password) < SHORTEST_PASSWORD:
        raise SettingsError(
            f"--host {host} lets in other computers: set ${PASSWORD_VARIABLE} to a password of at "
            f"least {SHORTEST_PASSWORD} characters"
        )


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


def require_free(port: int, host: str = HOST) -> None:
    """See, before models are loaded, that nobody else listens.

    Raises:
        SettingsError: the port is in use, or none.
    """
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
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


class Password:
    """Lets in who knows the password: HTTP Basic, under any user name."""

    def __init__(self, app: ASGIApp, password: str) -> None:
        self._app = app
        self._password = password.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asks = scope["type"] in ("http", "websocket") and scope["path"] != _STARTED
        if asks and not self._knows(Headers(scope=scope).get("authorization", "")):
            ask = {"WWW-Authenticate": 'Basic realm="TinyAgent", charset="UTF-8"'}
            response = PlainTextResponse("TinyAgent asks for its password.", 401, headers=ask)
            await response(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _knows(self, header: str) -> bool:
        kind, _, pair = header.partition(" ")
        try:
            given = base64.b64decode(pair, validate=True).partition(b":")[2]
        except ValueError:
            return False
        return kind.lower() == "basic" and secrets.compare_digest(given, self._password)


class _Assets(StaticFiles):
    """Asked for anew each time, and sent if changed: an update shows at once."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        return response
