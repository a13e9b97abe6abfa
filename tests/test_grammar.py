"""The grammar of a line: what it lets through."""

from __future__ import annotations

import pytest
from llguidance import LLMatcher, LLTokenizer

from tinyagent.planner.grammar import Ways, line_grammar
from tinyagent.plans.syntax import Plan, read_plan
from tinyagent.tools.sixteen import SIXTEEN

REQUEST = "text Ana and the hotel (desk@lotus.co.th or +1 212 555 0187) where Dock 3 is"
BEFORE = read_plan('1. maps_open_location("Dock 3")\n2. get_phone_number("Ana")\n3. join()')


def accepted(line: str, ways: Ways | None = None) -> bool:
    """Whether the next line after ``BEFORE`` may be ``line``."""
    grammar = line_grammar(REQUEST, SIXTEEN, Plan(BEFORE.calls), ways or Ways())
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
