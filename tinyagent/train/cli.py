"""``tinyagent train``: from a data set to the files that are shipped."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from tinyagent.commands.console import explained, options, tracked
from tinyagent.errors import SettingsError
from tinyagent.train import QUANTISED

app = typer.Typer(no_args_is_help=True, help="Train ToolRAG and the planner; ship the result.")

Data = Annotated[Path, typer.Argument(metavar="DATA", help="Folder of `tinyagent data generate`.")]
Seed = Annotated[int, typer.Option(help="Of the order of the rows, and of new weights.")]
EXTRACT = "make an adapter of it with: tinyagent train extract {}"
SHIP = "ship it with: tinyagent train export {}"
Steps = Annotated[int, typer.Option(min=0, help="If not 0: so many, for --minutes.")]


@app.command()
def toolrag(
    data: Data,
    out: Annotated[
        Path, typer.Option(help="Folder of the run; it goes on if it was cut off.")
    ] = Path("runs/toolrag"),
    encoder: Annotated[
        str, typer.Option(help="Another encoder: its name on the hub, or its folder. Not shipped.")
    ] = "",
    epochs: Annotated[int, typer.Option(min=1, help="Times through the data.")] = 2,
    rows: Annotated[int, typer.Option(min=0, help="Only the first rows; 0: all.")] = 0,
    start: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="A classifier.onnx to go on from."),
    ] = None,
    learning_rate: Annotated[float, typer.Option(help="At its highest.")] = 2e-4,
    seed: Seed = 0,
) -> None:
    """Fine-tune the classifier, quantise it, and ship it in models/toolrag.

    With --encoder it stays in --out; the setting `classifier` takes it from there.
    """
    with explained(), needs_training_extra():
        from tinyagent.evaluation.pictures import loss_curve
        from tinyagent.models import find
        from tinyagent.settings import load_settings
        from tinyagent.toolrag.classifier import read_lean
        from tinyagent.train.encoders import minilm, named
        from tinyagent.train.toolrag import Recipe, ship, train

        models = load_settings().models
        if encoder:
            pretrained = named(encoder)
        else:
            pretrained = minilm(find("minilm", models), find("minilm-tokenizer", models))
        recipe = Recipe(epochs=epochs, rows=rows, learning_rate=learning_rate, seed=seed)
        if start:
            # What was added to its outputs at its end stays, where tools weigh so much more.
            lean = read_lean(start.with_suffix(".json"))
            recipe = replace(recipe, positive_weight=recipe.positive_weight * math.exp(lean))
        card = train(
            split(data, "train"), split(data, "validation"), pretrained, out, recipe, start
        )
        loss_curve(out)
        if encoder:
            pretrained.save(out)
        else:
            ship(out, models)
    found = card["validation"]
    typer.echo(f"validation: recall {found['recall']:.4f} with {found['tools']:.2f} tools offered")


@app.command()
def planner(
    data: Data,
    out: Annotated[Path, typer.Option(help="Folder of the run; it goes on if it has begun.")],
    minutes: Annotated[float, typer.Option(min=0, help="Computing time, over all starts.")] = 60,
    steps: Steps = 0,
    base: Annotated[
        Path | None, typer.Option(exists=True, help="GGUF file, or transformers' folder.")
    ] = None,
    start: Annotated[Path | None, typer.Option(help="An adapter to go on from.")] = None,
    rank: Annotated[int, typer.Option(min=1, help="Of the adapter.")] = 32,
    full: Annotated[
        bool, typer.Option("--full", help="All the layers' weights, no adapter; see `extract`.")
    ] = False,
    learning_rate: Annotated[
        float | None, typer.Option(help="At its highest; if not given: 1e-3, with --full 3e-4.")
    ] = None,
    batch: Annotated[int, typer.Option(min=1, help="Examples a step.")] = 8,
    workers: Annotated[
        int, typer.Option(min=1, help="Processes on the CPU; a launcher has its own.")
    ] = 2,
    quantised: Annotated[
        float, typer.Option(min=0, max=1, help="Share that is quantisation-aware, at the end.")
    ] = QUANTISED,
    seed: Seed = 0,
) -> None:
    """Fine-tune the planner with LoRA; a run that was cut off goes on where it stopped.

    `accelerate launch … -m tinyagent train planner DATA …` has several GPUs or machines do it.
    """
    with explained(), needs_training_extra():
        from tinyagent.evaluation.pictures import loss_curve
        from tinyagent.models import find
        from tinyagent.settings import load_settings
        from tinyagent.train.planner import FULL_RATE, Recipe, train
        from tinyagent.train.processes import first

        if learning_rate is None:
            learning_rate = FULL_RATE if full else Recipe.learning_rate
        recipe = Recipe(
            minutes=minutes,
            steps=steps,
            rank=rank,
            full=full,
            learning_rate=learning_rate,
            batch=batch,
            seed=seed,
            workers=workers,
            start=str(start or ""),
            quantised=quantised,
        )
        model = base or find("smollm2", load_settings().models)
        train(split(data, "train"), model, out, recipe, split(data, "validation"))
        if not first():
            return
        loss_curve(out)
    then = EXTRACT if full else SHIP
    typer.echo(f"{out / 'adapter.safetensors'}; {then.format(out)}")


@app.command()
def ablations(
    data: Data,
    out: Annotated[
        Path, typer.Option(help="Folder of the trainings; those that are done stay done.")
    ] = Path("runs/ablations"),
    minutes: Annotated[float, typer.Option(min=0, help="Computing time of each.")] = 20,
    steps: Steps = 0,
    requests: Annotated[
        Path, typer.Option("--set", help="The test set whose plans each is told.")
    ] = Path("tests/sets/dev.jsonl"),
    limit: Annotated[int, typer.Option(min=0, help="Only the first requests; 0: all.")] = 0,
    only: Annotated[list[str] | None, typer.Option(help="A variant; may come again.")] = None,
    seed: Seed = 0,
) -> None:
    """Train planners without parts of the data, and see how sure each is of right plans.

    The variants: everything, without spoken styles, without refusals, without invented tools,
    half the patterns; a full fine-tune, and an adapter extracted from it. The results are two
    tables in OUT/ablations.md.
    """
    with explained(), needs_training_extra():
        from tinyagent.evaluation.sets import first_of
        from tinyagent.settings import load_settings
        from tinyagent.train import ablations as work
        from tinyagent.train.planner import Recipe

        variants = [v for v in work.VARIANTS if not only or v.name in only]
        if unknown := set(only or ()) - {v.name for v in variants}:
            names = ", ".join(v.name for v in work.VARIANTS)
            raise SettingsError(f"no variant is {min(unknown)!r}; there are: {names}")
        items = first_of(requests, limit)
        budget = {"steps": steps} if steps else {"minutes": f"{minutes:g}"}
        given = {"out": out, **budget, "set": requests, "limit": limit, "seed": seed}
        command = f"tinyagent train ablations {data}{options(**given, only=only)}"
        recipe = Recipe(minutes=minutes, steps=steps, seed=seed)
        results = []
        for result in work.ablations(
            split(data, "train"), items, load_settings(), out, recipe, variants, tracked
        ):
            results.append(result)
            tables = "\n\n".join(map(str, work.tables(items, results)))
            title = f"# Ablations: {len(items)} requests of {requests.name}"
            page = "\n\n".join((title, f"`{command}`", tables)) + "\n"
            (out / "ablations.md").write_text(page, encoding="utf-8")
    typer.echo(f"{tables}\n\n{out / 'ablations.md'}")


@app.command()
def average(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN...", help="Planner's runs; models/planner is one.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the mean of their adapters.")],
) -> None:
    """Average planners that were trained on from one another: better than each of them."""
    with explained(), needs_training_extra():
        from tinyagent.train.average import average as mean

        apart = mean(runs, out)
    typer.echo(f"{out / 'adapter.safetensors'}, of adapters {apart:.2f} apart; {SHIP.format(out)}")


@app.command()
def extract(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a full fine-tune.")],
    out: Annotated[Path, typer.Option(help="Folder for its adapter.")],
    rank: Annotated[int, typer.Option(min=1, help="Of the adapter.")] = 32,
) -> None:
    """Make an adapter of a full fine-tune: of that rank, the one nearest to what it changed."""
    with explained(), needs_training_extra():
        from tinyagent.train.extract import extract as nearest

        kept = nearest(run, rank, out)
    typer.echo(
        f"{out / 'adapter.safetensors'} holds {kept:.1%} of the change, squared; {SHIP.format(out)}"
    )


@app.command()
def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a planner's run.")],
) -> None:
    """Ship a run's adapter in models/planner, and make the 4-bit file from it."""
    with explained(), needs_training_extra():
        from tinyagent.settings import load_settings
        from tinyagent.train.export import export as ship

        made, agreement = ship(run, load_settings().models)
    typer.echo(f"{made}: {made.stat().st_size / 1e6:.1f} MB; {agreement}")


def split(data: Path, name: str) -> Path:
    """A split of a data set.

    Raises:
        SettingsError: it is not there.
    """
    path = data / f"{name}.jsonl"
    if not path.is_file():
        raise SettingsError(f"{path} does not exist; run: tinyagent data generate {data}")
    return path


@contextlib.contextmanager
def needs_training_extra() -> Iterator[None]:
    """A package that only training needs, and that is missing, is told with its cure."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"{error.name} is not installed, and training needs it; run: make setup EXTRAS=training"
        ) from error
