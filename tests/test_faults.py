"""What is wrong with a line that no grammar can see."""

from __future__ import annotations

from datetime import datetime

import pytest

from tinyagent.planner.faults import fault, no_person
from tinyagent.plans.syntax import Plan, read_call, read_plan
from tinyagent.tools.sixteen import SIXTEEN

NOW = datetime(2026, 11, 24, 9, 30)
BEFORE = read_plan('1. get_email_address("Mr. Okonkwo")\n2. get_phone_number("Ana")\n3. join()')


@pytest.mark.parametrize(
    "name",
    [
        "legal@kestrelbio.com",
        "legal@kestrelbio.",
        "brand_papers.pdf, put",
        "+1 416 555 0101",
        "Motion_in_Limine.pdf",
        "Sunday at 7pm",
        "tomorrow 6:45 am",
        "Mr. Okonkwo and Lindsey Tran",
        "Mr. Okonkwo is covering.",
        "Oanh thursday afternoon at 2:30",
        "Ana on tomorrow morning",
    ],
)
def test_what_is_no_person(name: str) -> None:
    assert no_person(name, ["Mr. Okonkwo"], NOW)


@pytest.mark.parametrize(
    "name",
    [
        "April",
        "Ana's sister",
        "the 2 Bobs",
        "unit 5 team",
        "Okonkwo",
        "Mr. Okonkwo",
        "HR",
        "Ann-Marie",
        "Mr. Sunday",
        "sister on six",
        "morning crew",
    ],
)
def test_who_may_be_looked_up(name: str) -> None:
    assert not no_person(name, ["Mr. Okonkwo", "Ann"] if name != "Ann-Marie" else [], NOW)


@pytest.mark.parametrize(
    ("line", "at"),
    [
        ('4. get_email_address("Mr. Okonkwo")', ""),
        ('4. get_email_address("Mr. Okonkwo and Ana")', "name"),
        ('4. get_email_address("Ana\'s sister")', None),
        ('4. get_phone_number("Ana and Mr. Okonkwo")', "name"),
        ('4. create_reminder("call", "the 32nd")', "due_date"),
        ('4. create_reminder("call", "Friday at .")', "due_date"),
        ('4. create_reminder("call", "Friday at")', "due_date"),
        ('4. create_reminder("call", "tomorrow at noon")', None),
        ('4. compose_new_email(["$1"], ["$1"], "Hi", "Hello.")', "cc"),
        ('4. create_calendar_event("Tax", "tomorrow 9", "11")', "end_date"),
        ('4. create_calendar_event("Tax", "tomorrow 9", "11:30")', None),
        ('4. get_email_address("inspections")', "name"),
        ('4. open_and_get_file_path("witness_rev2")', "file_name"),
        ('4. create_note("Ana", "", "ana")', "folder"),
        ('4. create_note("mail witness_rev2.docx", "", "to Ana")', None),
        ('4. create_note("to Ana", "", "Ana")', "folder"),
        ("4. join()", None),
    ],
)
def test_fault(line: str, at: str | None) -> None:
    request = "block 9-11:30 tomorrow, mail witness_rev2.docx to Ana (inspections@buildsafe.org)"
    assert fault(read_call(line), Plan(BEFORE.calls), request, SIXTEEN, NOW) == at
