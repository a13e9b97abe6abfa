"""``tinyagent ask --audio``: a request that is said in a file."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from tinyagent.commands.console import progress_bar
from tinyagent.voice.listener import Listener
from tinyagent.voice.recordings import keep

if TYPE_CHECKING:
    from tinyagent.agent import TinyAgent


def ask_aloud(
    agent: TinyAgent, audio: Path, now: datetime, asks: bool, remembered: bool = True
) -> str:
    """Begin a run with what is said in a file; the run's id.

    ``asks`` and ``remembered`` are as in ``TinyAgent.start``. Says on stderr what was
    heard, and which known names were put in.

    Raises:
        AudioError: it is no recording, or nobody speaks in it.
        ModelError: the speech model is missing or damaged.
        TraceError: the recording cannot be kept.
    """
    with progress_bar() as progress:
        samples, transcript = Listener(agent.settings, agent.names, progress).request(audio)
    typer.echo(f"Heard: {transcript.text}", err=True)
    for change in transcript.changes:
        typer.echo(f"  {change.name}: heard as “{change.heard}”", err=True)
    run = agent.start(transcript.text, now, source="cli", asks=asks, remembered=remembered)
    keep(agent.settings, run, samples, transcript, transcript.text)
    return run
