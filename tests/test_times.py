"""Time phrases: a table of hand-made answers, and properties of any text."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tinyagent.errors import TimePhraseError
from tinyagent.times import Moment, parse_duration, resolve, resolve_end

NOW = datetime(2026, 11, 24, 9, 30)
TABLE = Path(__file__).parent / "data" / "times.jsonl"
ROWS: list[dict[str, Any]] = [json.loads(line) for line in TABLE.read_text("utf-8").splitlines()]

WORDS = st.sampled_from(
    sorted({word for row in ROWS for word in row["phrase"].split()} | {"2", "30", "½", "٣", "-"})
)
PHRASES = st.one_of(st.text(max_size=200), st.lists(WORDS, max_size=8).map(" ".join))
CLOCKS = st.datetimes(datetime(2020, 1, 1), datetime(2035, 12, 31))


@dataclass(frozen=True)
class Answer:
    """What a phrase gives: a moment, or an error."""

    moment: Moment | None


def answer(phrase: str, now: datetime, start: str | None = None) -> Answer:
    try:
        if start is None:
            return Answer(resolve(phrase, now))
        begin = Moment(datetime.fromisoformat(start))
        if "T" not in start:
            begin = Moment(begin.at.replace(hour=9), has_time=False)
        return Answer(resolve_end(phrase, begin, now))
    except TimePhraseError:
        return Answer(None)


@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
def test_table(row: dict[str, Any]) -> None:
    expected = None
    if not row.get("error"):
        expected = Moment(datetime.fromisoformat(row["time"]), row["has_time"])
    now = datetime.fromisoformat(row["now"])
    assert answer(row["phrase"], now, row.get("start")) == Answer(expected), row["phrase"]


def test_table_is_large_and_has_unique_ids() -> None:
    assert len(ROWS) >= 350
    assert len({row["id"] for row in ROWS}) == len(ROWS)


@settings(max_examples=400, deadline=None)
@given(PHRASES, CLOCKS)
def test_any_text_is_a_later_time_or_a_time_phrase_error(phrase: str, now: datetime) -> None:
    given_now = now.replace(second=0, microsecond=0)
    try:
        moment = resolve(phrase, now)
    except TimePhraseError as error:
        assert str(error)
        return
    if moment.has_time:
        assert moment.at >= given_now or phrase.strip()[:4].isdecimal()
    else:
        assert moment.at.date() >= now.date() or phrase.strip()[:4].isdecimal()
        assert (moment.at.hour, moment.at.minute) == (9, 0)
    assert moment.at.second == moment.at.microsecond == 0


@settings(max_examples=300, deadline=None)
@given(PHRASES, CLOCKS)
def test_an_end_is_never_before_its_start(phrase: str, now: datetime) -> None:
    start = Moment(now.replace(second=0, microsecond=0) + timedelta(days=1))
    try:
        end = resolve_end(phrase, start, now)
    except TimePhraseError:
        return
    assert end.at > start.at


@settings(max_examples=150, deadline=None)
@example(["9:29", "p"])
@given(st.lists(WORDS, min_size=1, max_size=6))
def test_case_and_spaces_never_matter(words: list[str]) -> None:
    plain = answer(" ".join(words), NOW)
    assert answer("  ".join(words).upper(), NOW) == plain
    assert answer(f" {'   '.join(words).title()} ", NOW) == plain


@settings(max_examples=100, deadline=None)
@given(CLOCKS, st.booleans())
def test_a_canonical_moment_resolves_as_itself(at: datetime, has_time: bool) -> None:
    at = at.replace(second=0, microsecond=0)
    moment = Moment(at) if has_time else Moment(at.replace(hour=9, minute=0), has_time=False)
    assert resolve(moment.isoformat(), NOW) == moment


@pytest.mark.parametrize(
    ("phrase", "fault"),
    [
        ("tomorrow at christmas", "christmas"),
        ("in a few days", "few"),
        ("25 o'clock", "25"),
        ("February 30", "30"),
        ("friday or saturday", "saturday"),
        ("today at 9am", "already past"),
        ("yesterday at 3", "yesterday"),
        ("20 mins", "20 mins"),
        ("", "empty"),
    ],
)
def test_an_error_names_what_is_wrong(phrase: str, fault: str) -> None:
    with pytest.raises(TimePhraseError, match=fault):
        resolve(phrase, NOW)


def test_what_is_no_text_is_an_error() -> None:
    with pytest.raises(TimePhraseError, match="text"):
        resolve(3, NOW)  # type: ignore[arg-type]


def test_seconds_of_now_are_dropped() -> None:
    now = NOW.replace(second=40)
    assert resolve("in 20 minutes", now) == Moment(datetime(2026, 11, 24, 9, 50))
    assert resolve("9:30", now) == Moment(NOW)


@pytest.mark.parametrize(
    ("phrase", "minutes"),
    [
        ("90 minutes", 90),
        ("for an hour and a half", 90),
        ("2½ hours", 150),
        ("one and a quarter hours", 75),
        ("1 hr 20 min", 80),
        ("an hour and 20", 80),
        ("a couple of hours", 120),
        ("two days", 2880),
        ("a week and two days", 12960),
    ],
)
def test_durations(phrase: str, minutes: int) -> None:
    assert parse_duration(phrase) == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    "phrase", ["", "a month", "few hours", "tomorrow", "3", "0 minutes", "minutes and hours"]
)
def test_no_durations(phrase: str) -> None:
    with pytest.raises(TimePhraseError):
        parse_duration(phrase)
