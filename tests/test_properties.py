"""Properties that hold for any input: the parser, the validator, ``$k``, the executor's order,
time phrases, and the files of a workspace.

A longer run, for as long as one likes: ``benchmarks/fuzz.py``.
"""

from __future__ import annotations

import asyncio
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tinyagent import events, times
from tinyagent.approval.approval import ApprovalBook, ToolRunner
from tinyagent.approval.visible import hidden, visible
from tinyagent.backends.base import Outcome
from tinyagent.backends.workspace import Workspace
from tinyagent.backends.workspace.undo import change, restored
from tinyagent.errors import PlanError, PlanSyntaxError, TimePhraseError, ToolError
from tinyagent.events import Event
from tinyagent.plans.syntax import REFERENCE, Call, Plan, PlanReader, Value, read_plan
from tinyagent.plans.validate import problems
from tinyagent.runs.executor import Executor
from tinyagent.runs.resolve import Gap, ResolvedCall, resolve
from tinyagent.runs.run import Run
from tinyagent.times.vocabulary import MONTHS, NUMBERS, ORDINALS, SHORT_FORMS, UNITS, WEEKDAYS
from tinyagent.tools.context import ToolContext
from tinyagent.tools.sixteen import SIXTEEN

NOW = datetime(2026, 11, 24, 9, 30)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
_PIECES = ["$1", "$2", "$12", "$", "1", '"', "\\", "\n", "(", ")", ",", "a ", "é", "join"]
PIECES = st.lists(st.sampled_from(_PIECES), max_size=8).map("".join)
VALUE: st.SearchStrategy[Value] = st.one_of(
    TEXT,
    PIECES,
    st.integers(0, 10**9),
    st.booleans(),
    st.lists(st.one_of(TEXT, PIECES), max_size=3).map(tuple),
)
NAME = st.one_of(st.sampled_from(list(SIXTEEN)), st.from_regex(r"[A-Za-z_]\w{0,8}", fullmatch=True))


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    names = draw(st.lists(NAME.filter(lambda name: name != "join"), max_size=5))
    calls = [
        Call(number, name, tuple(draw(st.lists(VALUE, max_size=7))))
        for number, name in enumerate(names, 1)
    ]
    return Plan(tuple(calls))


@given(plans())
def test_a_plan_that_is_written_is_read_as_it_was(plan: Plan) -> None:
    assert read_plan(str(plan)) == plan


@given(plans(), st.lists(st.integers(0, 400), max_size=12))
def test_a_plan_that_comes_in_pieces_is_the_same_plan(plan: Plan, cuts: list[int]) -> None:
    text = str(plan)
    ends = sorted({min(cut, len(text)) for cut in cuts} | {len(text)})
    reader = PlanReader()
    heard = [
        call
        for start, end in zip([0, *ends], ends, strict=False)
        for call in reader.feed(text[start:end])
    ]
    assert Plan(tuple(heard)) == plan
    assert reader.close() == plan


_CODE = '[ ] ( ) { } - 1 0x1f 1e99 1e999 True None f .a lambda: \' " b"" f"{x}" """ * ** = := #'
_CODE += " \\\n \\N{DASH} \\x \\ud800 \t \f \x00 , $1 not ~ 1_0 1j ... for\tx\tin\ty"
CODE = st.lists(st.sampled_from(_CODE.split(" ")), max_size=12).map("".join)


@given(st.one_of(TEXT, PIECES, CODE, st.text(max_size=60)))
def test_any_text_is_a_plan_or_a_syntax_error(text: str) -> None:
    for source in (text, f"1. open_note({text})\n2. join()", f'1. open_note("{text}")\n2. join()'):
        try:
            plan = read_plan(source)
        except PlanSyntaxError as error:
            assert str(error)
        else:
            assert read_plan(str(plan)) == plan


@given(plans())
def test_the_validator_objects_in_words_and_what_it_lets_through_resolves(plan: Plan) -> None:
    found = problems(plan, SIXTEEN, NOW)
    assert all(isinstance(problem, PlanError) and str(problem) for problem in found)
    if not found:
        for call in plan:
            resolved = resolve(call, SIXTEEN[call.tool], {}, NOW)
            assert set(resolved.open) <= resolved.arguments.keys()
            assert len(resolved.hash) == 64


@given(
    st.lists(st.one_of(PIECES, TEXT), max_size=3),
    st.dictionaries(st.integers(1, 13), st.one_of(TEXT, PIECES), max_size=6),
    st.dictionaries(st.integers(1, 13), st.one_of(TEXT, PIECES), max_size=6),
)
def test_results_go_in_once_and_as_they_are(
    texts: list[str], early: dict[int, str], late: dict[int, str]
) -> None:
    """Some results are known when the call is resolved, the others fill its gaps."""
    content = "|".join(texts)
    late = {k: text for k, text in late.items() if k not in early}
    needed = {int(k) for k in REFERENCE.findall(content)}
    late |= {k: f"late {k}" for k in needed - early.keys() - late.keys()}
    call = Call(99, "create_note", ("name", content))
    resolved = resolve(call, SIXTEEN["create_note"], early, NOW)
    assert {gap.task for gap in resolved.gaps} == needed - early.keys()
    expected = REFERENCE.sub(lambda m: (early | late)[int(m[1])], content)
    assert resolved.filled(late).arguments["content"] == expected
    assert resolved.filled(late).gaps == ()


@given(st.lists(st.tuples(TEXT, st.integers(1, 99), TEXT), max_size=5))
def test_gaps_in_a_list_do_not_disturb_each_other(items: list[tuple[str, int, str]]) -> None:
    values = [f"{before}${k}{after}" for before, k, after in items]
    gaps = tuple(Gap("recipients", i, len(b), k) for i, (b, k, _) in enumerate(items))
    results = {k: f"<{k}>$7" for _, k, _ in items}
    filled = ResolvedCall(1, "send_sms", {"recipients": values}, gaps).filled(results)
    assert filled.arguments["recipients"] == [f"{b}{results[k]}{a}" for b, k, a in items]


@given(st.binary(max_size=200), st.binary(max_size=200), st.binary(max_size=40))
def test_a_change_that_is_undone_leaves_what_was_there(
    before: bytes, after: bytes, other: bytes
) -> None:
    made = change("x", before, after)
    assert restored(made, after) == before
    assert restored(change("x", None, after), after) is None
    try:
        now = restored(made, after + other)
    except ToolError:
        return
    assert other == b"" or now is not None


@given(st.one_of(TEXT, st.text(max_size=20)))
def test_what_is_shown_holds_nothing_that_is_hidden(text: str) -> None:
    assert not hidden(visible(text))
    if not hidden(text):
        assert visible(text) == text


_SMALL = (
    "at on in next this a an the and to from of for half past quarter before after between by am pm"
)
_OTHER = (
    "today tomorrow tonight noon midnight morning evening end week weekend ago now every o'clock"
)
_FIGURES = ["0", "1", "12", "13", "24", "25", "30", "99", "2026", "2:30", "14:60", "7.15", "3rd"]
_FIGURES += ["2/29", "13/1", "2026-02-30", "99999999999", "1e9", "٣", "½", "-5", "$1"]
PHRASE = st.lists(
    st.one_of(
        st.sampled_from([*WEEKDAYS, *MONTHS, *UNITS, *NUMBERS, *ORDINALS, *SHORT_FORMS]),
        st.sampled_from([*_SMALL.split(), *_OTHER.split(), *_FIGURES, ",", "-", ""]),
        st.text(max_size=4),
    ),
    max_size=7,
).map(" ".join)


@given(PHRASE, PHRASE, st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)))
def test_any_words_are_a_time_or_an_error_that_names_them(
    start: str, end: str, now: datetime
) -> None:
    try:
        moment = times.resolve(start, now)
        assert times.resolve_end(end, moment, now).at >= moment.at
    except TimePhraseError as error:
        assert str(error)


_LINES = [
    "BEGIN:VCARD",
    "END:VCARD",
    "VERSION:3.0",
    "FN:Ann Lee",
    "N:Lee;Ann;;;",
    "ADR;TYPE=HOME:;;1",
]
_LINES += [
    "BEGIN:VCALENDAR",
    "END:VCALENDAR",
    "BEGIN:VEVENT",
    "END:VEVENT",
    "DTSTART:20261124T0930",
]
_LINES += [
    "EMAIL;TYPE=INTERNET:ann@x.org",
    "TEL;TYPE=CELL:+1 555 0100",
    "NICKNAME:A\\,b,",
    ":",
    ";=",
]
_LINES += ["PHOTO;ENCODING=b:////", "item1.ORG:;", "TEL;ENCODING=QUOTED-PRINTABLE:=C3=2", " folded"]
FILE = st.lists(
    st.one_of(st.sampled_from(_LINES), st.text(max_size=20)).map(str.encode)
    | st.binary(max_size=9),
    max_size=9,
).map(b"\n".join)


@given(FILE, FILE)
def test_any_bytes_are_contacts_and_a_calendar_or_are_reported(
    cards: bytes, calendar: bytes
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name in ("contacts", "calendars"):
            (root / name).mkdir()
        (root / "contacts" / "good.vcf").write_text(
            "BEGIN:VCARD\nFN:Sid\nTEL:+1 555 0101\nEND:VCARD"
        )
        (root / "contacts" / "other.vcf").write_bytes(cards)
        (root / "calendars" / "Home.ics").write_bytes(calendar)
        workspace = Workspace(root, lambda: NOW)
        assert workspace.get_phone_number("Sid") == "+1 555 0101"
        assert all(isinstance(problem, str) for problem in workspace.problems())
        try:
            made = workspace.create_calendar_event("Tea", NOW, NOW, False, "", [], "", "Home")
        except ToolError:
            made = Outcome("")
        else:
            assert b"SUMMARY:Tea" in (root / "calendars" / "Home.ics").read_bytes()
        for one in made.changes:
            workspace.undo(one)
        assert (root / "calendars" / "Home.ics").read_bytes() == calendar
        assert (root / "contacts" / "other.vcf").read_bytes() == cards


@dataclass
class Recorder:
    """A backend of notes: what began and ended, in order, and which calls fail."""

    failing: set[str]
    name: str = "recorder"
    log: list[tuple[str, str]] = field(default_factory=list)

    def _do(self, name: str) -> Outcome:
        self.log.append(("began", name))
        if name in self.failing:
            self.log.append(("failed", name))
            raise ToolError("it failed")
        self.log.append(("ended", name))
        return Outcome(f"result {name}")

    def maps_open_location(self, location: str) -> Outcome:
        return self._do(location.partition(" ")[0])

    def get_zoom_meeting_link(self, topic: str, start: Any, minutes: int, invitees: Any) -> Outcome:
        return self._do(topic.partition(" ")[0])


@st.composite
def graphs(draw: st.DrawFn) -> tuple[Plan, set[str]]:
    """A plan of look-ups and changes with any references backwards, and which of them fail."""
    calls = []
    for number in range(1, draw(st.integers(1, 7)) + 1):
        used = draw(st.sets(st.integers(1, number - 1), max_size=3)) if number > 1 else set()
        text = f"t{number} " + " ".join(f"${k}" for k in sorted(used))
        if draw(st.booleans()):
            calls.append(Call(number, "maps_open_location", (text,)))
        else:
            calls.append(Call(number, "get_zoom_meeting_link", (text, "tomorrow at 2pm")))
    failing = draw(st.sets(st.sampled_from([f"t{call.number}" for call in calls])))
    return Plan(tuple(calls)), failing


@given(graphs())
def test_every_task_runs_once_after_what_it_needs_or_not_at_all(
    graph: tuple[Plan, set[str]],
) -> None:
    plan, failing = graph
    backend = Recorder(failing)
    log = asyncio.run(asyncio.wait_for(execute(plan, backend), 60))
    lost: set[str] = set()
    for call in plan:
        name = f"t{call.number}"
        needs = {f"t{k}" for k in call.references()}
        began = [i for i, entry in enumerate(backend.log) if entry == ("began", name)]
        if needs & lost:
            assert began == []
            lost.add(name)
            continue
        assert len(began) == 1, backend.log
        for need in needs:
            assert backend.log.index(("ended", need)) < began[0]
        if name in failing:
            lost.add(name)
    skipped = {f"t{e.task}" for e in log if isinstance(e, events.TaskSkipped)}
    assert skipped == lost - failing | {n for n in lost if ("began", n) not in backend.log}


async def execute(plan: Plan, backend: Recorder) -> list[Event]:
    """Run the plan, approving each change as it comes up."""
    log: list[Event] = []
    run = Run("run", lambda: NOW, log.append)
    run.emit(events.RequestReceived("r", "", "recorder", "test", {}))
    book = ApprovalBook()
    with ThreadPoolExecutor(4) as pool:
        executor = Executor(
            run,
            SIXTEEN,
            ToolRunner(SIXTEEN, book),
            ToolContext(backend, None),  # type: ignore[arg-type]
            pool,
            now=NOW,
            limit=30.0,
            asks=False,
        )
        for call in plan:
            executor.add(call)
        executor.finish_plan()
        await executor.settle()
        while calls := executor.proposals():
            executor.approve({c.task: (c, book.grant("run", c)) for c in calls})
            await executor.settle()
    return log
