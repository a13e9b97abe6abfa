"""Recordings as samples: files of any usual format, and what a microphone sends in pieces.

Samples are float32, mono, 16 kHz, from -1 to 1, as Whisper takes them.
"""

from __future__ import annotations

import threading
import wave
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyagent.errors import AudioError

Samples = NDArray[np.float32]
"""Shape (samples,)."""

RATE = 16_000
"""Samples a second."""
LONGEST = 3600.0
"""Seconds of a recording that are taken; an hour is 230 MB of samples."""
_FORMATS = "WAV, WebM, MP3, M4A, FLAC or Ogg"


def read_audio(path: Path) -> Samples:
    """The samples of a recording, resampled and mixed down.

    Raises:
        AudioError: the file is missing, is no audio, is damaged, holds nothing, or is
            longer than ``LONGEST``.
    """
    import av  # it takes a while, and few commands need it
    from av.error import FFmpegError

    if not path.is_file():
        raise AudioError(f"{path}: there is no such file; give a recording ({_FORMATS})")
    pieces: list[NDArray[np.int16]] = []
    taken = 0
    try:
        with av.open(str(path), metadata_errors="ignore") as container:
            if not container.streams.audio:
                raise AudioError(f"{path}: it has no sound in it; give a recording ({_FORMATS})")
            resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
            for frame in container.decode(audio=0):
                frame.pts = None
                for even in resampler.resample(frame):
                    pieces.append(_samples(even))
                    taken += pieces[-1].size
                if taken > LONGEST * RATE:
                    raise AudioError(
                        f"{path}: it is longer than {LONGEST / 60:.0f} minutes; cut it in pieces"
                    )
            pieces += [_samples(even) for even in resampler.resample(None)]
    except OSError as error:
        # FFmpeg's errors of the file system are OSErrors too.
        raise AudioError(f"{path}: it cannot be read ({error.strerror or error})") from error
    except (FFmpegError, ValueError) as error:
        raise _no_audio(path) from error
    if not taken:
        raise _no_audio(path)
    return to_float(np.concatenate(pieces))


def to_float(samples: NDArray[np.int16]) -> Samples:
    """Whole numbers of 16 bits as floats from -1 to 1."""
    return samples.astype(np.float32) / 32768.0


def write_wav(path: Path, samples: Samples) -> None:
    """Write samples as a WAV file of 16 bits, readable by the user only.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        whole = np.clip(samples * 32768.0, -32768, 32767).astype("<i2")
        file.writeframes(whole.tobytes())


class Stream:
    """A recording that comes in pieces, as a microphone gives it.

    Pieces are resampled as one stream: resampled one by one, each would click at
    its ends.

    Args:
        rate: samples a second of the pieces.

    Raises:
        AudioError: no microphone has such a rate.
    """

    def __init__(self, rate: int) -> None:
        import av

        if not 8_000 <= rate <= 384_000:
            raise AudioError(f"the microphone's sound cannot be read: {rate} samples a second")
        self._rate = rate
        self._resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
        self._pieces: list[NDArray[np.int16]] = []
        self._count = 0
        self._odd = b""
        self._lock = threading.Lock()

    def add(self, piece: bytes) -> None:
        """Take in the next piece: whole numbers of 16 bits, mono, the low byte first."""
        import av

        with self._lock:
            piece = self._odd + piece
            even = len(piece) // 2 * 2
            self._odd = piece[even:]
            if not even:
                return
            samples = np.frombuffer(piece[:even], dtype="<i2").astype(np.int16)
            frame = av.AudioFrame.from_ndarray(samples[None, :], format="s16", layout="mono")
            frame.sample_rate = self._rate
            self._keep(frame)

    def finish(self) -> Samples:
        """All that came, to the last sample; nothing more can be added."""
        with self._lock:
            self._keep(None)
            return to_float(np.concatenate([np.zeros(0, np.int16), *self._pieces]))

    @property
    def seconds(self) -> float:
        """How much came so far."""
        return self._count / RATE

    def since(self, start: float, seconds: float) -> Samples:
        """What came from a time on, at most that long."""
        first = int(start * RATE)
        with self._lock:
            found: list[NDArray[np.int16]] = []
            at = self._count
            for piece in reversed(self._pieces):
                if at <= first:
                    break
                at -= piece.size
                found.insert(0, piece)
        whole = np.concatenate([np.zeros(0, np.int16), *found])
        return to_float(whole[max(0, first - at) :][: int(seconds * RATE)])

    def _keep(self, frame: Any) -> None:
        for even in self._resampler.resample(frame):
            self._pieces.append(_samples(even))
            self._count += self._pieces[-1].size


def _samples(frame: Any) -> NDArray[np.int16]:
    """Those of a frame of FFmpeg's, mono and of 16 bits."""
    samples: NDArray[np.int16] = frame.to_ndarray().ravel()
    return samples


def _no_audio(path: Path) -> AudioError:
    return AudioError(f"{path}: it is damaged or is no recording; give another ({_FORMATS})")
