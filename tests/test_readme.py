"""The README's requests, on the real models: the plans are right, and they do what they say."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from tinyagent import events
from tinyagent.agent import TinyAgent
from tinyagent.approval.approval import Decision
from tinyagent.evaluation.scoring import score
from tinyagent.evaluation.sets import Item, read_test_set
from tinyagent.events import Event
from tinyagent.plans.syntax import read_plan
from tinyagent.settings import Settings
from tinyagent.tools.sixteen import SIXTEEN
from ui.conversation import EXAMPLES

ROOT = Path(__file__).parent.parent
ITEMS = read_test_set(ROOT / "tests" / "sets" / "readme.jsonl")
NOW = datetime(2026, 11, 24, 9, 30)


def test_the_readme_the_page_and_this_test_name_the_same_requests() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    listed = re.findall(r"^\d+\. (.+)$", readme, re.MULTILINE)
    assert listed == list(EXAMPLES) == [item.query for item in ITEMS]
    assert sum(len(item.plans[0].calls) >= 3 for item in ITEMS) >= 3


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory, sample: Path) -> Iterator[TinyAgent]:
    folder = tmp_path_factory.mktemp("readme")
    shutil.copytree(sample, folder / "workspace")
    settings = Settings(
        backend="workspace", workspace=folder / "workspace", traces=folder / "traces.db"
    )
    agent = TinyAgent.open(replace(settings))
    yield agent
    agent.close()


def contents(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


async def follow(agent: TinyAgent, run: str) -> list[Event]:
    """Approve all, take the first of what is asked; all that happened."""
    seen = []
    async for event in agent.events(run):
        seen.append(event)
        if isinstance(event, events.QuestionAsked):
            await asyncio.to_thread(agent.answer, run, event.question, event.candidates[0])
        if isinstance(event, events.ApprovalAsked):
            await asyncio.to_thread(agent.decide, run, event.approval, Decision("approve"))
    return seen


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.id)
def test_a_request_of_the_readme_is_planned_right_and_done(agent: TinyAgent, item: Item) -> None:
    before = contents(agent.settings.workspace)
    run = agent.start(item.query, NOW)
    seen = asyncio.run(follow(agent, run))
    (ready, *_) = [e for e in seen if isinstance(e, events.PlanReady)]
    got = score(read_plan(ready.plan), item, SIXTEEN)
    assert got.arguments, ready.plan
    assert isinstance(seen[-1], events.Answered), seen[-1]
    assert seen[-1].complete, seen[-1].text
    after = contents(agent.settings.workspace)
    changes = any(SIXTEEN[call.tool].changes for call in item.plans[0])
    assert (before != after) == changes
