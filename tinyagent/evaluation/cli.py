"""``tinyagent eval``: how good are the plans for a test set?"""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinyagent.commands.console import explained, options, progress_bar, tracked
from tinyagent.errors import SettingsError

if TYPE_CHECKING:
    from tinyagent.evaluation.kept import Keep
    from tinyagent.evaluation.run import Outcome
    from tinyagent.evaluation.sets import Item
    from tinyagent.evaluation.spread import Job
    from tinyagent.fanout import Place
    from tinyagent.remote.planner import RemotePlanner
    from tinyagent.settings import Settings
    from tinyagent.toolrag.base import ToolRAG

TABLES = "tables"
VOICE = "voice"


READ = {
    "": {"out", "toolrag", "model", "limit", "endpoint", "ray"},
    TABLES: {"out", "model", "limit", "requests", "gguf", "adapter", "endpoint"},
    VOICE: {"out", "toolrag", "model", "limit", "rounds"},
}
"""The options that each way to evaluate reads; "" is that of a test set."""
OF_SERVERS = {"prompt", "key", "concurrency"}
PROMPTS = (None, "full", "trained")


def evaluate_set(
    context: typer.Context,
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
    model: Annotated[
        str | None,
        typer.Option(help="Another planner: a GGUF file; with --endpoint, its name there."),
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="Only the first requests; 0: all.")] = 0,
    requests: Annotated[
        Path, typer.Option("--set", help="tables: the test set that each row plans.")
    ] = Path("tests/sets/dev.jsonl"),
    rounds: Annotated[
        int, typer.Option(min=1, max=4, help="voice: how many voices speak each request.")
    ] = 1,
    gguf: Annotated[
        list[Path] | None,
        typer.Option(exists=True, dir_okay=False, help="tables: one more planner; may come again."),
    ] = None,
    adapter: Annotated[
        list[Path] | None,
        typer.Option(
            exists=True, dir_okay=False, help="tables: one more adapter, as Q4_0; may come again."
        ),
    ] = None,
    endpoint: Annotated[
        list[str] | None,
        typer.Option(help="An OpenAI-compatible server that plans; may come again: they share."),
    ] = None,
    prompt: Annotated[
        str | None,
        typer.Option(help="full or trained: what it, or a --gguf, is told (docs/servers.md)."),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Of the variable, or keychain entry, with its API key."),
    ] = None,
    concurrency: Annotated[int, typer.Option(min=1, help="Requests at a time, each server.")] = 8,
    ray: Annotated[
        bool, typer.Option("--ray", help="Plan on the workers of a Ray cluster (docs/scale.md).")
    ] = False,
) -> None:
    """Plan a test set, score it, and report: success rate, arguments, ToolRAG, failures, time.

    `tinyagent eval tables` makes the paper's two tables, and one of what the decoder's
    constraints are worth. `tinyagent eval voice SET.jsonl` has espeak-ng speak the requests, and
    reports how well words, names and plans come through.
    """
    with explained():
        if (source == VOICE) != (spoken is not None):
            raise SettingsError("eval: `voice` needs a test set after it, and nothing else has one")
        if source == TABLES and (toolrag or (model and not endpoint)):
            raise SettingsError(
                "eval tables: its rows say the ways to pick tools and the planners; a planner more "
                "is --gguf, --adapter, or --endpoint with --model"
            )
        if (endpoint or ray) and (source == VOICE or (ray and (endpoint or source == TABLES))):
            raise SettingsError(
                "eval: --endpoint plans a test set or a row of the tables, --ray a test set; "
                "not both at a time"
            )
        _check_options(context, source, prompt, bool(endpoint), bool(gguf))
        servers = _Servers(endpoint, model, prompt, key, concurrency) if endpoint else None
        if spoken is not None:
            _spoken(spoken, out, toolrag, model, limit, rounds)
        elif source == TABLES:
            target = out or Path("runs/tables")
            _tables(requests, target, gguf or [], prompt, adapter or [], servers, limit)
        else:
            here = None if servers else model
            _report(Path(source), out, toolrag, here, servers, ray, limit)


def _check_options(
    context: typer.Context, source: str, prompt: str | None, served: bool, others: bool
) -> None:
    """That each option that was given is one that is read.

    Raises:
        SettingsError: it is not.
    """
    read = READ.get(source, READ[""]) | (OF_SERVERS if served else set())
    if source == TABLES and others:
        read |= {"prompt"}
    given = {
        parameter.name: parameter.opts[0]
        for parameter in context.command.params
        if parameter.opts[0].startswith("-") and _was_given(context, parameter.name)
    }
    if unread := sorted(option for name, option in given.items() if name not in read):
        way = source if source in READ else "of a test set"
        raise SettingsError(f"eval {way}: {', '.join(unread)} says nothing here (eval --help)")
    if prompt not in PROMPTS:
        raise SettingsError(f"eval: --prompt is full or trained, not {prompt!r}")


def _was_given(context: typer.Context, name: str | None) -> bool:
    source = context.get_parameter_source(name or "")
    return source is not None and source.name == "COMMANDLINE"


@dataclass(frozen=True)
class _Servers:
    """The servers that plan, as they were given."""

    urls: list[str]
    model: str | None
    prompt: str | None
    key: str | None
    concurrency: int

    def planners(self) -> tuple[Settings, dict[str, RemotePlanner]]:
        """The settings with these servers in them, and a planner for each."""
        from tinyagent.remote import planners_at
        from tinyagent.settings import load_settings

        settings = load_settings(
            server=self.urls[0],
            server_model=self.model,
            server_prompt=self.prompt,
            server_key=self.key,
        )
        return settings, planners_at(self.urls, settings)


def _report(
    source: Path,
    out: Path | None,
    toolrag: str | None,
    model: str | None,
    servers: _Servers | None,
    ray: bool,
    limit: int,
) -> None:
    from tinyagent.evaluation.kept import Kept
    from tinyagent.evaluation.report import summarise, summary_table, write_report
    from tinyagent.evaluation.sets import first_of
    from tinyagent.evaluation.setup import planner_digest, toolrag_digest
    from tinyagent.models import sha256_of
    from tinyagent.settings import load_settings
    from tinyagent.toolrag import load
    from tinyagent.versions import with_versions

    items = first_of(source, limit)
    settings = with_versions(load_settings(toolrag=toolrag, planner=model))
    picks = load(settings)
    given: dict[str, object] = {"endpoint": None, "model": model, "prompt": None}
    given |= {"toolrag": toolrag, "limit": limit}
    setup = {"toolrag": toolrag_digest(settings)}
    if not servers:
        setup["planner"] = planner_digest(settings)
    if servers:
        from tinyagent.evaluation.spread import on_servers

        there, planners = servers.planners()
        given |= {"endpoint": [*planners], "model": there.server_model, "prompt": servers.prompt}
        setup["planner"] = f"{there.server_model}, {there.server_prompt} prompt"

        def plan(left: list[Item], keep: Keep) -> None:
            at_once = servers.concurrency
            _spread(left, picks, on_servers(planners, at_once), at_once, keep)
    elif ray:
        from tinyagent.cluster import ADDRESS
        from tinyagent.evaluation.spread import on_ray

        def plan(left: list[Item], keep: Keep) -> None:
            _spread(left, picks, on_ray(settings, os.environ.get(ADDRESS, "")), 1, keep)
    else:
        from tinyagent.evaluation.run import plan_item
        from tinyagent.planner import load_planner
        from tinyagent.tools.sixteen import SIXTEEN

        def plan(left: list[Item], keep: Keep) -> None:
            planner = load_planner(settings)
            for item in tracked(left):
                keep(plan_item(item, picks.select(item.query), planner, SIXTEEN))

    target = out or Path("runs") / "eval" / source.stem
    kept = Kept(target / "unfinished", items)
    outcomes = kept.outcomes(setup, plan)
    typer.echo(summary_table(summarise(outcomes)))
    command = f"tinyagent eval {source}{options(**given)}{' --ray' if ray else ''}"
    made_from = {"set": sha256_of(source), **setup}
    page = write_report(outcomes, f"Evaluation of {source.name}", command, made_from, target)
    kept.forget(setup)
    typer.echo(f"\n{page}")
    try:
        from tinyagent.evaluation.pictures import draw
    except ModuleNotFoundError:
        typer.echo("no pictures: they need matplotlib; make setup EXTRAS=training", err=True)
    else:
        typer.echo("\n".join(map(str, draw(outcomes, target))))


def _spread(
    items: Sequence[Item],
    toolrag: ToolRAG,
    places: AbstractContextManager[list[Place[Job, Outcome]]],
    at_once: int,
    keep: Keep,
) -> None:
    """Plan at several places, with a progress bar on stderr."""
    from tinyagent.evaluation.spread import evaluate_spread

    count = itertools.count(1)
    with places as there, progress_bar() as progress:

        def done(outcome: Outcome) -> None:
            keep(outcome)
            progress("planned", next(count), len(items))

        evaluate_spread(items, toolrag, there, at_once, _warn, done)


def _warn(told: str) -> None:
    typer.echo(told, err=True)


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
    from tinyagent.evaluation.sets import first_of
    from tinyagent.planner import load_planner
    from tinyagent.settings import load_settings
    from tinyagent.toolrag import load
    from tinyagent.versions import with_versions
    from tinyagent.voice.model import load_model
    from tinyagent.voice.transcriber import Transcriber

    items = first_of(source, limit)
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
    requests: Path,
    out: Path,
    others: list[Path],
    prompt: str | None,
    adapters: list[Path],
    servers: _Servers | None,
    limit: int,
) -> None:
    from tinyagent.evaluation.sets import first_of
    from tinyagent.evaluation.setup import planner_digest, toolrag_digest
    from tinyagent.evaluation.tables import Served, tables
    from tinyagent.models import sha256_of
    from tinyagent.settings import load_settings

    items = first_of(requests, limit)
    served = None
    given: dict[str, object] = {"gguf": others, "adapter": adapters, "prompt": prompt}
    if servers:
        there, planners = servers.planners()
        name = f"{there.server_model}, {there.server_prompt} prompt"
        served = Served(name, planners, servers.concurrency, _warn)
        given |= {"endpoint": [*planners], "model": there.server_model}
    trained = prompt == "trained"
    command = f"tinyagent eval tables --set {requests}{options(**given, limit=limit)}"
    settings = load_settings()
    digests = (
        planner_digest(settings),
        *toolrag_digest(settings).split()[1:2],
        sha256_of(requests),
    )
    made_from = "SHA-256 of planner, ToolRAG and requests: " + ", ".join(d[:12] for d in digests)
    parts = [f"# Tables: {len(items)} requests of {requests.name}", f"`{command}`", made_from]
    for table in tables(items, settings, out, others, trained, adapters, served, tracked):
        typer.echo(f"{table}\n")
        parts.append(str(table))
    page = out / "tables.md"
    page.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    typer.echo(page)
