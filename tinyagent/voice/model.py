"""The speech model: the shipped one, another of Whisper's by name, or a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tinyagent.errors import ModelError
from tinyagent.models import find
from tinyagent.settings import Settings

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

SHIPPED = "tiny.en"
_FILES = ("", "-config", "-tokenizer", "-vocabulary")
"""Of ``whisper-tiny-en`` in the manifest; the model reads all of them."""


def load_model(settings: Settings) -> WhisperModel:
    """The speech model that the settings name, as int8 on the CPU.

    Raises:
        ModelError: it is missing, damaged, or not to be had from the hub.
    """
    folder = model_folder(settings)
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


def model_folder(settings: Settings) -> Path:
    """The folder of the speech model; one of Whisper's other models is fetched from the hub once.

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
    from faster_whisper.utils import available_models, download_model

    if settings.voice not in available_models():
        raise ModelError(
            f"speech model {settings.voice}: there is no such folder or model; set `voice` to a "
            f"folder or one of {', '.join(available_models())}"
        )
    try:
        return Path(download_model(settings.voice))
    except Exception as error:  # whatever a network can raise
        raise ModelError(
            f"speech model {settings.voice}: it cannot be fetched from the hub "
            f"({type(error).__name__}); set `voice` to {SHIPPED}, or to its folder"
        ) from error
