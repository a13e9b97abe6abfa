"""From speech to plan: a test set's requests, spoken by espeak-ng, written down and planned.

Each request is spoken in ``rounds`` voices that take turns. What is understood
without the known names is compared with what is understood with them; the latter is planned, and
scored beside the plan of the typed request.
Known are the names in the set's own plans, so that each has all the others to be mistaken for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jiwer
import numpy as np
from whisper_normalizer.english import EnglishTextNormalizer

from tinyagent.backends.workspace.match import fold
from tinyagent.evaluation.report import Rate, as_json, rate_of, write_folder
from tinyagent.evaluation.run import Outcome
from tinyagent.evaluation.sets import Item
from tinyagent.markdown import table
from tinyagent.voice.audio import RATE, Samples, read_audio
from tinyagent.voice.espeak import VOICES, Voice, speak
from tinyagent.voice.names import KnownNames
from tinyagent.voice.transcriber import Transcriber, Transcript, take_back

_SILENCE = 0.5
"""Seconds before and after what is said, as where a button is pressed."""
_KINDS = {
    ("get_phone_number", 0): "contacts",
    ("get_email_address", 0): "contacts",
    ("open_note", 0): "notes",
    ("open_note", 1): "folders",
    ("append_note_content", 0): "notes",
    ("append_note_content", 2): "folders",
    ("create_note", 2): "folders",
    ("open_and_get_file_path", 0): "files",
}
"""Arguments that name something: the tool and the argument's position, and what is named."""


@dataclass(frozen=True)
class Spoken:
    """One request, said once.

    Attributes:
        item: the request.
        voice: who said it.
        plain: what was understood without known names.
        named: what was understood with them.
        names: the known names that the request holds, folded.
        text: the outcome of the typed request.
        speech: the outcome of ``named``.
    """

    item: Item
    voice: Voice
    plain: str
    named: Transcript
    names: tuple[str, ...]
    text: Outcome | None = None
    speech: Outcome | None = None


Plan = Callable[[Sequence[Item]], list[Outcome]]
"""Plans requests; an outcome each, in order."""


def listen(
    items: Sequence[Item],
    transcriber: Transcriber,
    names: Mapping[str, Iterable[str]],
    rounds: int,
    progress: Callable[[Sequence[tuple[Item, Voice]]], Iterable[tuple[Item, Voice]]],
) -> list[Spoken]:
    """Have each request spoken in ``rounds`` voices, and write it down.

    Raises:
        SettingsError: espeak-ng is missing.
    """
    known = KnownNames(names)
    folded = {fold(name) for kind in names.values() for name in kind} - {""}
    said = [
        (item, VOICES[(number + turn) % len(VOICES)])
        for number, item in enumerate(items)
        for turn in range(rounds)
    ]
    found = []
    with TemporaryDirectory() as folder:
        for item, voice in progress(said):
            samples = _said(item.query, Path(folder) / "said.wav", voice)
            heard = transcriber.transcribe(samples, known)
            plain = heard.text
            for change in reversed(heard.changes):
                plain = take_back(plain, change)
            found.append(Spoken(item, voice, plain, heard, _held(item.query, folded)))
    return found


def plan_both(spoken: Sequence[Spoken], plan: Plan) -> list[Spoken]:
    """Plan each request as it was typed and as it was understood."""
    typed = list(dict.fromkeys(one.item for one in spoken))
    texts = {outcome.item: outcome for outcome in plan(typed)}
    heard = plan([replace(one.item, query=one.named.text) for one in spoken])
    return [
        replace(one, text=texts[one.item], speech=outcome)
        for one, outcome in zip(spoken, heard, strict=True)
    ]


def names_of(items: Iterable[Item]) -> dict[str, list[str]]:
    """The names in the plans of a test set, by what they name."""
    found: dict[str, set[str]] = {}
    for item in items:
        for call in (call for plan in item.plans for call in plan):
            for position, value in enumerate(call.arguments):
                kind = _KINDS.get((call.tool, position))
                if kind and isinstance(value, str) and value and "$" not in value:
                    found.setdefault(kind, set()).add(value)
    return {kind: sorted(names) for kind, names in found.items()}


@dataclass(frozen=True)
class Summary:
    """A spoken test set in numbers.

    Attributes:
        words: word error rate without the known names, after Whisper's own normalisation.
        words_named: the same with them.
        names: of the known names in the requests, those not written as they are, without help.
        names_named: the same with the known names.
        changed: of the requests without a known name, those in which a word was changed.
        success: plans from speech whose DAG is right.
        success_typed: the same from text, over the same requests.
        arguments: plans from speech whose arguments are right, too.
        arguments_typed: the same from text.
        real_time: seconds of work for a second of speech.
    """

    words: float
    words_named: float
    names: Rate
    names_named: Rate
    changed: Rate
    success: Rate
    success_typed: Rate
    arguments: Rate
    arguments_typed: Rate
    real_time: float


def summarise(spoken: Sequence[Spoken]) -> Summary:
    """The numbers of a set of at least one."""
    wanted = [one.item.query for one in spoken]
    nameless = [one for one in spoken if not one.names]
    return Summary(
        words=word_error_rate(wanted, [one.plain for one in spoken]),
        words_named=word_error_rate(wanted, [one.named.text for one in spoken]),
        names=_missed(spoken, lambda one: one.plain),
        names_named=_missed(spoken, lambda one: one.named.text),
        changed=rate_of(nameless, lambda one: one.plain != one.named.text, _item),
        success=rate_of(spoken, lambda one: _right(one.speech), _item),
        success_typed=rate_of(spoken, lambda one: _right(one.text), _item),
        arguments=rate_of(spoken, lambda one: _exact(one.speech), _item),
        arguments_typed=rate_of(spoken, lambda one: _exact(one.text), _item),
        real_time=sum(one.named.seconds for one in spoken)
        / sum(one.named.audio_seconds for one in spoken),
    )


def word_error_rate(wanted: Sequence[str], heard: Sequence[str]) -> float:
    """Words to change, to add and to leave out, for each word that was said."""
    normal = EnglishTextNormalizer()
    pairs = [(normal(w), normal(h)) for w, h in zip(wanted, heard, strict=True)]
    pairs = [pair for pair in pairs if pair[0]]
    return float(jiwer.wer([w for w, _ in pairs], [h for _, h in pairs]))


def write_report(spoken: Sequence[Spoken], title: str, command: str, out: Path) -> Path:
    """Write ``report.md``, ``summary.json`` and ``spoken.jsonl`` into ``out``; its page."""
    rows = {"spoken": map(_row, spoken)}
    return write_folder(out, markdown(spoken, title, command), as_json(summarise(spoken)), rows)


def markdown(spoken: Sequence[Spoken], title: str, command: str) -> str:
    """The report as a page."""
    voices = {voice: [one for one in spoken if one.voice == voice] for voice in VOICES}
    rows = []
    for voice, members in voices.items():
        if members:
            one = summarise(members)
            rows.append(
                (
                    voice,
                    len(members),
                    f"{one.words_named:.1%}",
                    f"{one.names.share:.1%}",
                    f"{one.names_named.share:.1%}",
                    f"{one.success.share:.1%}",
                )
            )
    head = ("voice", "requests", "words wrong", "names wrong", "… with known names", "success")
    parts = [
        f"# {title}",
        f"`{command}`",
        summary_table(summarise(spoken)),
        "## By voice",
        table(head, rows),
        "## Names that were put in",
        *(_changes(one) for one in spoken if one.named.changes),
        "## Names that were missed",
        *(_misheard(one) for one in spoken if _missed([one], lambda o: o.named.text).hits),
        "## Right from text, and wrong from speech",
        *(_lost(one) for one in spoken if _right(one.text) and not _right(one.speech)),
    ]
    return "\n\n".join(parts) + "\n"


def summary_table(summary: Summary) -> str:
    """The summary as a table of Markdown."""
    rows = [
        ("word error rate", f"{summary.words:.1%}"),
        ("… with the known names", f"{summary.words_named:.1%}"),
        ("name error rate", summary.names),
        ("… with the known names", summary.names_named),
        ("requests without a known name, changed", summary.changed),
        ("success rate from speech", summary.success),
        ("success rate from text", summary.success_typed),
        ("argument score from speech", summary.arguments),
        ("argument score from text", summary.arguments_typed),
        ("real-time factor", f"{summary.real_time:.2f}"),
    ]
    return table(("", ""), rows)


def _said(text: str, path: Path, voice: Voice) -> Samples:
    quiet = np.zeros(int(_SILENCE * RATE), np.float32)
    return np.concatenate([quiet, read_audio(speak(text, path, voice)), quiet])


def _held(text: str, names: Iterable[str]) -> tuple[str, ...]:
    """The names that stand in a text, without those that are part of a longer one."""
    padded = f" {_plain(text)} "
    found = [name for name in names if f" {name} " in padded]
    return tuple(
        sorted(n for n in found if not any(n != o and f" {n} " in f" {o} " for o in found))
    )


def _missed(spoken: Sequence[Spoken], text: Callable[[Spoken], str]) -> Rate:
    wrong = sum(f" {name} " not in f" {_plain(text(one))} " for one in spoken for name in one.names)
    return Rate(wrong, sum(len(one.names) for one in spoken))


def _plain(text: str) -> str:
    """Folded, without possessives."""
    return fold(re.sub(r"['’]s\b", "", text))


def _item(one: Spoken) -> Item:
    return one.item


def _right(outcome: Outcome | None) -> bool:
    return outcome is not None and outcome.score.success


def _exact(outcome: Outcome | None) -> bool:
    return outcome is not None and outcome.score.arguments


def _changes(one: Spoken) -> str:
    changes = ", ".join(f"{c.heard} → {c.name}" for c in one.named.changes)
    return f"- {one.item.query}  \n  {one.named.text}  \n  {changes}"


def _misheard(one: Spoken) -> str:
    return f"- {one.item.query}  \n  {one.named.text}"


def _lost(one: Spoken) -> str:
    plan = one.speech.plan if one.speech else None
    written = "no plan" if plan is None else str(plan).replace("\n", "; ")
    return f"- {one.item.query}  \n  {one.named.text}  \n  `{written}`"


def _row(one: Spoken) -> dict[str, Any]:
    return {
        "id": one.item.id,
        "voice": str(one.voice),
        "query": one.item.query,
        "plain": one.plain,
        "named": one.named.text,
        "names": list(one.names),
        "success": _right(one.speech),
        "success_typed": _right(one.text),
        "arguments": _exact(one.speech),
        "arguments_typed": _exact(one.text),
        "audio_seconds": one.named.audio_seconds,
        "seconds": one.named.seconds,
    }
