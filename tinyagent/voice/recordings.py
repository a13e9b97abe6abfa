"""What was said, kept beside the trace: ``audio/RUN.wav``, and ``audio/RUN.json`` about it.

A trace can so be listened to, and the request as it was sent is the label of
its recording. Delete the folder, and what was said is forgotten.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tinyagent.errors import TraceError
from tinyagent.settings import Settings
from tinyagent.voice.audio import Samples, write_wav
from tinyagent.voice.transcriber import Transcript

FOLDER = "audio"


def keep(
    settings: Settings, run: str, samples: Samples, transcript: Transcript, request: str
) -> Path | None:
    """Keep a spoken request; the WAV file, or None where the settings keep none.

    Args:
        settings: ``keep_audio`` and ``traces`` are read.
        run: id of the run, and of its trace.
        samples: what was said.
        transcript: what was understood.
        request: what was sent in the end.

    Raises:
        TraceError: it cannot be written.
    """
    if not settings.keep_audio:
        return None
    sound = recording_of(settings, run)
    about: dict[str, Any] = {"run": run, "audio": sound.name, "request": request}
    about |= {"model": settings.voice} | asdict(transcript)
    try:
        write_wav(sound, samples)
        note = sound.with_suffix(".json")
        note.touch(mode=0o600)
        note.write_text(json.dumps(about, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise TraceError(
            f"{sound}: the recording cannot be kept ({error.strerror}); give yourself the right "
            "to write there, or set keep_audio to false"
        ) from error
    return sound


def recording_of(settings: Settings, run: str) -> Path:
    """Where the recording of a run is, if there is one."""
    return settings.traces.parent / FOLDER / f"{Path(run).name}.wav"
