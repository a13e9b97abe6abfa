"""Texts: a writer puts the bodies of e-mails into words, before anybody is asked about them."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import Executor as Threads

from tinyagent import events
from tinyagent.plans.syntax import Call, Plan, reference
from tinyagent.runs.executor import Executor, Task
from tinyagent.runs.resolve import ResolvedCall
from tinyagent.runs.run import Run
from tinyagent.writers import Writers

_MAIL = ("compose_new_email", "reply_to_email", "forward_email")


class Texts:
    """The texts of one run.

    Args:
        run: told of each text.
        request: the person's words.
        executor: has the tasks that the texts are of.
        writers: write them.
        threads: on which they do.
    """

    def __init__(
        self, run: Run, request: str, executor: Executor, writers: Writers, threads: Threads
    ) -> None:
        self._run = run
        self._request = request
        self._executor = executor
        self._writers = writers
        self._threads = threads

    async def write(self, calls: list[ResolvedCall]) -> None:
        """Put the bodies of those calls that are e-mails into words, once each."""
        loop = asyncio.get_running_loop()
        for call in calls:
            task = self._executor.tasks[call.task - 1]
            context = str(call.arguments.get("context", ""))
            if call.tool not in _MAIL or "context" in task.literal:
                continue
            if "context" in call.open or not self._writers.can_write(context):
                continue
            self._run.emit(events.TextWriting(call.task, "context"))
            began = time.perf_counter()
            names = _names_of(task, self._executor.plan)
            body = await loop.run_in_executor(
                self._threads, self._writers.email_body, context, names, self._request
            )
            task.literal["context"] = body.text
            if not body.fallback:
                task.written.append("context")
            seconds = time.perf_counter() - began
            self._run.emit(
                events.TextWritten(call.task, "context", body.text, body.fallback, seconds)
            )


def _names_of(task: Task, plan: Plan) -> list[str]:
    """The people whom an e-mail goes to, as the request names them; [] if one has no name."""
    if task.tool.parameters[0].name != "recipients":
        return []
    recipients = task.call.arguments[0]
    assert isinstance(recipients, tuple)
    names = []
    for recipient in recipients:
        k = reference(recipient)
        looked_up: Call | None = plan.calls[k - 1] if k else None
        if looked_up is None or looked_up.tool != "get_email_address":
            return []
        names.append(str(looked_up.arguments[0]))
    return names
