"""``tinyagent eval``: how good are the plans for a test set?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinyagent.commands.console import explained, options, progress_bar, tracked
from tinyagent.errors import SettingsError

TABLES = "tables"
VOICE = "voice"


def evaluate_set(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SET.jsonl | tables | voice",
            help="A test set; the paper's tables; or a test set that is spoken.",
        ),
    ],
    spoken: Annotated[
        Path | None, typer.Argument(metavar="[SET.jsonl]", help="voice: the test set.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the report.")] = None,
    toolrag: Annotated[str | None, typer.Option(help="classifier, basic or all.")] = None,
    model: Annotated[str | None, typer.Option(help="Another planner: a GGUF file.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="Only the first requests; 0: all.")] = 0,
    requests: Annotated[
        Path, typer.Option("--set", help="tables: the test set that each row plans.")
    ] = Path("tests/sets/dev.jsonl"),
    rounds: Annotated[
        int, typer.Option(min=1, max=4, help="voice: how many voices speak each request.")
    ] = 1,
    gguf: Annotated[
        list[Path] | None, typer.Option(help="tables: one more planner; may come again.")
    ] = None,
    adapter: Annotated[
        list[Path] | None,
        typer.Option(help="tables: one more adapter, as Q4_0; may come again."),
    ] = None,
) -> None:
    """Plan a test set, score it, and report: success rate, arguments, ToolRAG, failures, time.

    `tinyagent eval tables` makes the paper's two tables, and one of what the decoder's
    constraints are worth. `tinyagent eval voice SET.jsonl` has espeak-ng speak the requests, and
    reports how well words, names and plans come through.
    """
    with explained():
        if (source == VOICE) != (spoken is not None):
            raise SettingsError("eval: `voice` needs a test set after it, and nothing else has one")
        if spoken is not None:
            _spoken(spoken, out, toolrag, model, limit, rounds)
        elif source == TABLES:
            _tables(requests, out or Path("runs/tables"), gguf or [], adapter or [], limit)
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
    command = f"tinyagent eval {source}{options(toolrag=toolrag, model=model, limit=limit)}"
    target = out or Path("runs") / "eval" / source.stem
    page = write_report(outcomes, f"Evaluation of {source.name}", command, target)
    typer.echo(f"\n{page}")
    try:
        from tinyagent.evaluation.pictures import draw
    except ModuleNotFoundError:
        typer.echo("no pictures: they need matplotlib; make setup EXTRAS=training", err=True)
    else:
        typer.echo("\n".join(map(str, draw(outcomes, target))))


def _spoken(
    source: Path, out: Path | None, toolrag: str | None, model: str | None, limit: int, rounds: int
) -> None:
    try:
        from tinyagent.evaluation import voice
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"eval voice needs {error.name}, which the training extra brings; make setup"
        ) from error
    from tinyagent.evaluation.run import evaluate
    from tinyagent.evaluation.sets import read_test_set
    from tinyagent.planner import load_planner
    from tinyagent.settings import load_settings
    from tinyagent.toolrag import load
    from tinyagent.versions import with_versions
    from tinyagent.voice.model import load_model
    from tinyagent.voice.transcriber import Transcriber

    items = read_test_set(source)[: limit or None]
    settings = with_versions(load_settings(toolrag=toolrag, planner=model))
    with progress_bar() as progress:
        transcriber = Transcriber(load_model(settings, progress))
    found = voice.listen(items, transcriber, voice.names_of(items), rounds, tracked)
    rag, planner = load(settings), load_planner(settings)
    found = voice.plan_both(found, lambda wanted: evaluate(wanted, rag, planner, tracked))
    typer.echo(voice.summary_table(voice.summarise(found)))
    several = rounds if rounds > 1 else None
    asked = options(rounds=several, toolrag=toolrag, model=model, limit=limit)
    title = f"Evaluation of {source.name}, spoken, and heard by Whisper {settings.voice}"
    target = out or Path("runs") / "eval-voice" / source.stem
    page = voice.write_report(found, title, f"tinyagent eval voice {source}{asked}", target)
    typer.echo(f"\n{page}")


def _tables(
    requests: Path, out: Path, others: list[Path], adapters: list[Path], limit: int
) -> None:
    from tinyagent.evaluation.sets import read_test_set
    from tinyagent.evaluation.tables import tables
    from tinyagent.settings import load_settings

    items = read_test_set(requests)[: limit or None]
    command = f"tinyagent eval tables --set {requests}{options(limit=limit)}"
    parts = [f"# Tables: {len(items)} requests of {requests.name}", f"`{command}`"]
    for table in tables(items, load_settings(), out, others, adapters, tracked):
        typer.echo(f"{table}\n")
        parts.append(str(table))
    page = out / "tables.md"
    page.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    typer.echo(page)
