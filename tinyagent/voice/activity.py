"""Voice activity: until when does somebody speak? By Silero's detector in faster-whisper."""

from __future__ import annotations

from tinyagent.voice.audio import RATE, Samples

SHORTEST = 250
"""Milliseconds of speech; a click or a cough is shorter."""


def speech_ends(samples: Samples) -> float | None:
    """Seconds from the beginning to the end of the last speech; None where nobody speaks."""
    from faster_whisper.vad import get_speech_timestamps

    if not samples.size:
        return None
    stretches = get_speech_timestamps(
        samples,
        min_speech_duration_ms=SHORTEST,
        min_silence_duration_ms=SHORTEST,
        speech_pad_ms=0,
    )
    return float(stretches[-1]["end"]) / RATE if stretches else None
