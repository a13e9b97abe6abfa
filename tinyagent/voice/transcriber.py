"""From samples to words, and the known names put in where the speech model agrees.

The words are decoded without the names first. Given a list of names to listen
for, a small model writes them where nobody said them ("… to the airport. May."),
so what it writes with the list is taken as a hint only: each name that could
stand in the place of words it was unsure of is weighed by the likelihood that
the model itself, without any hint, gives the sentence with the name against the
sentence as decoded. All other words stay as they are.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyagent.backends.workspace.match import fold
from tinyagent.voice.audio import RATE, Samples
from tinyagent.voice.names import UNSURE, Candidate, KnownNames, core, in_place_of
from tinyagent.voice.progress import Progress, unseen

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

WRITING = "Writing it down"
"""What ``Progress`` is told of."""
_BEAMS = 5
"""Of a whole recording; a partial transcript has one."""
_WEIGHED = 8
"""Candidates of a sentence that are weighed; each costs about as much as a word decoded."""
_HINTS = 40
"""Names that are given to the decoder to listen for."""
ACCEPTED = -10.0
"""Nats that a name must reach: its log-likelihood ratio for each of its words, with ``_ALIKE`` and
``_HINTED``."""
_ALIKE = 60.0
"""Nats that full likeness in sound is worth, against none; counted from ``_LIKE``."""
_LIKE = 0.9
_HINTED = 2.0
"""Nats that it is worth that the decoder, told to listen for it, wrote the name there."""
_MARGIN = 0.2
"""Seconds of sound around a sentence."""
_NO_PAUSE = 500
"""Milliseconds of silence that part two stretches of speech."""
_TOKENS = 10
"""Tokens that are written of a second of a partial transcript at most: some models repeat
themselves without end."""
_FRAMES = 100
"""Of the encoder's input, a second."""
_PUNCTUATION = ("\"'“¿([{-", "\"'.。,，!！?？:：”)]}、")
"""Belongs to the word after it, and to the word before it; as where faster-whisper times words."""
_LONG = 30.0
"""Seconds from which it is told how far the work is: what Whisper hears at a time."""


@dataclass(frozen=True)
class Word:
    """One word of a transcript.

    Attributes:
        text: with its punctuation.
        start: seconds from the beginning of the recording.
        end: as ``start``.
        probability: the decoder's, from 0 to 1.
    """

    text: str
    start: float
    end: float
    probability: float


@dataclass(frozen=True)
class Change:
    """A known name that was put in the place of other words.

    Attributes:
        start: where it stands in the transcript's text, in characters.
        heard: what the decoder wrote.
        name: what stands there now.
        kind: what it names: "contacts", "notes", "folders" or "files".
        score: nats above the limit.
    """

    start: int
    heard: str
    name: str
    kind: str
    score: float


@dataclass(frozen=True)
class Transcript:
    """What was said.

    Attributes:
        text: with the known names put in; "" where nobody spoke.
        words: of the text.
        changes: the names that were put in, in order.
        audio_seconds: length of the recording.
        seconds: that the transcription took.
    """

    text: str
    words: tuple[Word, ...]
    changes: tuple[Change, ...]
    audio_seconds: float
    seconds: float


class Transcriber:
    """A speech model at work; any thread may use it, one at a time.

    Args:
        model: the speech model.
    """

    def __init__(self, model: WhisperModel) -> None:
        self._model = model
        self._language = None if model.model.is_multilingual else "en"
        self._lock = threading.Lock()

    def transcribe(
        self, samples: Samples, names: KnownNames | None = None, progress: Progress = unseen
    ) -> Transcript:
        """Write down a whole recording.

        Args:
            samples: see ``audio``.
            names: that this person uses; None puts none in.
            progress: told of the seconds that are written down, where there are many.
        """
        length = samples.size / RATE
        tell = progress if length > _LONG else unseen
        began = time.perf_counter()
        words: list[Word] = []
        changes: list[Change] = []
        with self._lock:
            for sentence in self._decode(samples):
                said = _words((w.word, w.start, w.end, w.probability) for w in sentence.words or [])
                named: list[_Put] = self._put_names(samples, said, names) if names else []
                _append(words, changes, said, named)
                tell(WRITING, min(float(sentence.end), length), length)
        tell(WRITING, length, length)
        return Transcript(
            _joined(words),
            tuple(words),
            tuple(changes),
            round(length, 3),
            round(time.perf_counter() - began, 3),
        )

    def partial(self, samples: Samples, before: str = "", begun: str = "") -> list[Word]:
        """The words of a part of a recording, quickly: heard once, as it is.

        Args:
            samples: at most 30 seconds, in which somebody speaks.
            before: what was said before them.
            begun: what is said at their beginning, where that is known; not given again.
        """
        with self._lock:
            sound = _Sound(self._model, samples, 0.0, samples.size / RATE, self._language)
            return sound.write(before, begun)

    def _decode(self, samples: Samples) -> Iterator[Any]:
        """Whisper's segments, of the stretches in which somebody speaks, each when it is ready."""
        if not samples.size:
            return
        segments, _ = self._model.transcribe(
            samples,
            language=self._language,
            beam_size=_BEAMS,
            temperature=0.0,  # the same recording gives the same words
            condition_on_previous_text=False,
            vad_filter=True,
            vad_parameters={"min_silence_duration_ms": _NO_PAUSE},
            word_timestamps=True,
        )
        yield from segments

    def _put_names(self, samples: Samples, said: Sequence[Word], names: KnownNames) -> list[_Put]:
        """The names to be put in, in order, none over another."""
        texts = [word.text for word in said]
        likely = [word.probability for word in said]
        if not said or min(likely) >= UNSURE:
            return []
        found = names.candidates(texts, likely)[:_WEIGHED]
        if not found:
            return []
        sound = _Sound(self._model, samples, said[0].start, said[-1].end)
        heard = sound.listen_for(list(dict.fromkeys(c.name.text for c in found))[:_HINTS])
        ratios = sound.compare(texts, [_with(texts, c) for c in found])
        puts = []
        for candidate, ratio in zip(found, ratios, strict=True):
            score = ratio / len(candidate.name.folded.split())
            score += _ALIKE * (candidate.alike - _LIKE)
            score += _HINTED * _stands(candidate, texts, heard)
            if score >= ACCEPTED:
                puts.append(_Put(candidate, score - ACCEPTED))
        puts.sort(key=lambda put: -put.score)
        kept: list[_Put] = []
        for put in puts:
            if not any(_overlap(put.candidate, other.candidate) for other in kept):
                kept.append(put)
        return sorted(kept, key=lambda put: put.candidate.first)


@dataclass(frozen=True)
class _Put:
    """A name that is put in."""

    candidate: Candidate
    score: float


class _Sound:
    """A sentence's sound, as the speech model's encoder hears it.

    Args:
        model: the speech model.
        samples: the whole recording.
        start: of the sentence, in seconds.
        end: of the sentence, in seconds.
        language: that is spoken; None for the one that the model hears.
    """

    def __init__(
        self,
        model: WhisperModel,
        samples: Samples,
        start: float,
        end: float,
        language: str | None = "en",
    ) -> None:
        from faster_whisper.audio import pad_or_trim
        from faster_whisper.tokenizer import Tokenizer

        self._model = model
        first, last = int((start - _MARGIN) * RATE), int((end + _MARGIN) * RATE)
        features = model.feature_extractor(samples[max(0, first) : last])
        self._frames = min(features.shape[-1], 3000)
        self._encoded = model.encode(pad_or_trim(features, 3000))
        if language is None:
            language = str(model.model.detect_language(self._encoded)[0][0][0])[2:-2]
        self._tokenizer = Tokenizer(
            model.hf_tokenizer, model.model.is_multilingual, task="transcribe", language=language
        )

    def write(self, before: str, begun: str) -> list[Word]:
        """The words, with times from the beginning of the sound; see ``Transcriber.partial``."""
        from faster_whisper.transcribe import merge_punctuations

        tokens, model = self._tokenizer, self._model
        told = tokens.encode(f" {before}") if before else []
        known = tokens.encode(f" {begun}") if begun else []
        prompt = [*model.get_prompt(tokens, told, without_timestamps=True), *known]
        most = _TOKENS * (1 + self._frames // _FRAMES)
        result = model.model.generate(
            self._encoded, [prompt], beam_size=1, max_length=len(prompt) + most
        )[0]
        written = [token for token in result.sequences_ids[0] if token < tokens.eot]
        words = model.find_alignment(tokens, [written], self._encoded, self._frames)[0]
        merge_punctuations(words, *_PUNCTUATION)
        new, count = [], 0
        for word in words:
            if word["word"].strip() and count >= len(known):
                new.append((word["word"], word["start"], word["end"], word["probability"]))
            count += len(word["tokens"])
        return _words(new)

    def listen_for(self, names: Sequence[str]) -> list[str]:
        """The sentence's words, decoded with the names as hotwords."""
        tokens = self._tokenizer
        prompt = self._model.get_prompt(
            tokens, [], without_timestamps=True, hotwords=", ".join(names)
        )
        result = self._model.model.generate(
            self._encoded, [prompt], beam_size=1, max_length=len(prompt) + 100
        )[0]
        return str(tokens.decode(result.sequences_ids[0])).split()

    def compare(self, texts: Sequence[str], others: Sequence[Sequence[str]]) -> list[float]:
        """log(p(other | sound) / p(texts | sound)) for each of the others, in nats."""
        import ctranslate2

        written = [self._tokenizer.encode(" " + " ".join(t)) for t in (texts, *others)]
        encoded = np.repeat(np.array(self._encoded), len(written), axis=0)
        results = self._model.model.align(
            ctranslate2.StorageView.from_array(encoded),
            self._tokenizer.sot_sequence,
            written,
            self._frames,
        )
        sums = [float(np.log(np.maximum(r.text_token_probs, 1e-9)).sum()) for r in results]
        return [total - sums[0] for total in sums[1:]]


def _words(pieces: Iterable[tuple[str, float, float, float]]) -> list[Word]:
    """Words from text, start, end and probability of each piece that faster-whisper aligned.

    It begins one at each hyphen and point, too ("e", "-mail"): a word begins with a space. The
    numbers may be NumPy's.
    """
    words: list[Word] = []
    for text, *numbers in pieces:
        start, end, probability = (round(float(number), 3) for number in numbers)
        if words and not text.startswith(" "):
            begun = words[-1]
            least = min(begun.probability, probability)
            words[-1] = Word(begun.text + text.rstrip(), begun.start, end, least)
        else:
            words.append(Word(text.strip(), start, end, probability))
    return words


def _with(texts: Sequence[str], candidate: Candidate) -> list[str]:
    end = candidate.first + candidate.count
    put = in_place_of(texts[candidate.first : end], candidate.name.text)
    return [*texts[: candidate.first], put, *texts[end:]]


def _stands(candidate: Candidate, texts: Sequence[str], heard: Sequence[str]) -> bool:
    """Whether the words heard with hints have the name where the candidate's span is."""
    mine = [fold(core(text)) for text in texts]
    theirs = [fold(core(text)) for text in heard]
    for tag, i, j, k, m in SequenceMatcher(None, mine, theirs, autojunk=False).get_opcodes():
        if tag == "replace" and i <= candidate.first and candidate.first + candidate.count <= j:
            return f" {candidate.name.folded} " in f" {' '.join(theirs[k:m])} "
    return False


def _overlap(one: Candidate, other: Candidate) -> bool:
    return one.first < other.first + other.count and other.first < one.first + one.count


def _append(
    words: list[Word], changes: list[Change], said: Sequence[Word], puts: Sequence[_Put]
) -> None:
    """Add a sentence's words to those of the transcript, with the names put in."""
    at = 0
    for put in puts:
        first, count = put.candidate.first, put.candidate.count
        words += said[at:first]
        span = said[first : first + count]
        text = in_place_of([word.text for word in span], put.candidate.name.text)
        heard = " ".join(word.text for word in span)
        start = len(_joined(words)) + bool(words)
        changes.append(Change(start, heard, text, put.candidate.name.kind, round(put.score, 2)))
        likely = min(word.probability for word in span)
        words += _spread(text, span[0].start, span[-1].end, likely)
        at = first + count
    words += said[at:]


def _spread(text: str, start: float, end: float, probability: float) -> list[Word]:
    """The words of a name, which share the time of those in whose place they stand."""
    parts = text.split()
    step = (end - start) / len(parts)
    return [
        Word(part, round(start + i * step, 3), round(start + (i + 1) * step, 3), probability)
        for i, part in enumerate(parts)
    ]


def _joined(words: Sequence[Word]) -> str:
    return " ".join(word.text for word in words)


def take_back(text: str, change: Change) -> str:
    """The text with what was heard in the name's place; as it is where the name is gone."""
    at = text.find(change.name, max(0, change.start - 1))
    if at < 0:
        at = text.find(change.name)
    if at < 0:
        return text
    return text[:at] + change.heard + text[at + len(change.name) :]
