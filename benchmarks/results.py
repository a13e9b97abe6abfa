"""Join the numbers of reports into docs/results.md; failures stay in the reports.

tinyagent eval tests/sets/dev.jsonl
tinyagent eval tests/sets/handwritten.jsonl
.venv/bin/python benchmarks/results.py runs/eval/dev runs/eval/handwritten > docs/results.md
"""

from __future__ import annotations

import sys
from pathlib import Path

HEAD = """# Results

Of the shipped models, end to end: ToolRAG picks the tools, the planner writes the plan under the
decoder's constraints. Made by the command above each table, then joined by
`benchmarks/results.py`. `dev.jsonl` was looked at while building; of `handwritten.jsonl`, only
ToolRAG's recall had been measured before. Times are from a machine that was doing other work;
`benchmarks/latency.py` measures them alone.
"""


def main() -> None:
    """Print the page."""
    parts = [HEAD]
    for folder in sys.argv[1:]:
        report = (Path(folder) / "report.md").read_text("utf-8")
        numbers = report.partition("## By tag")[0]
        times = report.partition("## Time and tokens")[2].partition("## Failures")[0]
        parts.append(
            (numbers + "## Time and tokens" + times)
            .replace("\n## ", "\n### ")
            .replace("# ", "## ", 1)
        )
    print("\n".join(part.rstrip() + "\n" for part in parts), end="")


if __name__ == "__main__":
    main()
