"""Writers: what a weak model writes stands only where it is safe."""

from __future__ import annotations

import threading

import pytest

from tinyagent.writers import MAX_PIECES, PIECE, Writers, stands

CONTEXT = "the budget is $40,000, see https://x.org/b before 3 pm"


class Says:
    """A model that says what it is told to say."""

    def __init__(self, *texts: str) -> None:
        self.texts = list(texts)
        self.materials: list[str] = []

    def write(self, task: str, material: str, **_: object) -> str:
        self.materials.append(material)
        return self.texts.pop(0) if len(self.texts) > 1 else self.texts[0]


def writers(model: Says | None) -> Writers:
    return Writers(model, threading.Lock(), lambda: False)  # type: ignore[arg-type]


def silent(share: float, doing: str) -> None:
    pass


@pytest.mark.parametrize(
    ("body", "good"),
    [
        ("Please note the budget is $40,000. Look at https://x.org/b before 3 pm.", True),
        ("Please note the budget is $50,000. Look at https://x.org/b before 3 pm.", False),
        ("Please note the budget is $40,000. Look at it before 3 pm today, please.", False),
        ("As Martin said, the budget is $40,000, see https://x.org/b before 3 pm.", False),
        ("[Name], the budget is $40,000. Look at https://x.org/b before 3 pm.", False),
        ("$40,000, https://x.org/b 3", False),
        ("The budget is $40,000. See https://x.org/b at 3. See https://x.org/b at 3.", False),
        ("", False),
    ],
)
def test_a_body_keeps_every_fact_and_brings_in_none(body: str, good: bool) -> None:
    assert stands(body, CONTEXT, "tell sid") is good


def test_a_body_gets_a_greeting_and_loses_the_models_frame() -> None:
    said = (
        "Subject: Lunch\n\nDear Sid,\n\nLunch is at the park today.\n\nBest regards,\n[Your Name]"
    )
    written = writers(Says(said)).email_body("lunch is at the park today", ["sid"], "tell sid")
    assert written.text == "Hi Sid,\n\nLunch is at the park today."
    assert not written.fallback


def test_the_given_words_stand_where_the_models_cannot() -> None:
    written = writers(Says("Call me at 555.")).email_body(CONTEXT, ["sid"], "tell sid")
    assert (written.text, written.fallback) == (CONTEXT, True)


def test_a_result_alone_is_nothing_to_put_into_words() -> None:
    assert not writers(Says("x")).can_write("https://x.org/b")
    assert not writers(Says("x")).can_write("long " * 200)
    assert writers(Says("x")).can_write(CONTEXT)
    assert not writers(None).can_write(CONTEXT)


def test_without_a_model_a_summary_is_an_extract_and_says_so() -> None:
    text = "First sentence. Second one. " + "Filler goes on. " * 100
    summary = writers(None).summarize(text, silent)
    assert summary.startswith("It begins: First sentence. Second one.")
    assert len(summary) < 600


def test_a_long_text_is_taken_in_pieces_and_said_so() -> None:
    sentences = " ".join(f"Sentence about things {'x' * 80}." for _ in range(60 * MAX_PIECES))
    told: list[str] = []
    shares: list[float] = []

    def progress(share: float, doing: str) -> None:
        told.append(doing)
        shares.append(share)

    model = Says(*[f"Part {'abcdefghijkl'[i]} is about things." for i in range(12)], "All of it.")
    summary = writers(model).summarize(sentences, progress)
    assert summary.startswith("All of it. (From 12 of ")
    assert told[0] == f"part 1 of {MAX_PIECES}"
    assert told[-1] == "putting the parts together"
    assert shares == sorted(shares)
    assert all(len(material) <= PIECE for material in model.materials)


@pytest.mark.parametrize("said", ["", "It is so. It is so.", "It costs 99 euros."])
def test_a_summary_that_is_empty_repeats_or_invents_is_dropped(said: str) -> None:
    summary = writers(Says(said)).summarize("The plan is good. It costs 5 euros.", silent)
    assert summary == "It begins: The plan is good. It costs 5 euros."
