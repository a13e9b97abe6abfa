"""Where in a plan its free text stands."""

from __future__ import annotations

import pytest

from tinyagent.plans.free_text import free_spans_of
from tinyagent.plans.syntax import read_plan
from tinyagent.tools.sixteen import SIXTEEN


@pytest.mark.parametrize(
    ("plan", "free"),
    [
        (
            '1. get_phone_number("Sid")\n2. send_sms(["$1"], "On my way.")\n3. join()',
            ["On my way."],
        ),
        ('1. open_note("Hymns")\n2. reply_to_email([], "$1")\n3. join()', []),
        (
            '1. maps_open_location("Oslo")\n'
            '2. create_note("Trip", "Oslo: $1, and \\"more\\"")\n3. join()',
            ["Oslo: ", ', and \\"more\\"'],
        ),
        ('1. create_reminder("buy milk", "at 5", "", "Shop")\n2. join()', ["buy milk"]),
        ('1. create_calendar_event("at 5", "at 5")\n2. join()', ["at 5"]),
        ("1. join()", []),
    ],
)
def test_free_spans(plan: str, free: list[str]) -> None:
    read = read_plan(plan)
    assert [str(read)[a:b] for a, b in free_spans_of(read, SIXTEEN)] == free
