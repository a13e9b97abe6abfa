"""Recordings with what is said in them, to fine-tune speech models on.

The usual form of an audio folder: WAV files, and ``metadata.jsonl`` with a line for each
(``datasets.load_dataset("audiofolder", data_dir=…)`` reads it).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

from tinyagent.traces.rows import Trace


def speech_folder(traces: Iterable[Trace], target: Path) -> int:
    """Write the runs that were spoken into a folder; those that were typed are left out."""
    target.mkdir()
    written = 0
    with (target / "metadata.jsonl").open("w", encoding="utf-8") as lines:
        for trace in traces:
            recording = trace["recording"]
            if recording is None:
                continue
            sound = Path(recording["file"])
            shutil.copyfile(sound, target / sound.name)
            row = {
                "file_name": sound.name,
                "transcription": recording["said"],
                "understood": recording["text"],
                "seconds": recording["audio_seconds"],
            }
            lines.write(json.dumps(row, ensure_ascii=False) + "\n")
            written += 1
    return written
