"""Exports: the trace log in the formats that other programs read."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tinyagent.errors import SettingsError
from tinyagent.traces.exports.notebook import notebook
from tinyagent.traces.exports.parquet import parquet
from tinyagent.traces.exports.spans import spans
from tinyagent.traces.exports.speech import speech_folder
from tinyagent.traces.exports.training import openai_lines, planner_lines, test_set, toolrag_table
from tinyagent.traces.filters import Filter
from tinyagent.traces.redact import Redactor
from tinyagent.traces.rows import Trace
from tinyagent.traces.store import TraceStore


@dataclass(frozen=True)
class Format:
    """A format: what it is for, how it is written.

    Attributes:
        help: what it is for.
        write: writes runs to a path, and says how many.
        ending: of the file's name; "" for a folder.
        labelled: it takes labelled runs only.
        redacts: names can be taken out of it.
    """

    help: str
    write: Callable[[Iterable[Trace], Path], int]
    ending: str
    labelled: bool = False
    redacts: bool = True


FORMATS = {
    "planner": Format("JSON lines for `tinyagent train planner`", planner_lines, ".jsonl", True),
    "toolrag": Format(
        "CSV for a classifier: the request and a column a tool", toolrag_table, ".csv", True
    ),
    "openai": Format(
        "OpenAI's fine-tuning format: messages and tools", openai_lines, ".jsonl", True
    ),
    "testset": Format("a test set for `tinyagent eval`", test_set, ".jsonl", True),
    "notebook": Format("one run as a Jupyter notebook", notebook, ".ipynb"),
    "parquet": Format("a table for pandas, DuckDB and the like", parquet, ".parquet"),
    "otel": Format(
        "OpenTelemetry spans (OTLP JSON lines), in OpenInference's words", spans, ".jsonl"
    ),
    "speech": Format(
        "a folder of recordings and what is said in them", speech_folder, "", redacts=False
    ),
}


@dataclass(frozen=True)
class Exported:
    """How many runs were written, and how many left out as their plan would not fit redacted."""

    written: int
    left_out: int


def export(
    store: TraceStore, wanted: Filter, format: str, target: Path, redact: bool = False
) -> Exported:
    """Write the runs that the filter leaves; of formats for training, those with a right plan.

    ``target`` is complete or not there.

    Raises:
        SettingsError: there is no such format, it cannot be redacted, or the file cannot be
            written.
    """
    if format not in FORMATS:
        raise SettingsError(f"format {format!r}: there is no such; known are {', '.join(FORMATS)}")
    chosen = FORMATS[format]
    if redact and not chosen.redacts:
        raise SettingsError(f"format {format}: names cannot be taken out of what is said")
    if chosen.labelled and not wanted.label:
        wanted = replace(wanted, label="any")
    lost: list[str] = []
    traces = _redacted(store, wanted, lost) if redact else store.each(wanted)
    part = target.with_name(f"{target.name}.part")
    try:
        written = chosen.write(traces, part)
        part.replace(target)
    except OSError as error:
        raise SettingsError(f"{target}: it cannot be written ({error})") from error
    finally:
        if part.is_dir():
            shutil.rmtree(part)
        part.unlink(missing_ok=True)
    return Exported(written, len(lost))


def _redacted(store: TraceStore, wanted: Filter, lost: list[str]) -> Iterator[Trace]:
    redactor = Redactor(store.each(wanted))
    for trace in store.each(wanted):
        redacted = redactor.redact(trace)
        if redacted is None:
            lost.append(trace["id"])
        else:
            yield redacted
