"""Data as the paper makes them: a big model writes, the checks keep what is right.

    tinyagent data write OUT.jsonl --endpoint http://127.0.0.1:8080/v1 --model NAME --count 1000

Any server that speaks OpenAI's chat completions will do: vLLM, llama-server,
Ollama, a cloud. For each row a set of tools is sampled (from those that the
patterns put together, so that it makes sense), and the model asked for a
realistic request with its plan, given the rules and some examples. What fails
a check is counted by reason. Rows are appended as they are kept: a run that is
cut off goes on where it stopped. ``--key NAME`` names the variable, or the keychain's
entry, that holds the API key.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from rapidfuzz import fuzz, process

from tinyagent.data.check import TOO_ALIKE, fill, plan_problems
from tinyagent.data.generate import DAYS, FIRST_DAY, Example, reason_of
from tinyagent.data.patterns import Pattern
from tinyagent.data.slots import draw
from tinyagent.errors import PlanError, UnusableAnswerError
from tinyagent.plans.syntax import Plan, read_plan
from tinyagent.remote.chat import Connection, Message, Server
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


@dataclass
class Tally:
    """What a run did, and what it cost."""

    kept: int = 0
    asked: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def cost(self, prompt_price: float, completion_price: float) -> float:
        """In the currency of the prices, which are for a million tokens."""
        return (self.prompt_tokens * prompt_price + self.completion_tokens * completion_price) / 1e6


async def write(
    server: Server,
    patterns: Sequence[Pattern],
    tools: ToolSet,
    out: Path,
    count: int,
    most: int,
    seed: int,
    concurrency: int = 8,
    tell: Callable[[Tally], None] = lambda tally: None,
) -> Tally:
    """Have rows written until ``out`` holds ``count``, or ``most`` were asked for.

    Args:
        concurrency: requests at a time.

    Raises:
        ServerError: nobody answers at the endpoint, or it refuses every request.
    """
    rows = [json.loads(line) for line in out.open(encoding="utf-8")] if out.exists() else []
    said = [row["request"].lower() for row in rows]
    tally = Tally(kept=len(said))
    random = Random(f"{seed}-{len(said)}")
    out.parent.mkdir(parents=True, exist_ok=True)
    async with Connection(server) as connection:
        with out.open("a", encoding="utf-8") as file:

            async def worker() -> None:
                while tally.kept < count and tally.asked < most:
                    tally.asked += 1
                    names, messages = _question(patterns, tools, random)
                    now = FIRST_DAY + timedelta(days=random.randrange(DAYS), hours=9)
                    answer = await _ask(connection, messages, tally)
                    row = _checked(answer, names, now, tools, server.model, said, tally)
                    if row is not None and tally.kept < count:
                        file.write(json.dumps(asdict(row), ensure_ascii=False) + "\n")
                        file.flush()
                        said.append(row.request.lower())
                        tally.kept += 1
                    tell(tally)

            await asyncio.gather(*(worker() for _ in range(concurrency)))
    return tally


def _question(
    patterns: Sequence[Pattern], tools: ToolSet, random: Random
) -> tuple[set[str], list[Message]]:
    """A sampled set of tools, and the messages that ask for a request that needs them."""
    names = set(random.choice([p for p in patterns if p.plan]).tools())
    near = [p for p in patterns if p.plan and set(p.tools()) & names]
    shown = [_shown(p, random) for p in random.sample(near, min(EXAMPLES, len(near)))]
    listed = "\n".join(
        f"- {tool.signature}: {tool.description}" for tool in tools.only(names).values()
    )
    wanted = f"Tools:\n{listed}\n\nExamples of other requests:\n" + "\n".join(filter(None, shown))
    return names, [{"role": "system", "content": RULES}, {"role": "user", "content": wanted}]


def _shown(pattern: Pattern, random: Random) -> str:
    try:
        request, plan = fill(pattern, draw(pattern.slots(), random))
    except (PlanError, ValueError):
        return ""
    return json.dumps({"request": request, "plan": str(plan)}, ensure_ascii=False)


async def _ask(connection: Connection, messages: list[Message], tally: Tally) -> str:
    """The model's answer; "" where none came, which is counted.

    Raises:
        ServerError: no server is there, or it refuses who asks.
    """
    try:
        answer = await connection.complete(messages, max_tokens=MAX_TOKENS, temperature=1.0)
    except UnusableAnswerError as error:
        tally.refused[f"no answer: {error}"] += 1
        return ""
    tally.prompt_tokens += answer.prompt_tokens
    tally.completion_tokens += answer.completion_tokens
    return answer.text


def _checked(
    answer: str,
    names: set[str],
    now: datetime,
    tools: ToolSet,
    model: str,
    said: list[str],
    tally: Tally,
) -> Example | None:
    """The answer as a row, or None; why not is counted."""
    if not answer:
        return None
    try:
        request, plan = _read(answer)
    except PlanError:
        tally.refused["the plan does not parse"] += 1
        return None
    except (ValueError, KeyError, TypeError):
        tally.refused["no JSON with a request and a plan"] += 1
        return None
    used = {call.tool for call in plan}
    if used != names:
        tally.refused["other tools than those that were asked for"] += 1
    elif wrong := plan_problems(request, plan, tools, now):
        tally.refused[reason_of(wrong[0])] += 1
    elif process.extractOne(request.lower(), said, scorer=fuzz.ratio, score_cutoff=TOO_ALIKE):
        tally.refused["nearly the same as another"] += 1
    else:
        time = now.isoformat(timespec="minutes")
        return Example(request, time, str(plan), sorted(used), "everyday", f"endpoint:{model}")
    return None


def _read(answer: str) -> tuple[str, Plan]:
    """Request and plan of an answer, which may stand in a fence or in prose."""
    found = re.search(r"\{.*\}", answer, re.DOTALL)
    row = json.loads(found[0] if found else answer, strict=False)
    request, plan = row["request"], row["plan"]
    if not isinstance(request, str) or not isinstance(plan, str) or not request.strip():
        raise ValueError("request and plan are no text")
    return " ".join(request.split()), read_plan(plan)
