"""``tinyagent eval``: how good are the plans for a test set?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinyagent.console import explained, tracked


def evaluate_set(
    source: Annotated[Path, typer.Argument(metavar="SET.jsonl", help="A test set.")],
    out: Annotated[Path | None, typer.Option(help="Folder for the report.")] = None,
    toolrag: Annotated[str | None, typer.Option(help="classifier, basic or all.")] = None,
    model: Annotated[str | None, typer.Option(help="Another planner: a GGUF file.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="Only the first requests; 0: all.")] = 0,
) -> None:
    """Plan a test set, score it, and report: success rate, arguments, ToolRAG, failures, time."""
    with explained():
        from tinyagent.evaluation.report import summarise, summary_table, write_report
        from tinyagent.evaluation.run import evaluate
        from tinyagent.evaluation.sets import read_test_set
        from tinyagent.planner import load_planner
        from tinyagent.settings import load_settings
        from tinyagent.toolrag import load

        items = read_test_set(source)
        settings = load_settings(toolrag=toolrag, planner=model)
        outcomes = evaluate(items[: limit or None], load(settings), load_planner(settings), tracked)
        typer.echo(summary_table(summarise(outcomes)))
        command = f"tinyagent eval {source}" + (f" --toolrag {toolrag}" if toolrag else "")
        command += f" --model {model}" if model else ""
        target = out or Path("runs") / "eval" / source.stem
        page = write_report(outcomes, f"Evaluation of {source.name}", command, target)
    typer.echo(f"\n{page}")
