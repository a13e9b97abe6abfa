"""Many lines of JSON in, as many out, in the same order: plans, or times.

A line that cannot be read does not end the batch: its place is taken by an
object with an ``error`` that gives the line's number.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinyagent import times
from tinyagent.errors import RequestError, SettingsError, TinyAgentError

if TYPE_CHECKING:
    from tinyagent.planner.base import Planner
    from tinyagent.toolrag.base import ToolRAG

Row = dict[str, Any]
Answer = Callable[[Row], Row]
NO_PLAN = "1. join()"


def run_batch(
    source: Path, target: Path, answer: Answer, progress: Callable[[list[str]], Iterable[str]]
) -> list[str]:
    """Answer each line of ``source`` with a line of ``target``.

    Args:
        answer: from the object on a line to the rest of its answer; a
            TinyAgentError becomes its ``error``.
        progress: iterates the lines, and shows how far it is.

    Returns:
        What was wrong with lines that could not be read, one message each.

    Raises:
        SettingsError: a file cannot be read or written.
    """
    try:
        lines = [x for x in source.read_text(encoding="utf-8").splitlines() if x.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{source}: it cannot be read ({error}); name a JSON-lines file"
        ) from error
    wrong: list[str] = []
    try:
        with target.open("w", encoding="utf-8") as out:
            for row in _answers(progress(lines), answer, wrong):
                out.write(json.dumps(row, ensure_ascii=False) + "\n")
                out.flush()
    except OSError as error:
        raise SettingsError(f"{target}: it cannot be written ({error})") from error
    return wrong


def plan_row(toolrag: ToolRAG, planner: Planner) -> Answer:
    """Answers with the tools and the plan for ``query`` at ``now``."""
    from tinyagent.runs.planning import check_request
    from tinyagent.tools.sixteen import SIXTEEN

    def answer(row: Row) -> Row:
        request, now = _text(row, "query"), read_now(_text(row, "now"))
        try:
            check_request(request)
        except RequestError as error:
            return _planned({}, [], 0.0) | {"error": str(error)}
        selection = toolrag.select(request)
        base = _planned(selection.probabilities, list(selection.tools), selection.seconds)
        if not selection.tools:
            return base
        try:
            offered = SIXTEEN.only(selection.tools)
            planned = planner.plan(request, offered, now, odds=selection.odds)
        except TinyAgentError as error:
            return base | {"error": str(error)}
        return base | {
            "plan": str(planned.plan),
            "prompt_tokens": planned.prompt_tokens,
            "plan_tokens": planned.plan_tokens,
            "decode_steps": planned.decode_steps,
            "seconds": {
                "toolrag": selection.seconds,
                "prefill": planned.seconds["prefill"],
                "decode": planned.seconds["decode"],
                "total": selection.seconds + planned.seconds["total"],
            },
        }

    return answer


def time_row(row: Row) -> Row:
    """Answers with the time that ``phrase`` means at ``now``, as an end if there is a ``start``."""
    start = _text(row, "start") if row.get("start") else ""
    moment = resolve_time(_text(row, "phrase"), read_now(_text(row, "now")), start)
    return {"time": f"{moment.at:%Y-%m-%dT%H:%M}", "has_time": moment.has_time}


def resolve_time(phrase: str, now: datetime, start: str) -> times.Moment:
    """The time of a phrase; with a ``start`` (ISO), the end that the phrase means.

    Raises:
        TimePhraseError: the phrase makes no time.
    """
    if not start:
        return times.resolve(phrase, now)
    return times.resolve_end(phrase, times.resolve(start, now), now)


def read_now(text: str) -> datetime:
    """An ISO time as naive local time.

    Raises:
        SettingsError: it is none.
    """
    try:
        now = datetime.fromisoformat(text)
    except ValueError:
        raise SettingsError(f"{text!r} is no ISO time; write it as 2026-11-24T09:30") from None
    return now.astimezone().replace(tzinfo=None) if now.tzinfo else now


def _answers(lines: Iterable[str], answer: Answer, wrong: list[str]) -> Iterator[Row]:
    for number, line in enumerate(lines, 1):
        row: Row = {}
        try:
            row = _read(line)
            yield {"id": row.get("id")} | answer(row)
        except SettingsError as error:
            wrong.append(f"line {number}: {error}")
            yield {"id": row.get("id"), "error": wrong[-1]}
        except TinyAgentError as error:
            yield {"id": row.get("id"), "error": str(error)}


def _read(line: str) -> Row:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise SettingsError(f"it is no JSON ({error})") from None
    if not isinstance(row, dict):
        raise SettingsError("it is no JSON object")
    return row


def _text(row: Row, key: str) -> str:
    if not isinstance(row.get(key), str):
        raise SettingsError(f"the object has no text {key!r}")
    return str(row[key])


def _planned(probabilities: dict[str, float], tools: list[str], seconds: float) -> Row:
    """The answer where nothing was planned."""
    return {
        "probabilities": probabilities,
        "tools": tools,
        "plan": NO_PLAN,
        "prompt_tokens": 0,
        "plan_tokens": 0,
        "decode_steps": 0,
        "seconds": {"toolrag": seconds, "prefill": 0.0, "decode": 0.0, "total": seconds},
    }
