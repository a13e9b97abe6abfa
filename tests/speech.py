"""Recordings for tests: spoken by espeak-ng, in the formats of browsers and phones."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

from tinyagent.voice.audio import RATE, Samples, read_audio, write_wav
from tinyagent.voice.espeak import Voice, speak

CODECS = {
    "wav": "pcm_s16le",
    "webm": "libopus",
    "mp3": "libmp3lame",
    "m4a": "aac",
    "flac": "flac",
}


def say(text: str, path: Path, voice: str = "en-gb", speed: int = 140) -> Path:
    """A WAV file in which the text is spoken; ``speed`` is in words a minute."""
    return speak(text, path, Voice(voice, speed))


def with_silence(path: Path, before: float = 0.5, after: float = 0.5) -> Path:
    """Put seconds of silence around what is said."""
    samples = read_audio(path)
    quiet = [np.zeros(int(seconds * RATE), np.float32) for seconds in (before, after)]
    write_wav(path, np.concatenate([quiet[0], samples, quiet[1]]))
    return path


def as_format(source: Path, ending: str, rate: int = 48_000) -> Path:
    """The same recording in another format, beside the source."""
    samples: Samples = read_audio(source)
    target = source.with_name(f"{source.stem}-as.{ending}")
    whole = (samples * 32767).astype(np.int16)[None, :]
    with av.open(str(target), "w") as container:
        stream = container.add_stream(CODECS[ending], rate=rate)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(whole, format="s16", layout="mono")
        frame.sample_rate = RATE
        resampler = av.AudioResampler(
            format=stream.format.name, layout="mono", rate=rate, frame_size=stream.frame_size or 960
        )
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return target
