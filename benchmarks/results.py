"""Join the numbers of reports into docs/results.md; failures stay in the reports.

tinyagent eval tests/sets/dev.jsonl
tinyagent eval tests/sets/handwritten.jsonl
tinyagent eval voice tests/sets/spoken.jsonl --rounds 4
.venv/bin/python benchmarks/results.py runs/eval/dev runs/eval/handwritten \\
    runs/eval-voice/spoken > docs/results.md
"""

from __future__ import annotations

import sys
from pathlib import Path

HEAD = """# Results

Of the shipped models, end to end: ToolRAG picks the tools, the planner writes the plan under the
decoder's constraints. Made by the command above each table, then joined by
`benchmarks/results.py`. `dev.jsonl` was looked at while building; of `handwritten.jsonl`, only
ToolRAG's recall had been measured before. Times are from a machine that was doing other work;
`benchmarks/latency.py` measures them alone, and `benchmarks/voice.py` those of speech.
"""
NUMBERS = ("By number of calls", "By tool", "By voice", "Time and tokens")
"""Sections of a report that are tables; the others list requests."""


def main() -> None:
    """Print the page."""
    print("\n".join([HEAD, *(numbers(Path(folder)) for folder in sys.argv[1:])]), end="")


def numbers(folder: Path) -> str:
    """The tables of the report in a folder, its headings one level lower."""
    summary, *sections = (folder / "report.md").read_text("utf-8").split("\n## ")
    tables = [section for section in sections if section.partition("\n")[0] in NUMBERS]
    return f"#{summary.rstrip()}\n" + "".join(f"\n### {table.rstrip()}\n" for table in tables)


if __name__ == "__main__":
    main()
