"""``tinyagent transcribe``: what is said in recordings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from tinyagent.commands.console import explained, progress_bar
from tinyagent.errors import AudioError
from tinyagent.settings import Settings, load_settings


def transcribe(
    files: Annotated[list[Path], typer.Argument(help="WAV, WebM, MP3, M4A, FLAC or Ogg files.")],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print words, times and probabilities too.")
    ] = False,
    workspace: Annotated[Path | None, typer.Option(help="Whose names to know.")] = None,
) -> None:
    """Write down what is said in recordings."""
    status = 0
    rows: list[dict[str, Any]] = []
    with explained(), progress_bar() as progress:
        from tinyagent.voice.audio import read_audio
        from tinyagent.voice.listener import NOTHING_SAID, Listener

        settings = load_settings(workspace=workspace)
        listener = Listener(settings, lambda: _names(settings), progress)
        listener.ready()
        for file in files:
            try:
                transcript = listener.transcribe(read_audio(file))
            except AudioError as error:
                status = 2
                typer.echo(f"error: {error}", err=True)
                rows.append({"file": str(file), "error": str(error)})
                continue
            rows.append({"file": str(file)} | asdict(transcript))
            if not transcript.text:
                typer.echo(f"{file}: {NOTHING_SAID}", err=True)
            if not as_json:
                typer.echo(f"{file}: {transcript.text}" if len(files) > 1 else transcript.text)
                for change in transcript.changes:
                    typer.echo(f"  {change.name}: heard as “{change.heard}”", err=True)
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=1))
    raise typer.Exit(status)


def _names(settings: Settings) -> Mapping[str, list[str]]:
    """The names in use; none where there is no workspace yet, as this makes none."""
    from tinyagent.opening import open_backend

    if settings.backend == "workspace" and not settings.workspace.exists():
        return {}
    return open_backend(settings, datetime.now).names()
