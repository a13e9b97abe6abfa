"""Join the numbers of reports into docs/results.md; failures stay in the reports.

tinyagent eval tests/sets/fresh.jsonl
tinyagent eval tests/sets/dev.jsonl
tinyagent eval tests/sets/handwritten.jsonl
tinyagent eval tests/sets/blind.jsonl
tinyagent eval runs/data/test.jsonl --limit 240
tinyagent eval voice tests/sets/spoken.jsonl
tinyagent eval tables --adapter runs/planner/unrounded.safetensors --limit 60
tinyagent train ablations runs/data --steps 64 --set runs/data/validation.jsonl --limit 300
.venv/bin/python benchmarks/results.py runs/eval/fresh runs/eval/dev \\
    runs/eval/handwritten runs/eval/blind runs/eval/test runs/eval-voice/spoken \\
    runs/tables/tables.md runs/ablations/ablations.md > docs/results.md

Of a report's folder its tables are taken; a page is taken as a whole, as a section.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

HEAD = """# Results

Of the shipped models, end to end: ToolRAG picks the tools, the planner writes the plan under the
decoder's constraints. Made by the command above each table, then joined by
`benchmarks/results.py`. No training data were made from these sets. `fresh.jsonl` (300 requests of
five writers who had seen neither patterns nor sets) was written when all was decided, and measured
once: it says best what to expect. `dev.jsonl` was looked at while building.
`handwritten.jsonl` was measured after each training, and weighed in what to ship;
so did the first 240 rows of `test.jsonl`, the project's own test split, whose patterns are none of
those to train on. `blind.jsonl` was written last, apart from the patterns; its plans were counted
with each model that was shipped and after some changes of the decoder, its failures not read.
`benchmarks/latency.py` measures times alone, and `benchmarks/voice.py` those of speech.

In the tables, run 12 is a training that went on from the shipped planner, and is not shipped
(`docs/experiments.md`). The shipped one is a mean of several, which has no weights from before
quantisation-aware training; run 12 has. All but the ablations were measured before two rare faults
were closed in the decoder: a time that ends in "at", a name that runs on into a time.

The ablations are of 64 steps of 8 rows each, what two cores have in ten minutes. A planner of so
little training is told right plans instead of being asked for its own: "nats a token" is less the
log probability of what it should copy, choose and call (less is better), and it is "sure of the
plan" where each such token has more than half of the probability.
"""
NUMBERS = ("By number of calls", "By tool", "By tag", "By voice", "Time and tokens")
"""Sections of a report that are tables; the others list requests."""


def main() -> None:
    """Print the page."""
    print("\n".join([HEAD, *(section(Path(source)) for source in sys.argv[1:])]), end="")


def section(source: Path) -> str:
    """The section of a report's folder, or of a page of Markdown."""
    return numbers(source) if source.is_dir() else lowered(source.read_text("utf-8"))


def numbers(folder: Path) -> str:
    """The tables of the report in a folder, its headings one level lower."""
    summary, *sections = (folder / "report.md").read_text("utf-8").split("\n## ")
    tables = [part for part in sections if part.partition("\n")[0] in NUMBERS]
    return lowered("\n".join([summary.rstrip(), *(f"\n## {table.rstrip()}" for table in tables)]))


def lowered(page: str) -> str:
    """A page with its headings one level lower; what stands in a fence is no heading."""
    parts = re.split(r"(^```.*?^```)", page.strip(), flags=re.MULTILINE | re.DOTALL)
    parts[::2] = [re.sub(r"^#", "##", part, flags=re.MULTILINE) for part in parts[::2]]
    return "".join(parts) + "\n"


if __name__ == "__main__":
    main()
