"""Speech to words: real recordings, the real speech model, the names of the sample workspace."""

from __future__ import annotations

import json
import re
import wave
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from tests.conftest import MakeAgent
from tests.speech import CODECS, as_format, say, with_silence
from tests.test_traces_store import do
from tinyagent.commands.cli import app
from tinyagent.errors import AudioError, ModelError, TraceError
from tinyagent.opening import open_backend
from tinyagent.settings import Settings
from tinyagent.voice.audio import RATE, Samples, Stream, read_audio, write_wav
from tinyagent.voice.dictation import LONGEST, Dictation
from tinyagent.voice.listener import Listener
from tinyagent.voice.model import load_model
from tinyagent.voice.names import KnownNames
from tinyagent.voice.phones import alike
from tinyagent.voice.recordings import about_recording, correct, forget, keep
from tinyagent.voice.transcriber import WRITING, Change, Transcriber, Transcript, take_back

STATION = "Show me the way on foot to the train station"
NAMELESS = (
    STATION,
    "Remind me to call the plumber tomorrow at nine",
    "Create a note with ideas for the summer holiday",
    "Set a meeting about the new website on Thursday at three",
    "How do I get to the airport by car",
    "Remind me to water the plants every evening",
)


def letters(text: str) -> str:
    return re.sub(r"\W+", " ", text).lower().strip()


@pytest.fixture(scope="module")
def transcriber() -> Transcriber:
    return Transcriber(load_model(Settings()))


@pytest.fixture
def names(settings: Settings) -> KnownNames:
    return KnownNames(open_backend(settings, datetime.now).names())


def test_words_with_times_and_probabilities(transcriber: Transcriber, tmp_path: Path) -> None:
    said = transcriber.transcribe(read_audio(say(STATION, tmp_path / "a.wav")))
    assert letters(said.text) == letters(STATION)
    assert " ".join(word.text for word in said.words) == said.text
    assert said.changes == ()
    times = [at for word in said.words for at in (word.start, word.end)]
    assert times == sorted(times)
    assert 0 <= times[0] < times[-1] <= said.audio_seconds + 0.5
    assert all(0 < word.probability <= 1 for word in said.words)
    assert said.seconds > 0


def test_points_part_no_word(transcriber: Transcriber, tmp_path: Path) -> None:
    text = "Send an e-mail at 2 p.m. and a follow-up at 3 p.m."
    said = transcriber.transcribe(read_audio(say(text, tmp_path / "a.wav")))
    assert re.search(r"2 ?p\.?m", said.text)
    assert not re.search(r"\s[-.]", said.text)
    assert " ".join(word.text for word in said.words) == said.text


@pytest.mark.parametrize("ending", CODECS)
def test_every_format_is_read(transcriber: Transcriber, tmp_path: Path, ending: str) -> None:
    source = say(STATION, tmp_path / "a.wav")
    samples = read_audio(as_format(source, ending))
    assert samples.size == pytest.approx(read_audio(source).size, abs=0.2 * RATE)
    assert "train station" in letters(transcriber.transcribe(samples).text)


def test_silence_and_noise_are_no_words(transcriber: Transcriber, names: KnownNames) -> None:
    silence = np.zeros(3 * RATE, np.float32)
    noise = np.random.default_rng(0).normal(0, 0.05, 3 * RATE).astype(np.float32)
    for samples in (silence, noise, np.zeros(0, np.float32)):
        said = transcriber.transcribe(samples, names)
        assert (said.text, said.words, said.changes) == ("", (), ())


def test_ten_minutes_are_written_down_to_their_end(settings: Settings, tmp_path: Path) -> None:
    first = read_audio(say(STATION, tmp_path / "a.wav"))
    last = read_audio(say(NAMELESS[1], tmp_path / "b.wav"))
    quiet = np.zeros(int(LONGEST) * RATE - first.size - last.size, np.float32)
    told: list[tuple[str, float, float]] = []
    listener = Listener(settings, dict, lambda *far: told.append(far))
    dictation = Dictation(listener, RATE, hands_free=False)
    for piece in pieces(np.concatenate([first, quiet, last]), 30.0):
        dictation.add(piece)
    assert dictation.over()
    whole, transcript = dictation.finish()
    assert whole.size / RATE == pytest.approx(LONGEST, abs=0.1)
    assert letters(transcript.text).startswith(letters(STATION))
    assert "plumber" in letters(transcript.text)
    assert transcript.words[-1].end > LONGEST - 10
    shares = [done / total for what, done, total in told if what == WRITING]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


@pytest.mark.parametrize("ending", ["webm", "m4a"])
def test_a_file_cut_in_half_gives_its_words_or_says_so(tmp_path: Path, ending: str) -> None:
    whole = as_format(say(STATION, tmp_path / "a.wav"), ending)
    whole.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    try:
        assert read_audio(whole).size > 0.5 * RATE
    except AudioError as error:
        assert "damaged" in str(error)


def test_a_picture_has_no_sound(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    Image.new("RGB", (32, 32)).save(path)
    with pytest.raises(AudioError, match="no sound in it|no recording"):
        read_audio(path)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("no.wav", None, "there is no such file"),
        ("empty.wav", b"", "damaged or is no recording"),
        ("text.wav", b"this is no recording at all" * 50, "damaged or is no recording"),
        ("cut.mp3", b"\xff\xfb\x90\x00" + b"\x00" * 40, "damaged or is no recording"),
    ],
)
def test_what_is_no_recording_is_said(
    tmp_path: Path, name: str, content: bytes | None, words: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(AudioError, match=words) as raised:
        read_audio(path)
    assert str(path) in str(raised.value)


def test_a_missing_model_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no such folder or model"):
        load_model(Settings(voice=str(tmp_path / "nothing")))
    with pytest.raises(ModelError, match="no CTranslate2 Whisper model"):
        load_model(Settings(voice=str(tmp_path)))
    with pytest.raises(ModelError, match="manifest"):
        load_model(Settings(models=tmp_path))


@pytest.mark.parametrize(
    ("request_text", "name"),
    [
        ("Send an email to Walter Novak", "Walter Novak"),
        ("What is Dmitri's phone number?", "Dmitri's"),
    ],
)
def test_misheard_names_are_put_in_and_can_be_taken_back(
    transcriber: Transcriber,
    names: KnownNames,
    tmp_path: Path,
    request_text: str,
    name: str,
) -> None:
    samples = read_audio(say(request_text, tmp_path / "a.wav", speed=155))
    heard = transcriber.transcribe(samples)
    said = transcriber.transcribe(samples, names)
    assert name not in heard.text
    assert name in said.text
    assert " ".join(word.text for word in said.words) == said.text
    text = said.text
    for change in reversed(said.changes):
        assert said.text[change.start :].startswith(change.name)
        text = take_back(text, change)
    assert text == heard.text


@pytest.mark.parametrize("request_text", NAMELESS)
@pytest.mark.parametrize("voice", ["en-gb", "en-us"])
def test_without_a_known_name_no_word_is_changed(
    transcriber: Transcriber, names: KnownNames, tmp_path: Path, request_text: str, voice: str
) -> None:
    samples = read_audio(say(request_text, tmp_path / "a.wav", voice))
    said = transcriber.transcribe(samples, names)
    assert said.text == transcriber.transcribe(samples).text
    assert said.changes == ()


def test_names_are_compared_by_letters_and_sound() -> None:
    known = KnownNames(
        {
            "contacts": ["Walter Novak", "Book club", "李娜", "me", "Siobhán"],
            "notes": ["Notes"],
            "lists": ["Shopping"],
        }
    )
    words = ["Text", "Walter", "Noverk,", "please"]
    found = known.candidates(words, [0.9, 0.9, 0.3, 0.9])
    assert [(c.first, c.count, c.name.text) for c in found][:1] == [(1, 2, "Walter Novak")]
    sure = known.candidates(words, [0.9] * 4)
    assert sure == []
    assert known.candidates(["Walter", "Novak"], [0.1, 0.1]) == []
    assert known.candidates(["my", "note"], [0.1, 0.1]) == []
    assert [c.name.text for c in known.candidates(["Siobhan"], [0.1])] == ["Siobhán"]


def test_taking_back_an_edited_name_leaves_the_text() -> None:
    change = Change(5, "Noverk", "Novak", "contacts", 1.0)
    assert take_back("Text Novak and Novak", change) == "Text Noverk and Novak"
    assert take_back("I text Novak", change) == "I text Noverk"
    assert take_back("Text Priya", change) == "Text Priya"


def test_a_microphone_comes_in_uneven_pieces(tmp_path: Path) -> None:
    whole = read_audio(say(STATION, tmp_path / "a.wav"))
    with wave.open(str(as_format(tmp_path / "a.wav", "wav")), "rb") as file:
        rate, data = file.getframerate(), file.readframes(-1)
    assert rate == 48_000
    stream, at = Stream(rate), 0
    for size in (2, 30_001, 7_334, 96_000, 0, 10_000_000):
        stream.add(data[at : at + size])
        at += size
        assert stream.seconds == pytest.approx(min(at, len(data)) / 2 / rate, abs=0.05)
    assert stream.since(stream.seconds - 0.5, 9.0).size == pytest.approx(RATE // 2, abs=1)
    part = stream.since(1.0, 0.5)
    samples = stream.finish()
    assert np.array_equal(part, samples[RATE : RATE + RATE // 2])
    assert samples.size == pytest.approx(whole.size, abs=0.01 * RATE)
    count = min(samples.size, whole.size)
    assert np.abs(samples[:count] - whole[:count]).mean() < 0.02
    with pytest.raises(AudioError, match="microphone"):
        Stream(0)


def pieces(samples: Samples, seconds: float = 0.25) -> Iterator[bytes]:
    """As a microphone gives them."""
    data = (samples * 32767).astype("<i2").tobytes()
    step = int(seconds * RATE) * 2
    for at in range(0, len(data), step):
        yield data[at : at + step]


def test_dictation_gives_words_on_the_way_and_all_of_them_at_the_end(
    settings: Settings, tmp_path: Path
) -> None:
    samples = read_audio(with_silence(say(STATION, tmp_path / "a.wav")))
    dictation = Dictation(Listener(settings, dict), RATE, hands_free=False)
    words = []
    for piece in pieces(samples, 1.0):
        dictation.add(piece)
        words.append(letters(dictation.partial()))
        assert not dictation.over()
    assert "show me" in words[2]
    assert len(words[1]) < len(words[-1])
    whole, transcript = dictation.finish()
    assert letters(transcript.text) == letters(STATION)
    assert whole.size == pytest.approx(samples.size, abs=0.01 * RATE)


def test_hands_free_ends_after_speech_and_not_before(settings: Settings, tmp_path: Path) -> None:
    samples = read_audio(with_silence(say(STATION, tmp_path / "a.wav"), 3.0, 3.0))
    dictation = Dictation(Listener(settings, dict), RATE, hands_free=True)
    for piece in pieces(samples):
        dictation.add(piece)
        if dictation.over():
            break
    spoken_until = samples.size / RATE - 3.0
    assert spoken_until + 1.0 < dictation.seconds < spoken_until + 2.5
    quiet = Dictation(Listener(settings, dict), RATE, hands_free=True)
    for piece in pieces(np.zeros(5 * RATE, np.float32)):
        quiet.add(piece)
        assert not quiet.over()
    with pytest.raises(AudioError, match="nobody speaks"):
        quiet.finish()


def test_the_longest_recording_ends_by_itself(settings: Settings) -> None:
    dictation = Dictation(Listener(settings, dict), RATE, hands_free=False)
    dictation.add(b"\0" * int(LONGEST - 1) * RATE * 2)
    assert not dictation.over()
    for _ in range(100):
        dictation.add(b"\0" * 2 * RATE * 2)
        assert dictation.over()
    assert dictation.seconds == pytest.approx(LONGEST + 1, abs=0.1)


@pytest.mark.parametrize(
    ("heard", "name", "other"),
    [
        ("let fit", "lutfi", "luigi"),
        ("carhew parrotter", "kahu parata", "carla parker"),
        ("lut fid", "lutfi", "lydia"),
        ("kowalsker", "kowalska", "kovacs"),
        ("tray", "trey", "tom"),
    ],
)
def test_what_sounds_alike_is_alike(heard: str, name: str, other: str) -> None:
    assert alike(heard, name) > 0.8
    assert alike(heard, other) < alike(heard, name) - 0.15
    assert alike(name, name) == 1.0
    assert alike(heard, name) == alike(name, heard)


def test_the_listener_knows_new_names_at_once(settings: Settings, tmp_path: Path) -> None:
    names: dict[str, list[str]] = {}
    listener = Listener(settings, lambda: names)
    path = say("Send an email to Walter Novak", tmp_path / "a.wav", speed=155)
    assert "Novak" not in listener.request(path)[1].text
    names["contacts"] = ["Walter Novak"]
    assert "Walter Novak" in listener.request(path)[1].text
    write_wav(path, np.zeros(RATE, np.float32))
    with pytest.raises(AudioError, match="nobody speaks"):
        listener.request(path)


run = CliRunner().invoke


@pytest.fixture
def own_settings(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings that the command line reads."""
    file = tmp_path / "settings.toml"
    file.write_text(
        f'backend = "workspace"\nworkspace = "{settings.workspace}"\ntraces = "{settings.traces}"\n'
    )
    monkeypatch.setenv("TINYAGENT_SETTINGS", str(file))
    return settings


def test_transcribe_lists_each_file(own_settings: Settings, tmp_path: Path) -> None:
    good = say(STATION, tmp_path / "good.wav")
    named = say("What is Dmitri's phone number?", tmp_path / "named.wav", speed=155)
    bad = tmp_path / "bad.wav"
    bad.write_text("no recording")
    result = run(app, ["transcribe", str(good), str(bad), str(named), "--json"])
    assert result.exit_code == 2
    first, second, third = json.loads(result.stdout)
    assert letters(first["text"]) == letters(STATION)
    assert set(first["words"][0]) == {"text", "start", "end", "probability"}
    assert first["audio_seconds"] > 1
    assert first["seconds"] > 0
    assert "no recording" in second["error"]
    assert third["changes"][0]["name"] == "Dmitri's"
    assert f"error: {bad}" in result.stderr


def test_transcribe_prints_the_words_and_says_silence(
    own_settings: Settings, tmp_path: Path
) -> None:
    good = say(STATION, tmp_path / "good.wav")
    result = run(app, ["transcribe", str(good)])
    assert (result.exit_code, letters(result.stdout)) == (0, letters(STATION))
    write_wav(good, np.zeros(2 * RATE, np.float32))
    result = run(app, ["transcribe", str(good)])
    assert (result.exit_code, result.stdout.strip()) == (0, "")
    assert "nobody speaks" in result.stderr


def test_ask_aloud_plans_what_is_said_and_keeps_it(own_settings: Settings, tmp_path: Path) -> None:
    path = with_silence(say(STATION, tmp_path / "a.wav"))
    result = run(app, ["ask", "--audio", str(path), "--approve", "none", "--json"])
    assert result.exit_code == 0, result.stderr
    assert "Heard: Show me the way" in result.stderr
    trace = json.loads(result.stdout)
    assert letters(trace["request"]) == letters(STATION)
    kept = own_settings.traces.parent / "audio" / f"{trace['id']}.wav"
    assert read_audio(kept).size == pytest.approx(read_audio(path).size, abs=10)
    about = json.loads(kept.with_suffix(".json").read_text("utf-8"))
    assert about["request"] == trace["request"]
    assert about["words"]


@pytest.mark.parametrize(
    "arguments", [["ask"], ["ask", "hello", "--audio", "a.wav"], ["ask", "--audio", "no.wav"]]
)
def test_ask_needs_one_request(own_settings: Settings, arguments: list[str]) -> None:
    result = run(app, arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")


def test_no_audio_is_kept_where_it_is_not_wanted(settings: Settings) -> None:
    said = Transcript("hello", (), (), 1.0, 0.1)
    samples = np.zeros(RATE, np.float32)
    assert keep(replace(settings, keep_audio=False), "r", samples, said, "hello") is None
    path = keep(settings, "r", samples, said, "hello")
    assert path is not None
    assert path.stat().st_mode & 0o077 == 0


def test_a_recording_is_labelled_with_what_was_said(settings: Settings) -> None:
    understood = Transcript("Text set that lunch is at noon", (), (), 1.0, 0.1)
    samples = np.zeros(RATE, np.float32)

    def said(request: str) -> str | None:
        if keep(settings, "r", samples, understood, request) is None:
            return None
        about = about_recording(settings.traces, "r")
        assert about is not None
        assert about["request"] == request
        return str(about["said"])

    assert said("Text Sid that lunch is at noon") == "Text Sid that lunch is at noon"
    long = "Email Priya the Q4 forecast and the lease. " + understood.text
    assert said(long) == understood.text
    assert said("What is my mom's phone number?") is None
    correct(settings.traces, "r", "Text Sid lunch is at noon")
    about = about_recording(settings.traces, "r")
    assert about is not None
    assert about["said"] == "Text Sid lunch is at noon"
    assert about["text"] == understood.text
    forget(settings.traces, "r")
    assert about_recording(settings.traces, "r") is None
    with pytest.raises(TraceError, match="no such recording"):
        correct(settings.traces, "r", "hello")


def test_spoken_runs_are_exported_and_deleted(
    own_settings: Settings, make_agent: MakeAgent, tmp_path: Path
) -> None:
    agent = make_agent({"Turn up the heating": ["1. join()"], "Hello": ["1. join()"]})
    spoken, typed = do(agent, "Turn up the heating"), do(agent, "Hello")
    understood = Transcript("Turn of the heating", (), (), 2.0, 0.1)
    samples = np.linspace(-0.5, 0.5, 2 * RATE).astype(np.float32)
    keep(agent.settings, spoken, samples, understood, "Turn up the heating")
    log = ["--traces", str(agent.settings.traces)]
    result = run(app, ["traces", "said", spoken, "Turn up the heating, please", *log])
    assert result.exit_code == 0, result.stderr
    assert "Turn up the heating, please" in run(app, ["traces", "show", spoken, *log]).stdout
    out = tmp_path / "speech"
    result = run(app, ["traces", "export", str(out), "--format", "speech", *log])
    assert result.stdout.startswith("1 runs"), result.stderr
    # The form that the Hugging Face hub calls an audio folder.
    (line,) = (out / "metadata.jsonl").read_text("utf-8").splitlines()
    row = json.loads(line)
    assert row["transcription"] == "Turn up the heating, please"
    assert row["understood"] == understood.text
    assert read_audio(out / row["file_name"]).size == samples.size
    assert sorted(p.name for p in out.iterdir()) == sorted(["metadata.jsonl", row["file_name"]])
    refused = run(app, ["traces", "export", str(out), "--format", "speech", "--redact", *log])
    assert refused.exit_code == 2
    assert run(app, ["traces", "said", typed, "Hello", *log]).exit_code == 1
    assert run(app, ["traces", "delete", spoken, "--yes", *log]).exit_code == 0
    assert list((agent.settings.traces.parent / "audio").iterdir()) == []
