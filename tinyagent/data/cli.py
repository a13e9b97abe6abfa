"""``tinyagent data``: check the patterns, and make data sets from them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from tinyagent.commands.console import explained, options, progress_bar

app = typer.Typer(no_args_is_help=True, help="Check the patterns; make data sets from them.")


@app.command()
def check(
    files: Annotated[list[Path] | None, typer.Argument(help="Pattern files; default: all.")] = None,
) -> None:
    """Say what is wrong with patterns, and count them."""
    with explained():
        from tinyagent.data.check import check_files
        from tinyagent.data.patterns import FOLDER, read_file

        every = sorted(FOLDER.glob("*.txt"))
        named = files or every
        others = [p for p in every if p.resolve() not in {n.resolve() for n in named}]
        wrong = check_files(named, others)
        for line in wrong:
            typer.echo(line, err=True)
        patterns = [p for path in named for p in read_file(path)]
    styles = ", ".join(f"{n} {s}" for s, n in Counter(p.style for p in patterns).most_common())
    typer.echo(f"{len(patterns)} patterns: {styles}")
    raise typer.Exit(1 if wrong else 0)


@app.command()
def generate(
    out: Annotated[Path, typer.Argument(metavar="DIR", help="Gets a JSON-lines file a split.")],
    train: Annotated[int, typer.Option(min=1, help="Rows of the training split.")] = 80_000,
    validation: Annotated[int, typer.Option(min=1, help="Rows of the validation split.")] = 1_000,
    test: Annotated[int, typer.Option(min=1, help="Rows of the test split.")] = 1_000,
    joined: Annotated[
        float,
        typer.Option(min=0, max=1, help="Share of training rows that join patterns."),
    ] = 0.4,
    more: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A file of patterns that is told four times as often, as a planner that goes on "
            "needs of those it does not know; may come again.",
        ),
    ] = None,
    written: Annotated[
        list[Path] | None,
        typer.Option(
            "--with",
            metavar="ROWS.jsonl",
            help="Rows of `tinyagent data write`, to train on besides; may come again.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same rows.")] = 0,
) -> None:
    """Make a data set from the patterns, with its card."""
    with explained():
        from tinyagent.data.card import data_card
        from tinyagent.data.generate import generate as make
        from tinyagent.data.generate import read_written
        from tinyagent.data.patterns import read_patterns
        from tinyagent.tools.sixteen import SIXTEEN

        patterns = read_patterns()
        counts = {"train": train, "validation": validation, "test": test}
        others = [row for path in written or [] for row in read_written(path)]
        with progress_bar() as shown:
            data = make(patterns, counts, SIXTEEN, seed, out, joined, more or [], others, shown)
        command = (
            f"tinyagent data generate {out} --train {train} --validation {validation} "
            f"--test {test} --joined {joined} --seed {seed}"
            f"{options(**{'more': more, 'with': written})}"
        )
        card = out / "card.md"
        card.write_text(data_card(patterns, data, SIXTEEN, out, command), encoding="utf-8")
    rows = sum(map(len, data.splits.values()))
    typer.echo(f"{rows} rows in {out}; {card} says what they hold")


@app.command()
def write(
    out: Annotated[Path, typer.Argument(metavar="OUT.jsonl", help="Rows are appended to it.")],
    endpoint: Annotated[
        list[str],
        typer.Option(help="Base URL of an OpenAI-compatible server; may come again: they share."),
    ],
    model: Annotated[str, typer.Option(help="The model's name at those servers.")],
    count: Annotated[int, typer.Option(min=1, help="Rows that the file is to hold.")] = 1000,
    most: Annotated[
        int, typer.Option(min=0, help="Ask no more often in one start; 0: ten times count.")
    ] = 0,
    concurrency: Annotated[
        int, typer.Option(min=1, help="Requests at a time, of each server.")
    ] = 8,
    key: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="Of the variable, or the entry of the keychain, with its API key."
        ),
    ] = "",
    prompt_price: Annotated[float, typer.Option(help="For a million prompt tokens.")] = 0.0,
    completion_price: Annotated[float, typer.Option(help="For a million written tokens.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Of the sampled sets of tools.")] = 0,
) -> None:
    """Have a big model write rows, as the paper does; keep those that pass the checks."""
    with explained():
        import asyncio

        from rich.console import Console
        from rich.progress import Progress

        from tinyagent.data import endpoint as remote
        from tinyagent.data.patterns import read_patterns
        from tinyagent.keys import read_key
        from tinyagent.remote.chat import Server
        from tinyagent.tools.sixteen import SIXTEEN

        secret = read_key(key, "option --key")
        servers = [Server(url, model, secret, remote.PATIENCE) for url in dict.fromkeys(endpoint)]
        with Progress(console=Console(stderr=True)) as progress:
            bar = progress.add_task("kept", total=count)

            async def run() -> remote.Tally:
                async with remote.connected(servers) as writers:
                    return await remote.write(
                        writers,
                        model,
                        read_patterns("train"),
                        SIXTEEN,
                        out,
                        count,
                        most or 10 * count,
                        seed,
                        concurrency,
                        lambda told: typer.echo(told, err=True),
                        lambda now: progress.update(bar, completed=now.kept),
                    )

            tally = asyncio.run(run())
    typer.echo(f"{tally.kept} rows in {out}; asked {tally.asked} times")
    for reason, times in tally.refused.most_common():
        typer.echo(f"  refused {times}: {reason}")
    if len(servers) > 1:
        for name, answers in tally.answers.most_common():
            typer.echo(f"  {name}: {answers} answers, {tally.kept_of[name]} kept")
    cost = tally.cost(prompt_price, completion_price)
    typer.echo(f"{tally.prompt_tokens} + {tally.completion_tokens} tokens, cost {cost:.2f}")
