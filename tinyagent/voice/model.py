"""The speech model: the shipped one, another of Whisper's by name, or a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tinyagent.errors import ModelError
from tinyagent.models import find
from tinyagent.settings import Settings
from tinyagent.voice.hub import REPOSITORIES, fetched, repository
from tinyagent.voice.progress import Progress, unseen

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

SHIPPED = "tiny.en"
_FILES = ("", "-config", "-tokenizer", "-vocabulary")
"""Of ``whisper-tiny-en`` in the manifest; the model reads all of them."""


def load_model(settings: Settings, progress: Progress = unseen) -> WhisperModel:
    """The speech model that the settings name, as int8 on the CPU.

    Args:
        settings: ``voice``, ``models`` and ``threads`` are read.
        progress: told where it has to be fetched from the hub.

    Raises:
        ModelError: it is missing, damaged, or not to be had from the hub.
    """
    folder = model_folder(settings, progress)
    from faster_whisper import WhisperModel

    try:
        return WhisperModel(
            str(folder), device="cpu", compute_type="int8", cpu_threads=settings.threads
        )
    except (RuntimeError, ValueError, OSError) as error:
        raise ModelError(
            f"speech model {folder}: it is no CTranslate2 Whisper model ({error}); set `voice` to "
            f"{SHIPPED} or to a folder that holds one"
        ) from error


def model_folder(settings: Settings, progress: Progress = unseen) -> Path:
    """The folder of the speech model; one of Whisper's other models is fetched from the hub once.

    Args:
        settings: as ``load_model``.
        progress: as ``load_model``.

    Raises:
        ModelError: as ``load_model``.
    """
    if settings.voice == SHIPPED:
        for file in _FILES:
            found = find(f"whisper-tiny-en{file}", settings.models)
        return found.parent
    named = Path(settings.voice).expanduser()
    if named.is_dir():
        return named
    place = repository(settings.voice)
    if place is None:
        raise ModelError(
            f"speech model {settings.voice}: there is no such folder or model; set `voice` to a "
            f"folder, to one of {', '.join([SHIPPED, *REPOSITORIES])}, or to OWNER/NAME on the hub"
        )
    return fetched(settings.voice, place, progress)
