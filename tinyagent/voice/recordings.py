"""What was said, kept beside the trace: ``audio/RUN.wav``, and ``audio/RUN.json`` about it.

A trace can so be listened to, and what was really said is the label of its recording: the
request as it was sent, or the words that a person wrote later (``correct``). Delete the
folder, and what was said is forgotten.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rapidfuzz import fuzz

from tinyagent.errors import TraceError
from tinyagent.settings import Settings

if TYPE_CHECKING:
    from tinyagent.voice.audio import Samples
    from tinyagent.voice.transcriber import Transcript

FOLDER = "audio"
_SAME_WORDS = 70.0
"""Percent of likeness to what was understood from which a request is a correction of it."""
_OTHER_WORDS = 50.0
"""Below this, no part of the request is what was said: those words were thrown away."""


def keep(
    settings: Settings, run: str, samples: Samples, transcript: Transcript, request: str
) -> Path | None:
    """Keep a spoken request.

    Args:
        settings: ``keep_audio`` and ``traces`` are read.
        run: id of the run, and of its trace.
        samples: what was said.
        transcript: what was understood.
        request: what was sent in the end.

    Returns:
        The WAV file; None where the settings keep none, or another request was typed instead.

    Raises:
        TraceError: it cannot be written.
    """
    from tinyagent.voice.audio import write_wav

    understood, sent = transcript.text.casefold(), request.casefold()
    if not settings.keep_audio or fuzz.partial_ratio(understood, sent) < _OTHER_WORDS:
        return None
    corrected = fuzz.ratio(understood, sent) >= _SAME_WORDS
    sound = recording_of(settings.traces, run)
    about: dict[str, Any] = {"run": run, "audio": sound.name, "request": request}
    about |= {"said": request if corrected else transcript.text, "model": settings.voice}
    try:
        write_wav(sound, samples)
        _write(sound, about | asdict(transcript))
    except OSError as error:
        raise TraceError(
            f"{sound}: the recording cannot be kept ({error.strerror}); give yourself the right "
            "to write there, or set keep_audio to false"
        ) from error
    return sound


def correct(traces: Path, run: str, words: str) -> None:
    """Write down what a recording really says.

    Args:
        traces: the trace log that the run is in.
        run: its id.
        words: what is said.

    Raises:
        TraceError: there is no recording of it, or it cannot be written.
    """
    sound = recording_of(traces, run)
    about = about_recording(traces, run)
    if about is None:
        raise TraceError(f"{sound}: there is no such recording; `tinyagent traces list` shows runs")
    try:
        del about["file"]
        _write(sound, about | {"said": words})
    except OSError as error:
        raise TraceError(f"{sound}: the words cannot be written ({error.strerror})") from error


def about_recording(traces: Path, run: str) -> dict[str, Any] | None:
    """What is known of a recording: ``file``, ``said``, ``request``, the fields of its transcript.

    None where there is no recording of that run.

    Raises:
        TraceError: it cannot be read.
    """
    sound = recording_of(traces, run)
    note = sound.with_suffix(".json")
    if not sound.is_file() or not note.is_file():
        return None
    try:
        about: dict[str, Any] = json.loads(note.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise TraceError(f"{note}: it cannot be read ({error}); delete it") from error
    return about | {"file": str(sound)}


def forget(traces: Path, run: str) -> None:
    """Delete the recording of a run, if there is one.

    Raises:
        TraceError: it cannot be deleted.
    """
    for path in _files(traces, run):
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise TraceError(f"{path}: it cannot be deleted ({error.strerror})") from error


def recording_of(traces: Path, run: str) -> Path:
    """Where the recording of a run is, if there is one; ``traces`` is the log it is in."""
    return traces.parent / FOLDER / f"{Path(run).name}.wav"


def _files(traces: Path, run: str) -> Iterator[Path]:
    sound = recording_of(traces, run)
    yield sound
    yield sound.with_suffix(".json")


def _write(sound: Path, about: dict[str, Any]) -> None:
    note = sound.with_suffix(".json")
    note.touch(mode=0o600)
    note.write_text(json.dumps(about, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
