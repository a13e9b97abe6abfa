"""Routes that hand out what traces hold: exports in every format, and recordings."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from tinyagent.agent import TinyAgent
from tinyagent.errors import TinyAgentError
from tinyagent.traces.exports import FORMATS, export
from tinyagent.traces.filters import Filter
from tinyagent.traces.store import TraceStore
from tinyagent.voice.recordings import recording_of

_QUIET = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}


def downloads(agent: TinyAgent) -> Sequence[BaseRoute]:
    """``/export?format=…&FILTERS`` and ``/audio/RUN.wav``."""

    def exported(request: Request) -> Response:
        asked = request.query_params
        format = asked.get("format", "")
        folder = Path(tempfile.mkdtemp(prefix="tinyagent-export-"))
        name = f"{asked.get('id') or 'traces'}-{format}{_ending(format)}"
        target = folder / Path(name).name
        try:
            redact = asked.get("redact") == "1"
            export(TraceStore(agent.traces.path), Filter.of(asked), format, target, redact)
        except TinyAgentError as error:
            shutil.rmtree(folder)
            return PlainTextResponse(str(error), 400, headers=_QUIET)
        if target.is_dir():
            target = Path(shutil.make_archive(str(target), "zip", target))
        done = BackgroundTask(shutil.rmtree, folder)
        return FileResponse(target, filename=target.name, headers=_QUIET, background=done)

    def audio(request: Request) -> Response:
        sound = recording_of(agent.settings.traces, request.path_params["run"])
        if not sound.is_file():
            return PlainTextResponse("There is no such recording.", 404, headers=_QUIET)
        return FileResponse(sound, media_type="audio/wav", headers=_QUIET)

    return [Route("/export", exported), Route("/audio/{run}.wav", audio)]


def _ending(format: str) -> str:
    return FORMATS[format].ending if format in FORMATS else ""
