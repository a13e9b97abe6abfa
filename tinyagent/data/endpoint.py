"""Data as the paper makes them: a big model writes, the checks keep what is right.

    tinyagent data write OUT.jsonl --endpoint http://127.0.0.1:8080/v1 --model NAME --count 1000

Any server that speaks OpenAI's chat completions will do: vLLM, llama-server,
Ollama, a cloud; or several of them, which share the work. For each row a set of
tools is sampled (from those that the patterns put together, so that it makes
sense), and the model asked for a realistic request with its plan, given the
rules and some examples. What fails a check is counted by reason. Rows are
appended as they are kept: a run that is cut off goes on where it stopped, what it cost so far
counted with the rest.
``--key NAME`` names the variable, or the keychain's entry, that holds the API
key.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from rapidfuzz import fuzz, process

from tinyagent.atomic import write_whole
from tinyagent.data.check import TOO_ALIKE, fill, plan_problems
from tinyagent.data.generate import DAYS, FIRST_DAY, Example, reason_of
from tinyagent.data.patterns import Pattern
from tinyagent.data.slots import draw
from tinyagent.errors import PlanError, UnusableAnswerError
from tinyagent.fanout import Place, fan_out
from tinyagent.lines import read_rows
from tinyagent.plans.syntax import Plan, read_plan
from tinyagent.remote.chat import Completion, Connection, Message, Server
from tinyagent.tools.registry import ToolSet

EXAMPLES = 4
MAX_TOKENS = 600
PATIENCE = 120.0
"""Seconds for one answer."""

RULES = """\
You write training data for an assistant that plans with tools. Write ONE realistic request that \
a person could type or say, which needs exactly the tools listed, and its plan.

Rules of a plan:
- Numbered calls, one a line, the last is join(). Arguments are positional Python literals, text \
in double quotes; trailing arguments that hold their default are left out.
- $k stands for the result of the earlier call k. A recipient is $k or an address that stands in \
the request, never a name. A file is found with open_and_get_file_path first.
- Names, files, places, times and addresses are copied from the request, word for word.
- No call that the request does not need; every look-up is used.

Answer with a JSON object: {"request": "...", "plan": "1. ...\\n2. join()"}"""


@dataclass(frozen=True)
class Question:
    """What one row is asked for with: the tools that it must need, the messages, and the requests
    that they show."""

    names: frozenset[str]
    shown: tuple[str, ...]
    messages: tuple[Message, ...]
    now: datetime


Writer = Place[Question, Completion]
"""Where questions are answered."""


@dataclass
class Tally:
    """What a run did, and what it cost, over all its starts: it is kept beside the rows.

    Attributes:
        answers: how many each server gave.
        kept_of: how many rows of each server's were kept.
    """

    kept: int = 0
    asked: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    prompt_tokens: int = 0
    completion_tokens: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    kept_of: Counter[str] = field(default_factory=Counter)

    @classmethod
    def read(cls, path: Path, kept: int) -> Tally:
        """The tally of earlier starts, if there were any; ``kept`` rows are there now."""
        if not path.is_file():
            return cls(kept=kept)
        told: dict[str, Any] = json.loads(path.read_text("utf-8"))
        counters = {name: Counter(value) for name, value in told.items() if isinstance(value, dict)}
        return cls(**told | counters | {"kept": kept})

    def cost(self, prompt_price: float, completion_price: float) -> float:
        """In the currency of the prices, which are for a million tokens."""
        return (self.prompt_tokens * prompt_price + self.completion_tokens * completion_price) / 1e6


async def write(
    writers: Sequence[Writer],
    model: str,
    patterns: Sequence[Pattern],
    tools: ToolSet,
    out: Path,
    count: int,
    most: int,
    seed: int,
    concurrency: int,
    tell: Callable[[str], None],
    progress: Callable[[Tally], None],
) -> Tally:
    """Have rows written until ``out`` holds ``count``, or ``most`` were asked for.

    Args:
        writers: those who are asked; see ``connected``.
        model: what the rows say they come from.
        concurrency: requests at a time, of each.
        tell: gets a sentence for each server that is left out.

    Raises:
        ServerError: nobody answers at any endpoint, or each refuses every request.
    """
    said = [row["request"].lower() for row in read_rows(out)]
    counted = out.with_name(f"{out.name}.tally")
    tally = Tally.read(counted, kept=len(said))
    before = tally.asked
    random = Random(f"{seed}-{len(said)}")
    out.parent.mkdir(parents=True, exist_ok=True)

    def questions() -> Iterator[Question]:
        while tally.kept < count and tally.asked - before < most:
            tally.asked += 1
            yield _question(patterns, tools, random)

    with out.open("a", encoding="utf-8") as file:

        def answered(asked: Question, place: str, answer: Completion | UnusableAnswerError) -> None:
            row = _checked(answer, asked, tools, model, said, tally)
            tally.answers[place] += not isinstance(answer, UnusableAnswerError)
            if row is not None and tally.kept < count:
                file.write(json.dumps(asdict(row), ensure_ascii=False) + "\n")
                file.flush()
                said.append(row.request.lower())
                tally.kept += 1
                tally.kept_of[place] += 1
            write_whole(counted, json.dumps(vars(tally)).encode())
            progress(tally)

        await fan_out(questions(), writers, concurrency, answered, tell)
    return tally


@asynccontextmanager
async def connected(servers: Sequence[Server]) -> AsyncIterator[list[Writer]]:
    """A writer for each server, as long as the context lasts."""
    async with AsyncExitStack() as stack:
        yield [
            _ServerWriter(server.shown, await stack.enter_async_context(Connection(server)))
            for server in servers
        ]


class _ServerWriter:
    def __init__(self, name: str, connection: Connection) -> None:
        self.name = name
        self._connection = connection

    async def work(self, asked: Question) -> Completion:
        return await self._connection.complete(
            asked.messages, max_tokens=MAX_TOKENS, temperature=1.0
        )


def _question(patterns: Sequence[Pattern], tools: ToolSet, random: Random) -> Question:
    """A sampled set of tools, and the messages that ask for a request that needs them."""
    names = frozenset(random.choice([p for p in patterns if p.plan]).tools())
    near = [p for p in patterns if p.plan and set(p.tools()) & names]
    tried = [_shown(p, random) for p in random.sample(near, min(EXAMPLES, len(near)))]
    shown = {request: line for request, line in tried if request}
    listed = "\n".join(
        f"- {tool.signature}: {tool.description}" for tool in tools.only(names).values()
    )
    wanted = f"Tools:\n{listed}\n\nExamples of other requests:\n" + "\n".join(shown.values())
    now = FIRST_DAY + timedelta(days=random.randrange(DAYS), hours=9)
    messages = ({"role": "system", "content": RULES}, {"role": "user", "content": wanted})
    return Question(names, tuple(shown), messages, now)


def _shown(pattern: Pattern, random: Random) -> tuple[str, str]:
    """A request, and how it is shown with its plan; "" where it cannot be filled."""
    try:
        request, plan = fill(pattern, draw(pattern.slots(), random))
    except (PlanError, ValueError):
        return "", ""
    return request, json.dumps({"request": request, "plan": str(plan)}, ensure_ascii=False)


def _checked(
    answer: Completion | UnusableAnswerError,
    asked: Question,
    tools: ToolSet,
    model: str,
    said: list[str],
    tally: Tally,
) -> Example | None:
    """The answer as a row, or None; why not is counted, and so is what it cost."""
    if isinstance(answer, UnusableAnswerError):
        tally.refused[f"no answer: {answer}"] += 1
        return None
    tally.prompt_tokens += answer.prompt_tokens
    tally.completion_tokens += answer.completion_tokens
    try:
        request, plan = _read(answer.text)
    except PlanError:
        tally.refused["the plan does not parse"] += 1
        return None
    except (ValueError, KeyError, TypeError):
        tally.refused["no JSON with a request and a plan"] += 1
        return None
    used = {call.tool for call in plan}
    if used != asked.names:
        tally.refused["other tools than those that were asked for"] += 1
    elif wrong := plan_problems(request, plan, tools, asked.now):
        tally.refused[reason_of(wrong[0])] += 1
    elif process.extractOne(
        request.lower(),
        [*said, *(other.lower() for other in asked.shown)],
        scorer=fuzz.ratio,
        score_cutoff=TOO_ALIKE,
    ):
        tally.refused["nearly the same as another"] += 1
    else:
        time = asked.now.isoformat(timespec="minutes")
        source = f"endpoint:{model}:{tally.asked}-{len(said)}"  # each is a pattern of its own
        return Example(request, time, str(plan), sorted(used), "everyday", source)
    return None


def _read(answer: str) -> tuple[str, Plan]:
    """Request and plan of an answer, which may stand in a fence or in prose."""
    found = re.search(r"\{.*\}", answer, re.DOTALL)
    row = json.loads(found[0] if found else answer, strict=False)
    request, plan = row["request"], row["plan"]
    if not isinstance(request, str) or not isinstance(plan, str) or not request.strip():
        raise ValueError("request and plan are no text")
    return " ".join(request.split()), read_plan(plan)
