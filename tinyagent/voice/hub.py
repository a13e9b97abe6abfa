"""Whisper's other models, as CTranslate2 files from the Hugging Face hub: fetched once, then kept.

They lie in the hub's own cache (``$HF_HOME``); a fetch that broke off goes on where it was.
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

from tinyagent.errors import ModelError
from tinyagent.voice.progress import Progress

_WHISPER = "tiny base base.en small small.en medium medium.en large-v1 large-v2 large-v3"
_DISTILLED = "small.en medium.en large-v2 large-v3"
REPOSITORIES = {
    **{name: f"Systran/faster-whisper-{name}" for name in _WHISPER.split()},
    **{f"distil-{name}": f"Systran/faster-distil-whisper-{name}" for name in _DISTILLED.split()},
    "large-v3-turbo": "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
}
"""The models by the names that people know them by, and where each is on the hub."""
_FILES = ["config.json", "preprocessor_config.json", "model.bin", "tokenizer.json", "vocabulary.*"]
"""All that a model is read from."""
_REPOSITORY = re.compile(r"\w[\w.-]*/\w[\w.-]*")


def repository(name: str) -> str | None:
    """Where a model is on the hub: by its name, or an ``owner/name`` of the hub as it is."""
    if _REPOSITORY.fullmatch(name):
        return name
    return REPOSITORIES.get(name)


def fetched(name: str, place: str, progress: Progress) -> Path:
    """The folder of a model; the hub is asked only where it is not kept yet.

    Args:
        name: what the user calls it.
        place: its repository on the hub.
        progress: told of the bytes that have come.

    Raises:
        ModelError: it is not kept, and cannot be fetched.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        return Path(snapshot_download(place, allow_patterns=_FILES, local_files_only=True))
    except LocalEntryNotFoundError:
        pass  # not here yet, or only a part of it
    bar = _bar(f"Fetching the speech model {name}", progress)
    try:
        return Path(snapshot_download(place, allow_patterns=_FILES, tqdm_class=bar))
    except Exception as error:  # whatever a network can raise
        reason = str(error).strip().split("\n")[0]
        raise ModelError(
            f"speech model {name}: it cannot be fetched from the hub ({type(error).__name__}: "
            f"{reason}); try again when this computer is connected, or set `voice` to tiny.en or "
            "to the model's folder"
        ) from error


def _bar(what: str, progress: Progress) -> Any:
    """A class of progress bar that draws nothing, and tells of the bytes."""
    from tqdm.std import tqdm

    class Bytes(tqdm):  # type: ignore[misc]
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options | {"file": io.StringIO(), "leave": False})

        def display(self, *_: Any, **__: Any) -> None:
            # The other bars count files.
            if self.unit == "B" and self.n:
                progress(what, self.n, max(self.total or 0, self.n))

    return Bytes
