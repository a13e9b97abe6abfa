"""docs/results.md is joined from reports and pages, and never typed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.results import main

REPORT = """# Evaluation of a set

`the command`

| success |
|---|
| 9 of 10 |

## By tool

| tool |
|---|

## Failures

### One

its request
"""
PAGE = """# Ablations

## Rank

```
# no heading
```

| rank | loss |
|---|---|
| 8 | 0.1 |
"""


def test_reports_give_their_tables_and_pages_all_they_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "report.md").write_text(REPORT)
    (tmp_path / "ablations.md").write_text(PAGE)
    sources = [str(tmp_path), str(tmp_path / "ablations.md")]
    monkeypatch.setattr(sys, "argv", ["results.py", *sources])
    main()
    joined = capsys.readouterr().out
    headings = [line for line in joined.splitlines() if line.startswith("#")]
    assert headings == [
        "# Results",
        "## Evaluation of a set",
        "### By tool",
        "## Ablations",
        "### Rank",
        "# no heading",
    ]
    assert "| 9 of 10 |\n\n### By tool\n\n| tool |\n|---|\n\n## Ablations\n\n### Rank\n" in joined
    assert "its request" not in joined
    assert joined.endswith("| 8 | 0.1 |\n")
