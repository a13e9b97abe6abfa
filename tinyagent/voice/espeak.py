"""Text to speech with ``espeak-ng``: a program's voice to evaluate and to test with."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tinyagent.errors import SettingsError


@dataclass(frozen=True)
class Voice:
    """How it speaks: the program's name for the voice, and words a minute."""

    name: str
    speed: int

    def __str__(self) -> str:
        return f"{self.name} at {self.speed}"


VOICES = (
    Voice("en-gb", 140),
    Voice("en-us", 150),
    Voice("en-gb-x-rp+f2", 130),
    Voice("en-us+f3", 140),
)
"""Two accents and both sexes, at several speeds."""
_GAP = "4"
"""Hundredths of a second between words, as of a person who dictates. Without it tiny.en gets
three words of ten wrong, with it two."""


def speak(text: str, path: Path, voice: Voice = VOICES[0]) -> Path:
    """Speak the text into a WAV file.

    Raises:
        SettingsError: the program is not there, or has no such voice.
    """
    program = shutil.which("espeak-ng")
    if program is None:
        raise SettingsError("espeak-ng is not on the PATH; install it (apt install espeak-ng)")
    command = [program, "-v", voice.name, "-s", str(voice.speed), "-g", _GAP]
    command += ["-w", str(path), "--", text]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise SettingsError(f"espeak-ng, voice {voice.name}: {done.stderr.strip()}")
    return path
