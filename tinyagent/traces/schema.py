"""``docs/traces.md``: what the tables and views of the trace log hold.

Made by ``python -m tinyagent.traces.schema > docs/traces.md``.
"""

from __future__ import annotations

import sys

from sqlite_utils.db import Database

from tinyagent.traces.migrations import MIGRATIONS

TABLES = {
    "traces": "One row a run. `status` is how far it came; an interrupted run says where it was. "
    "`certainty` is how sure the models were (0 to 1); `label` the verdict that counts now.",
    "tools": "The probability of every tool, and which ones the planner was offered.",
    "plans": "`proposed` by the planner, `revised` by the person, `approved` with edits in place.",
    "tasks": "Every call of every plan, with resolved arguments (JSON) and what came of it. "
    "`may have run` is a change that was cut off: nobody can know whether it happened.",
    "texts": "What the writers wrote; `fallback` where the plan's own words stood instead.",
    "questions": "What a person was asked (which Alex?), and the choice; empty if passed over.",
    "approvals": "The calls as they were shown, and as they were approved (JSON).",
    "labels": "What people said of a run, newest last; nothing is overwritten. `verdict` is "
    "`good`, `bad`, or empty where a label was taken back; `source` is `person`, `approval` "
    "(edited or rejected there) or `import`; `plan` is the right one, where the run's was not.",
    "searchable": "The words of each run, kept by triggers; its full-text index is `_search`.",
    "events": "Everything that happened, in order, as raw JSON: the rest can be made from it.",
}
VIEWS = {
    "recent": "The latest requests and their answers.",
    "failed_tasks": "Tasks that failed, and why.",
    "edits": "Plans that a person changed before approving: labels for training.",
    "labelled": "The label that counts now, for each run that has one.",
}


def schema_page() -> str:
    """The page, in Markdown, from a database that the migrations made just now."""
    db = Database(memory=True)
    MIGRATIONS.apply(db)
    parts = [
        "# The trace log\n",
        "`traces/traces.db` is SQLite, in WAL mode, and open to any program that reads it.",
        "Times are ISO local time. Written as it happens, one transaction an event.\n",
    ]
    for name, help in TABLES.items():
        columns = ", ".join(f"`{c.name}`" for c in db.table(name).columns)
        parts.append(f"## {name}\n\n{help}\n\n{columns}\n")
    for name, help in VIEWS.items():
        columns = ", ".join(f"`{c.name}`" for c in db.view(name).columns)
        parts.append(f"## {name} (view)\n\n{help}\n\n{columns}\n")
    return "\n".join(parts)


if __name__ == "__main__":
    sys.stdout.write(schema_page())
