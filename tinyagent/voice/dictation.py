"""A request that is being spoken: sound in, the words so far and whether it is over out."""

from __future__ import annotations

from tinyagent.errors import AudioError
from tinyagent.voice.activity import speech
from tinyagent.voice.audio import Samples, Stream
from tinyagent.voice.listener import NOTHING_SAID, Listener
from tinyagent.voice.streaming import WordsSoFar
from tinyagent.voice.transcriber import Transcript

LONGEST = 600.0
"""Seconds that one may speak; then the recording ends by itself, and is written down."""
PAUSE = 1.5
"""Seconds of silence after speech that end a recording where hands-free is on."""
_LOOKED_AT = 8.0
"""Seconds at its end in which speech is looked for."""


class Dictation:
    """One recording, while it goes on. Any thread may use it.

    Args:
        listener: writes it down.
        rate: samples a second that the microphone gives.
        hands_free: a pause after speech ends it.

    Raises:
        AudioError: no microphone has such a rate.
    """

    def __init__(self, listener: Listener, rate: int, hands_free: bool) -> None:
        self._listener = listener
        self._stream = Stream(rate)
        self._words = WordsSoFar(listener, self._stream)
        self._hands_free = hands_free
        self._spoken = 0.0

    def add(self, piece: bytes) -> None:
        """Take in the next piece, as ``Stream.add``; none once it has come to its longest."""
        if not self.full:
            self._stream.add(piece)

    @property
    def seconds(self) -> float:
        """How long it has been going on."""
        return self._stream.seconds

    @property
    def full(self) -> bool:
        """Whether it has come to its longest."""
        return self._stream.seconds >= LONGEST

    def partial(self) -> str:
        """The words so far, as ``WordsSoFar.look``; by one thread at a time.

        Raises:
            ModelError: the speech model is missing or damaged.
        """
        return self._words.look()

    def over(self) -> bool:
        """Whether it should end: after a pause where hands-free is on, or at its longest."""
        if self.full:
            return True
        if not self._hands_free:
            return False
        seconds = self._stream.seconds
        began = max(0.0, seconds - _LOOKED_AT)
        spoken = speech(self._stream.since(began, _LOOKED_AT))
        if spoken:
            self._spoken = began + spoken[-1][1]
        return self._spoken > 0 and seconds - self._spoken >= PAUSE

    def finish(self) -> tuple[Samples, Transcript]:
        """All that was said, and its words.

        Raises:
            AudioError: nobody spoke.
            ModelError: as ``Listener.transcribe``.
        """
        samples = self._stream.finish()
        transcript = self._listener.transcribe(samples)
        if not transcript.text:
            raise AudioError(f"Your recording: {NOTHING_SAID}.")
        return samples, transcript
