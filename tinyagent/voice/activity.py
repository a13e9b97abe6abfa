"""Voice activity: when does somebody speak? By Silero's detector in faster-whisper."""

from __future__ import annotations

from tinyagent.voice.audio import RATE, Samples

SHORTEST = 250
"""Milliseconds of speech; a click or a cough is shorter."""


def speech(samples: Samples, pause: float = SHORTEST / 1000) -> list[tuple[float, float]]:
    """The stretches in which somebody speaks, as seconds from the beginning.

    Args:
        samples: see ``audio``.
        pause: seconds of silence that part two stretches.
    """
    from faster_whisper.vad import get_speech_timestamps

    if not samples.size:
        return []
    stretches = get_speech_timestamps(
        samples,
        min_speech_duration_ms=SHORTEST,
        min_silence_duration_ms=int(pause * 1000),
        speech_pad_ms=0,
    )
    return [(float(each["start"]) / RATE, float(each["end"]) / RATE) for each in stretches]
