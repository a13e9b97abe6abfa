"""What a request says that an argument may copy."""

from __future__ import annotations

import pytest

from tinyagent.planner.spans import cuts, literals, names_file, sure_literals


@pytest.mark.parametrize(
    ("request_text", "found"),
    [
        ("brewery (pharmacy@greencross.com) gets it", ["pharmacy@greencross.com"]),
        ("and in copy my cousin and cakes@sugar.bakery?", ["cakes@sugar.bakery"]),
        ("mail admissions@lakeside.edu: still free?", ["admissions@lakeside.edu"]),
        ("'ann@y.co.uk', mailto:a.b+c@d-e.com.", ["ann@y.co.uk", "a.b+c@d-e.com"]),
        ("zoë@müller.de and o'neil@x.org", ["zoë@müller.de", "o'neil@x.org"]),
        ("ask @sid what bob@home is", []),
    ],
)
def test_addresses(request_text: str, found: list[str]) -> None:
    assert literals(request_text, "email") == found


@pytest.mark.parametrize(
    ("request_text", "found"),
    [
        ("the restaurant ((617) 555 0108) knows", ["(617) 555 0108"]),
        ("sms my husband (555-0171) that", ["555-0171"]),
        ("text +1 (212) 555-0187.", ["+1 (212) 555-0187"]),
        ("sms (02) 5550 1234 2 extra", ["(02) 5550 1234 2", "(02) 5550 1234"]),
        ("at 2:15. 2065550126 knows", ["2065550126"]),
        ("call 555 0123 (0)", ["555 0123"]),
        ("usher on 029 2018 0264 - 5 min late", ["029 2018 0264 - 5", "029 2018 0264"]),
        ("ring 12345678@qq.com in room 4711", []),
    ],
)
def test_numbers(request_text: str, found: list[str]) -> None:
    assert literals(request_text, "phone") == found


def test_numbers_side_by_side_can_each_be_copied() -> None:
    found = literals("sms 03 53 01 62 90 020 7946 0018 070-174 06 72 there's a leak", "phone")
    assert {"03 53 01 62 90", "020 7946 0018", "070-174 06 72"} <= set(found)


def test_what_is_surely_an_address_or_a_number() -> None:
    said = (
        "room 4711, call 020 7946 0018 or 30303, mail (a@b.org), not 03 53 01 62 90 020 7946 0018"
    )
    assert sure_literals(said, "phone") == ["020 7946 0018"]
    assert sure_literals(said, "email") == ["a@b.org"]


@pytest.mark.parametrize(
    ("value", "request_text"),
    [
        ("11", "block 9-11:30 for thesis"),
        ("4", "at 4.30pm"),
        ("inspections", "fwd to insurance (inspections@build.org): not our fault"),
        ("buildsafe.org", "fwd to inspections@buildsafe.org"),
        ("product spec v4", "send product spec v4.pdf"),
    ],
)
def test_pieces(value: str, request_text: str) -> None:
    assert cuts(value, request_text)


@pytest.mark.parametrize(
    ("value", "request_text"),
    [
        ("tomorrow 9", "tomorrow 9-11:30"),
        ("11:30", "9-11:30"),
        ("4.30pm", "at 4.30pm"),
        ("3", "room 3 at 3:30"),
        ("product spec v4.pdf", "send product spec v4.pdf."),
        ("Sid", "Sid's mail is sid@berkeley.edu"),
        ("Tuesday", "remind me Tuesday.thanks"),
        ("half past 4", "at half past 4. bring it"),
        ("!", "hm!"),
        ("no word of it", "text Sid"),
    ],
)
def test_what_is_whole(value: str, request_text: str) -> None:
    assert not cuts(value, request_text)


@pytest.mark.parametrize(
    ("word", "file"), [("plan.pdf", True), ("notes.md", True), ("J.P", False), ("Ana", False)]
)
def test_what_a_file_is_called(word: str, file: bool) -> None:
    assert names_file(word) is file
