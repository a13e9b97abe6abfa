"""The ear of the page and the command line: speech in, words with the known names out."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from tinyagent.errors import AudioError, ToolError
from tinyagent.settings import Settings
from tinyagent.voice.audio import Samples, read_audio
from tinyagent.voice.model import load_model
from tinyagent.voice.names import KnownNames
from tinyagent.voice.progress import Progress, unseen
from tinyagent.voice.transcriber import Transcriber, Transcript, Word

_log = logging.getLogger(__name__)
NOTHING_SAID = "nobody speaks in it; say it again, closer to the microphone"


class Listener:
    """Writes down what is said. The model is loaded when it is first needed.

    Args:
        settings: ``voice``, ``models`` and ``threads`` are read.
        names: gives the names in use, by what they name; asked anew each time, as they change.
        progress: told where the model has to be fetched, and how far a long recording is.
    """

    def __init__(
        self,
        settings: Settings,
        names: Callable[[], Mapping[str, Iterable[str]]],
        progress: Progress = unseen,
    ) -> None:
        self._settings = settings
        self._names = names
        self._progress = progress
        self._transcriber: Transcriber | None = None
        self._lock = threading.Lock()

    def ready(self) -> Transcriber:
        """The speech model, loaded.

        Raises:
            ModelError: it is missing or damaged.
        """
        with self._lock:
            if self._transcriber is None:
                self._transcriber = Transcriber(load_model(self._settings, self._progress))
            return self._transcriber

    def transcribe(self, samples: Samples) -> Transcript:
        """Write down a whole recording; the text is "" where nobody speaks.

        Where the names cannot be read (Contacts of a Mac may refuse), none is put in.

        Raises:
            ModelError: as ``ready``.
        """
        try:
            names = self._names()
        except ToolError as error:
            _log.warning("no known names: %s", error)
            names = {}
        return self.ready().transcribe(samples, KnownNames(names), self._progress)

    def partial(self, samples: Samples, before: str = "", begun: str = "") -> list[Word]:
        """The words of a part of a recording that goes on, as ``Transcriber.partial``.

        Raises:
            ModelError: as ``ready``.
        """
        return self.ready().partial(samples, before, begun)

    def request(self, path: Path) -> tuple[Samples, Transcript]:
        """A spoken request in a file: its samples, and its words.

        Raises:
            AudioError: it is no recording, or nobody speaks in it.
            ModelError: as ``transcribe``.
        """
        samples = read_audio(path)
        transcript = self.transcribe(samples)
        if not transcript.text:
            raise AudioError(f"{path}: {NOTHING_SAID}")
        return samples, transcript
