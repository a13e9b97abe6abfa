"""The words of a long recording while it goes on: how much sound each look hears, which words."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from benchmarks.voice import Counting
from tests.speech import say
from tests.test_voice import NAMELESS, letters, pieces
from tinyagent.evaluation.voice import word_error_rate
from tinyagent.settings import Settings
from tinyagent.voice.audio import RATE, Samples, Stream, read_audio
from tinyagent.voice.streaming import BOUND, WordsSoFar

STEP = 1.0
"""Seconds of new sound between two looks; on the page it is less."""
TAIL = 25
"""Words that one look may write anew: what is said in ``BOUND`` seconds, and some."""
BREATHLESS = (
    "I would like you to write down that the meeting on Thursday went very well and that everybody "
    "agreed that the new website should be ready before the summer holiday so that the people who "
    "travel can read it on their phones while the others look after the garden and water the "
    "plants every evening because it will be hot and dry again this year as it was when we went to "
    "the seaside with the children and had to drive home in the middle of the night since the "
    "hotel had no room left for a family with two dogs and a very old cat which is why I think "
    "that we ought to book the rooms much earlier this time and ask the owner about the price of "
    "breakfast and the way to the beach and the train station and the airport"
)
"""A minute in which no pause comes."""


@pytest.fixture
def listener(settings: Settings) -> Counting:
    return Counting(settings)


def quiet(seconds: float) -> Samples:
    return np.zeros(int(seconds * RATE), np.float32)


def breathless(path: Path) -> Samples:
    return read_audio(say(BREATHLESS, path))


def with_pauses(path: Path) -> Samples:
    """Requests, one after another."""
    said = [read_audio(say(text, path)) for text in NAMELESS * 3]
    return np.concatenate([part for one in said for part in (one, quiet(0.7))])


def looks(listener: Counting, samples: Samples, step: float = STEP) -> list[str]:
    """Say it in pieces of some seconds; the words so far after each of them."""
    stream = Stream(RATE)
    words = WordsSoFar(listener, stream)
    told = []
    for piece in pieces(samples, step):
        stream.add(piece)
        listener.heard.append(0.0)
        told.append(words.look())
    return told


@pytest.mark.parametrize("record", [breathless, with_pauses])
def test_a_minute_is_heard_a_few_seconds_at_a_time(
    listener: Counting, tmp_path: Path, record: Callable[[Path], Samples]
) -> None:
    samples = record(tmp_path / "a.wav")
    assert samples.size / RATE > 50
    told = looks(listener, np.concatenate([samples, quiet(1.0)]))
    assert max(listener.heard) <= BOUND
    assert np.mean(listener.heard) < 0.6 * BOUND
    final = listener.transcribe(samples).text
    assert word_error_rate([final], [told[-1]]) < 0.15
    # The last sentence changes; what was said before it stays.
    for before, after in pairwise(letters(text).split() for text in told):
        kept = max(0, len(before) - TAIL)
        assert after[:kept] == before[:kept]


def test_where_looks_never_agree_words_are_settled_all_the_same(
    listener: Counting, tmp_path: Path
) -> None:
    """All of a minute at once: each look gets as much as it may hear, and the words catch up."""
    samples = np.concatenate([breathless(tmp_path / "a.wav"), quiet(1.0)])
    stream = Stream(RATE)
    words = WordsSoFar(listener, stream)
    stream.add(b"".join(pieces(samples)))
    told = [""]
    while len(told) < 2 or told[-1] != told[-2]:
        listener.heard.append(0.0)
        told.append(words.look())
        assert len(told) < 30
    assert max(listener.heard) <= BOUND
    final = listener.transcribe(samples).text
    assert word_error_rate([final], [told[-1]]) < 0.3


def test_nobody_speaks_and_nothing_is_heard(listener: Counting, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(0, 0.05, 20 * RATE).astype(np.float32)
    for samples in (quiet(20), noise, quiet(0)):
        assert set(looks(listener, samples)) <= {""}
    assert set(listener.heard) == {0.0}
    said = read_audio(say(NAMELESS[0], tmp_path / "a.wav"))
    last = looks(listener, np.concatenate([quiet(20), said, quiet(20)]))[-1]
    assert letters(last) == letters(NAMELESS[0])
    # Nor is a sentence heard again while nobody speaks after it.
    assert set(listener.heard[-15:]) == {0.0}
