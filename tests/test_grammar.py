"""The grammar of a line: what it lets through."""

from __future__ import annotations

import pytest
from llguidance import LLMatcher, LLTokenizer

from tinyagent.planner.grammar import Ways, line_grammar
from tinyagent.plans.syntax import Call, Plan, read_plan
from tinyagent.tools.sixteen import SIXTEEN

REQUEST = "text Ana and the hotel (desk@lotus.co.th or +1 212 555 0187) where Dock 3 is"
BEFORE = read_plan('1. maps_open_location("Dock 3")\n2. get_phone_number("Ana")\n3. join()')


def accepted(
    line: str, ways: Ways | None = None, request: str = REQUEST, before: Plan = BEFORE
) -> bool:
    """Whether the next line after ``before`` may be ``line``."""
    grammar = line_grammar(request, SIXTEEN, Plan(before.calls), ways or Ways())
    matcher = LLMatcher(LLTokenizer("byte"), grammar)
    assert not matcher.get_error()
    text = list(f"{line}\n".encode())
    return bool(matcher.try_consume_tokens(text) == len(text) and matcher.is_accepting())


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("We meet there: $1", True),
        ("We meet at noon.", True),
        ("We meet there:", False),
        ("We meet there: ", False),
        ('Bring \\"it\\"', True),
        ("", False),
    ],
)
def test_what_a_colon_announces_must_come(text: str, whole: bool) -> None:
    assert accepted(f'3. send_sms(["$2"], "{text}")') is whole


def test_free_text_that_may_be_left_out_may_be_empty() -> None:
    assert accepted('3. compose_new_email(["desk@lotus.co.th"], [], "Dock 3", "", [])')


def test_an_address_is_copied_without_what_stands_around_it() -> None:
    assert accepted('3. compose_new_email(["desk@lotus.co.th"], [], "Dock 3", "", [])')
    assert not accepted('3. compose_new_email(["(desk@lotus.co.th"], [], "Dock 3", "", [])')


def test_an_address_can_be_demanded() -> None:
    ways = Ways(demanded=frozenset({"+1 212 555 0187"}))
    assert accepted('3. send_sms(["$2"], "Dock 3: $1")')
    assert not accepted('3. send_sms(["$2"], "Dock 3: $1")', ways)
    assert accepted('3. send_sms(["+1 212 555 0187", "$2"], "Dock 3: $1")', ways)


TIMED = "On Friday, if he can, Sid brings the keys from 9 to 10 in the morning"


@pytest.mark.parametrize(
    ("time", "whole"),
    [
        ("Friday", True),
        ("Friday 9", True),
        ("Friday 9 in the morning", True),
        ("9 in the morning On Friday", True),
        ("Friday, 9", True),
        ("friday 9", False),
        ("Friday 11", False),
        ("Friday 9 10 morning", False),
    ],
)
def test_a_time_may_leave_words_out(time: str, whole: bool) -> None:
    line = f'1. create_reminder("Keys", "{time}")'
    assert accepted(line, request=TIMED, before=Plan(())) is whole


def test_a_time_that_was_refused_does_not_come_again() -> None:
    ways = Ways()
    ways.ban("create_reminder", "due_date", "Friday 9")
    line = '1. create_reminder("Keys", "{}")'
    assert not accepted(line.format("Friday 9"), ways, TIMED, Plan(()))
    assert accepted(line.format("Friday 10"), ways, TIMED, Plan(()))


def test_what_is_no_time_is_one_span() -> None:
    line = '1. create_note("keys", "", "{}")'
    assert accepted(line.format("from 9"), request=TIMED, before=Plan(()))
    assert not accepted(line.format("Sid 9"), request=TIMED, before=Plan(()))


def test_a_message_is_replied_to_once_and_may_be_forwarded_twice() -> None:
    before = read_plan(
        '1. reply_to_email([], "Yes.")\n2. forward_email(["a@b.example"])\n3. join()'
    )
    request = "reply yes, forward it to a@b.example and to c@d.example"
    assert not accepted('3. reply_to_email([], "Gladly.")', request=request, before=before)
    assert accepted('3. forward_email(["c@d.example"])', request=request, before=before)


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        ("text Sid the locksmith's no", True),
        ("text Sid the locksmith's e-mail", True),
        ("rem Friday, w/ the locksmith nr in notes, text Sid", True),
        ("text Sid the locksmith #", True),
        ("text Sid and the locksmith that there's no key", False),
        ("text Sid and the locksmith to come to room #3", False),
    ],
)
def test_a_number_is_told_where_the_request_speaks_of_one(request_: str, told: bool) -> None:
    before = read_plan('1. get_phone_number("locksmith")\n2. get_phone_number("Sid")\n3. join()')
    assert accepted('3. send_sms(["$2"], "Here: $1")', request=request_, before=before) is told


@pytest.mark.parametrize(
    "name", ["O’Brien", "Q4 – Nord", "Zoë 😀", "A<B>", "a.b+(c)", "C:/x~y", "№ 5"]
)
def test_whoever_is_looked_up_is_looked_up_once(name: str) -> None:
    before = Plan((Call(1, "get_phone_number", (name,)),))
    line = '2. get_phone_number("{}")'
    request = f"text {name} and Ana"
    assert not accepted(line.format(name), request=request, before=before)
    assert accepted(line.format("Ana"), request=request, before=before)
