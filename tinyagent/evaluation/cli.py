"""``tinyagent eval``: how good are the plans for a test set?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinyagent.console import explained, tracked

TABLES = "tables"


def evaluate_set(
    source: Annotated[
        str, typer.Argument(metavar="SET.jsonl | tables", help="A test set; or the paper's tables.")
    ],
    out: Annotated[Path | None, typer.Option(help="Folder for the report.")] = None,
    toolrag: Annotated[str | None, typer.Option(help="classifier, basic or all.")] = None,
    model: Annotated[str | None, typer.Option(help="Another planner: a GGUF file.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="Only the first requests; 0: all.")] = 0,
    requests: Annotated[
        Path, typer.Option("--set", help="tables: the test set that each row plans.")
    ] = Path("tests/sets/dev.jsonl"),
    gguf: Annotated[
        list[Path] | None, typer.Option(help="tables: one more planner; may come again.")
    ] = None,
) -> None:
    """Plan a test set, score it, and report: success rate, arguments, ToolRAG, failures, time.

    `tinyagent eval tables` makes the paper's two tables, and one of what the decoder's
    constraints are worth.
    """
    with explained():
        if source == TABLES:
            _tables(requests, out or Path("runs/tables"), gguf or [], limit)
        else:
            _report(Path(source), out, toolrag, model, limit)


def _report(
    source: Path, out: Path | None, toolrag: str | None, model: str | None, limit: int
) -> None:
    from tinyagent.evaluation.report import summarise, summary_table, write_report
    from tinyagent.evaluation.run import evaluate
    from tinyagent.evaluation.sets import read_test_set
    from tinyagent.planner import load_planner
    from tinyagent.settings import load_settings
    from tinyagent.toolrag import load
    from tinyagent.versions import with_versions

    items = read_test_set(source)
    settings = with_versions(load_settings(toolrag=toolrag, planner=model))
    outcomes = evaluate(items[: limit or None], load(settings), load_planner(settings), tracked)
    typer.echo(summary_table(summarise(outcomes)))
    command = f"tinyagent eval {source}" + (f" --toolrag {toolrag}" if toolrag else "")
    command += f" --model {model}" if model else ""
    target = out or Path("runs") / "eval" / source.stem
    page = write_report(outcomes, f"Evaluation of {source.name}", command, target)
    typer.echo(f"\n{page}")
    try:
        from tinyagent.evaluation.pictures import draw
    except ModuleNotFoundError:
        typer.echo("no pictures: they need matplotlib; make setup EXTRAS=training", err=True)
    else:
        typer.echo("\n".join(map(str, draw(outcomes, target))))


def _tables(requests: Path, out: Path, others: list[Path], limit: int) -> None:
    from tinyagent.evaluation.sets import read_test_set
    from tinyagent.evaluation.tables import tables
    from tinyagent.settings import load_settings

    items = read_test_set(requests)[: limit or None]
    command = f"tinyagent eval tables --set {requests}" + (f" --limit {limit}" if limit else "")
    parts = [f"# Tables: {len(items)} requests of {requests.name}", f"`{command}`"]
    for table in tables(items, load_settings(), out, others, tracked):
        typer.echo(f"{table}\n")
        parts.append(str(table))
    page = out / "tables.md"
    page.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    typer.echo(page)
