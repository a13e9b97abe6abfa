"""The words of a recording while it goes on, each look at them at a bounded cost.

Whisper hears a sound from its beginning, so what is written down must be let go of, or each look
costs more than the one before. Words are settled, and their sound is not heard again:

- before a pause, where the sentence stands by itself;
- where ``ENOUGH`` seconds came without one, as far as two looks in a row agree (LocalAgreement-2
  of Macháček, Dabre and Bojar: Turning Whisper into Real-Time Transcription System, 2023);
- where they do not agree, once ``BOUND`` seconds came, all words but those at the very end.

In the middle of a sentence no sound can be cut off cleanly: the last settled words are heard once
more, and the decoder goes on after them.
"""

from __future__ import annotations

from itertools import takewhile

from tinyagent.backends.workspace.match import fold
from tinyagent.voice.activity import speech
from tinyagent.voice.audio import RATE, Samples, Stream
from tinyagent.voice.listener import Listener
from tinyagent.voice.names import core
from tinyagent.voice.transcriber import Word

BOUND = 8.0
"""Seconds of sound that are given to the model at one look, at most."""
ENOUGH = 5.0
"""Seconds of speech without a pause from which agreed words are settled."""
PAUSE = 0.5
"""Seconds of silence that end a sentence."""
LAST = 2.0
"""Seconds at the end of ``BOUND`` whose words may be cut off."""
_MARGIN = 0.3
"""Seconds of sound before speech that are heard too: it may begin softly."""
_SILENCE = 1.0
"""Seconds of silence that wait for speech, which is noticed only after it began."""
_AGAIN = 3
"""Settled words that are heard once more."""
_TOLD = 12
"""Settled words that the model is told of besides."""
_STEP = 1.0
"""Seconds that settling words in the middle of a sentence must let go of, at least."""


class WordsSoFar:
    """What was said in a recording until now. One thread at a time.

    Args:
        listener: writes it down.
        stream: the recording.
    """

    def __init__(self, listener: Listener, stream: Stream) -> None:
        self._listener = listener
        self._stream = stream
        self._settled: list[str] = []
        self._begin = 0.0
        """Seconds into the recording from which sound is heard again."""
        self._again = 0
        """Settled words that are said at the beginning of that sound."""
        self._open: list[str] = []
        """Words of the last look that are not settled."""

    def look(self) -> str:
        """The words so far. Where much sound came at once, the next looks catch up.

        Raises:
            ModelError: the speech model is missing or damaged.
        """
        sound = self._stream.since(self._begin, BOUND)
        length = sound.size / RATE
        stretches = speech(sound, PAUSE)
        ended = [end for _, end in stretches if end + PAUSE <= length]
        gone = 0.0
        if ended:
            begin = self._from(stretches[0][0])
            gone = ended[-1] + PAUSE / 2
            self._settle(self._hear(sound, begin, gone), again=0)
        if len(ended) < len(stretches):
            begin = max(gone, self._from(stretches[-1][0]))
            words = self._hear(sound, begin, length)
            gone = begin + self._go_on(words, length - begin)
        elif length > _SILENCE:
            self._settle([], again=0)
            gone = max(gone, length - _SILENCE)
        self._begin += gone
        return " ".join([*self._settled, *self._open])

    def _from(self, start: float) -> float:
        """Where to hear speech from that starts there."""
        return 0.0 if self._again else max(0.0, start - _MARGIN)

    def _hear(self, sound: Samples, begin: float, end: float) -> list[Word]:
        """The words between two times that are not settled; their times count from ``begin``."""
        known = len(self._settled) - self._again
        told = " ".join(self._settled[max(0, known - _TOLD) : known])
        again = " ".join(self._settled[known:])
        return self._listener.partial(sound[int(begin * RATE) : int(end * RATE)], told, again)

    def _go_on(self, words: list[Word], seconds: float) -> float:
        """Settle what can be of a sentence that goes on; seconds that need not be heard again."""
        agreed = _agreement(self._open, words)
        self._open = [word.text for word in words]
        if seconds < ENOUGH:
            return 0.0
        full = seconds >= BOUND - _STEP
        if full:
            agreed = max(agreed, sum(word.end <= seconds - LAST for word in words))
        count = max(0, min(agreed, len(words) - 1))
        first = max(0, count - _AGAIN)
        gone = words[first].start if count else 0.0
        if gone < _STEP:
            if not full:
                return 0.0
            first, gone = count, seconds - LAST
        self._settle(words[:count], again=count - first)
        self._open = [word.text for word in words[count:]]
        return gone

    def _settle(self, words: list[Word], again: int) -> None:
        self._settled += [word.text for word in words]
        self._again = again
        self._open = []


def _agreement(before: list[str], words: list[Word]) -> int:
    """How many words at the beginning are the same, but for punctuation and capitals."""
    pairs = zip(before, words, strict=False)
    return sum(1 for _ in takewhile(lambda pair: _plain(pair[0]) == _plain(pair[1].text), pairs))


def _plain(word: str) -> str:
    return fold(core(word))
