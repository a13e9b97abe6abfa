"""Runs as a Parquet table, a row each, for pandas, DuckDB and the like."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from tinyagent.errors import SettingsError
from tinyagent.tools.sixteen import SIXTEEN
from tinyagent.traces.labels import current, final_plan, proposed_plan, right_plan
from tinyagent.traces.rows import Trace

_GROUP = 5_000
"""Rows that are in memory at a time."""
_TEXTS = (
    *("id", "request", "source", "backend", "model", "status", "label", "method", "answer"),
    "error",
)


def parquet(traces: Iterable[Trace], target: Path) -> int:
    """Write the table; a tool's probability stands in the column ``p_TOOL``.

    Raises:
        SettingsError: pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise SettingsError(
            "Parquet needs pyarrow; install it with: pip install 'tinyagent[exports]'"
        ) from error
    text, number, moment = pa.string(), pa.float64(), pa.timestamp("ms")
    columns = dict.fromkeys(_TEXTS, text) | {"started": moment, "finished": moment}
    columns |= {"now": moment, "seconds": number, "toolrag_seconds": number}
    columns |= {"threshold": number, "certainty": number, "complete": pa.bool_()}
    columns |= {"proposed": text, "final": text, "right": text, "reasons": pa.list_(text)}
    columns |= {"note": text, "picked": pa.list_(text), "versions": text, "results": text}
    columns |= {f"p_{tool}": number for tool in SIXTEEN}
    schema = pa.schema(columns.items())
    written = 0
    with pq.ParquetWriter(target, schema, compression="zstd") as out:
        rest = iter(traces)
        while group := list(islice(rest, _GROUP)):
            out.write_table(pa.Table.from_pylist([_row(trace) for trace in group], schema))
            written += len(group)
    return written


def _row(trace: Trace) -> dict[str, Any]:
    label = current(trace) or {"reasons": [], "note": ""}
    right = right_plan(trace)
    numbers = ("seconds", "toolrag_seconds", "threshold", "certainty")
    return {
        **{name: trace[name] for name in (*_TEXTS, *numbers)},
        **{name: _moment(trace[name]) for name in ("started", "finished", "now")},
        "complete": None if trace["complete"] is None else bool(trace["complete"]),
        "proposed": proposed_plan(trace) or None,
        "final": final_plan(trace) or None,
        "right": None if right is None else str(right),
        "reasons": label["reasons"],
        "note": label["note"] or None,
        "picked": [row["tool"] for row in trace["tools"] if row["picked"]],
        "versions": json.dumps(trace["versions"]),
        "results": json.dumps(
            [
                {"call": t["call"], "status": t["status"], "result": t["result"]}
                for t in trace["tasks"]
            ],
            ensure_ascii=False,
        ),
        **{
            f"p_{row['tool']}": row["probability"]
            for row in trace["tools"]
            if row["tool"] in SIXTEEN
        },
    }


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
