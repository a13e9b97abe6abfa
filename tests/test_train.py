"""Training and merging, on models small enough for a test; the code is that of the real runs."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import llama_cpp
import numpy as np
import pytest
from gguf import GGMLQuantizationType
from gguf.quants import dequantize, quantize
from typer.testing import CliRunner

from tinyagent.commands.cli import app
from tinyagent.errors import SettingsError
from tinyagent.models import find
from tinyagent.planner.engine import Engine
from tinyagent.planner.merge import merge, read_adapter
from tinyagent.settings import Settings
from tinyagent.toolrag.base import MOST_CERTAIN, log_odds
from tinyagent.tools.sixteen import SIXTEEN
from tinyagent.train import UNROUNDED

torch = pytest.importorskip("torch")
MODELS = Settings().models


def train(data: Path, tiny: Path, out: Path, steps: int) -> dict[str, object]:
    options = ["--base", str(tiny), "--out", str(out), "--steps", str(steps), "--rank", "16"]
    options += ["--learning-rate", "0.01", "--batch", "2"]
    result = CliRunner().invoke(app, ["train", "planner", str(data), *options])
    assert result.exit_code == 0, result.output
    return json.loads((out / "training.json").read_text())


def test_a_run_learns_is_resumed_and_says_what_it_did(
    data: Path, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By steps, so that a slow machine learns as much as a fast one."""
    monkeypatch.setenv("TORCH_COMPILE_DISABLE", "1")  # it takes longer than the steps
    out = tmp_path / "run"
    first = train(data, tiny, out, 8)
    losses = json.loads((out / "losses.json").read_text())
    assert len(losses) == first["steps"] == 8
    second = train(data, tiny, out, 30)
    assert second["steps"] == 30
    resumed = json.loads((out / "losses.json").read_text())
    assert resumed[:8] == losses
    assert np.mean(resumed[-5:]) < np.mean(resumed[:5]) - 0.3  # it falls by 1.1
    assert second["data"]["rows"] == 200
    assert second["tokens"] > 2 * first["tokens"]
    assert 0 < second["validation_loss"] < first["validation_loss"]
    before = (out / UNROUNDED).read_bytes()
    train(data, tiny, out, 31)  # it goes on from where the weights were rounded
    assert (out / UNROUNDED).read_bytes() == before
    files = {path: path.read_bytes() for path in out.iterdir() if path.name != "losses.png"}
    assert train(data, tiny, out, 31)["told"] == [
        {"sha256": second["data"]["sha256"], "from_step": 0}
    ]
    assert {path: path.read_bytes() for path in files} == files  # there is nothing to do
    options = ["--base", str(tiny), "--out", str(out), "--steps", "40", "--rank", "8"]
    refused = CliRunner().invoke(app, ["train", "planner", str(data), *options])
    assert refused.exit_code == 2
    assert "begun with another rank, learning_rate, batch; give another --out" in refused.stderr
    other = tmp_path / "other"
    shutil.copytree(data, other)
    rows = (data / "train.jsonl").read_text("utf-8").splitlines(keepends=True)
    (other / "train.jsonl").write_text("".join(rows[:150]), "utf-8")
    told = train(other, tiny, out, 32)["told"]
    assert [part["from_step"] for part in told] == [0, 31]
    assert told[0]["sha256"] != told[1]["sha256"]
    assert (out / "losses.png").stat().st_size > 5000


def test_several_tellers_tell_what_one_does(data: Path) -> None:
    from itertools import islice

    from transformers import AutoTokenizer

    from tinyagent.train.batches import CHUNK, batches

    base = find("smollm2", MODELS)
    tokenizer = AutoTokenizer.from_pretrained(base.parent, gguf_file=base.name)
    options = {"size": 8, "least": 1, "max_tokens": 420, "invented": 0.2, "seed": 3}
    rows = len((data / "train.jsonl").read_text().splitlines())
    assert rows % CHUNK  # an epoch ends within a chunk
    wanted = rows // 8 + 5  # into the second epoch
    told = []
    for tellers in (0, 2):
        endless = batches(data / "train.jsonl", tokenizer, **options, tellers=tellers)
        told.append(list(islice(endless, wanted)))
        endless.close()
    assert told[0] == told[1]
    assert [[e.weights for e in batch] for batch in told[0]] == [
        [e.weights for e in batch] for batch in told[1]
    ]


def test_rounding_is_that_of_llama_cpp() -> None:
    from tinyagent.train.rounding import as_q4_0

    weight = np.random.default_rng(0).normal(size=(16, 128)).astype(np.float32)
    weight[3, :32] = 0
    kind = GGMLQuantizationType.Q4_0
    expected = dequantize(quantize(weight, kind), kind)
    np.testing.assert_allclose(as_q4_0(torch.tensor(weight)).numpy(), expected, atol=1e-6)


def test_a_merged_model_computes_what_base_and_adapter_compute(tmp_path: Path) -> None:
    from peft import set_peft_model_state_dict
    from safetensors.torch import load_file

    from tinyagent.train.lora import load_base, with_adapter

    base, adapter = find("smollm2", MODELS), find("planner-adapter", MODELS)
    merge(base, adapter, tmp_path / "merged.gguf")
    engine = Engine(tmp_path / "merged.gguf", limit=128)
    model, tokenizer = load_base(base)
    rank = next(iter(load_file(adapter).values())).shape[0]
    peft = with_adapter(model, rank).eval()
    set_peft_model_state_dict(peft, load_file(adapter))

    text = "<|im_start|>user\nText Sid hello<|im_end|>\n<|im_start|>assistant\n1. get_phone"
    ids = engine.tokenize(text)
    assert ids == tokenizer(text)["input_ids"]
    with torch.no_grad():
        ours = peft(torch.tensor([ids])).logits[0, -1].numpy()
    theirs = np.array(engine.start(ids))
    assert int(ours.argmax()) == int(theirs.argmax())
    assert float(np.abs(ours - theirs).max()) < 0.15 * float(ours.std())


def test_merged_layers_and_short_attention_compute_what_peft_and_torch_do(tiny: Path) -> None:
    from tinyagent.train import attention
    from tinyagent.train.lora import load_base, with_adapter
    from tinyagent.train.merged import merged_layers
    from tinyagent.train.planner import PlanLoss

    ids = torch.randint(0, 49152, (3, 40), generator=torch.Generator().manual_seed(1))
    wanted = torch.zeros_like(ids, dtype=torch.bool)
    wanted[:, 20:30] = True
    found = []
    for fast in (False, True):
        model, _ = load_base(tiny)
        if fast:
            assert attention.suits(model)
            attention.use(model)
        torch.manual_seed(0)
        peft = with_adapter(model, 8)
        for name, weight in peft.named_parameters():
            if "lora_B" in name:  # begins as zero, and A has no gradient then
                torch.nn.init.normal_(weight, std=0.05)
        for layer in merged_layers(peft) if fast else []:
            layer.merge_weight()
        loss = PlanLoss(peft)(ids, wanted).mean()
        loss.backward()
        found.append((loss, {n: p.grad for n, p in peft.named_parameters() if p.requires_grad}))
    (slow_loss, slow), (fast_loss, fast_ones) = found
    torch.testing.assert_close(fast_loss, slow_loss)
    assert len(slow) == 28  # two layers of seven, A and B
    for name, gradient in slow.items():
        assert gradient.abs().max() > 0
        torch.testing.assert_close(fast_ones[name], gradient, rtol=1e-3, atol=1e-6)


def test_a_full_fine_tune_has_the_gradients_of_the_weights_themselves(tiny: Path) -> None:
    from tinyagent.train.lora import LINEAR, adapted, load_base, with_every_weight
    from tinyagent.train.merged import merged_layers
    from tinyagent.train.planner import PlanLoss

    ids = torch.randint(0, 49152, (3, 40), generator=torch.Generator().manual_seed(1))
    wanted = torch.zeros_like(ids, dtype=torch.bool)
    wanted[:, 20:30] = True
    model, _ = load_base(tiny)
    peft = with_every_weight(model)
    for layer in merged_layers(peft):
        layer.merge_weight()
    PlanLoss(peft)(ids, wanted).mean().backward()
    found = {name: w.grad for name, w in peft.named_parameters() if w.requires_grad}
    assert len(found) == len(adapted(peft)) == 14  # one factor of each layer

    plain, _ = load_base(tiny)
    no_adapter = SimpleNamespace(base_model=SimpleNamespace(model=plain))
    PlanLoss(no_adapter)(ids, wanted).mean().backward()
    weights = {n: w.grad for n, w in plain.named_parameters() if n.split(".")[-2] in LINEAR}
    for name, gradient in found.items():
        layer = name.removeprefix("base_model.model.").partition(".lora_")[0]
        torch.testing.assert_close(gradient, weights[f"{layer}.weight"], rtol=1e-2, atol=1e-5)


def test_an_adapter_is_extracted_from_a_full_fine_tune(
    data: Path, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_COMPILE_DISABLE", "1")
    full, near, same = (tmp_path / name for name in ("full", "near", "same"))
    options = ["--base", str(tiny), "--out", str(full), "--steps", "6", "--batch", "2"]
    asked = ["train", "planner", str(data), *options, "--full"]
    result = CliRunner().invoke(app, asked)
    assert result.exit_code == 0, result.output
    assert f"tinyagent train extract {full}" in " ".join(result.output.split())
    losses = json.loads((full / "losses.json").read_text())
    assert len(losses) == 6
    assert CliRunner().invoke(app, [*asked, "--steps", "8"]).exit_code == 0
    assert json.loads((full / "losses.json").read_text())[:6] == losses
    card = json.loads((full / "training.json").read_text())
    assert card["full"]
    assert card["learning_rate"] == 3e-4

    changes = read_adapter(full / "adapter.safetensors")
    for out, rank in ((near, 4), (same, 10_000)):
        command = ["train", "extract", str(full), "--out", str(out), "--rank", str(rank)]
        done = CliRunner().invoke(app, command)
        assert done.exit_code == 0, done.output
        said = json.loads((out / "training.json").read_text())
        assert said["extracted_from"] == card
        left = read_adapter(out / "adapter.safetensors")
        size = sum(float(np.square(change).sum()) for change in changes.values())
        lost = sum(float(np.square(left[name] - change).sum()) for name, change in changes.items())
        assert 1 - lost / size == pytest.approx(said["kept"], abs=1e-3)
    assert 0 < json.loads((near / "training.json").read_text())["kept"] < 0.9
    assert said["kept"] == pytest.approx(1)
    for name, change in changes.items():
        assert np.linalg.matrix_rank(change) > 4
        assert np.linalg.matrix_rank(read_adapter(near / "adapter.safetensors")[name]) <= 4

    start = ["--start", str(near / "adapter.safetensors"), "--rank"]
    places = ["train", "planner", str(data), "--base", str(tiny), "--steps", "1", "--batch", "2"]
    again = tmp_path / "again"
    refused = CliRunner().invoke(app, [*places, "--out", str(again), *start, "8"])
    assert refused.exit_code == 2
    assert "has rank 4, not 8; give its --rank" in " ".join(refused.output.split())
    options = [*start, "4", "--full", "--learning-rate", "0", "--quantised", "0"]
    went = CliRunner().invoke(app, [*places, "--out", str(again), *options])
    assert went.exit_code == 0, went.output
    begun = read_adapter(near / "adapter.safetensors")
    for name, change in read_adapter(again / "adapter.safetensors").items():
        np.testing.assert_allclose(change, begun[name], atol=1e-5)
    missing = CliRunner().invoke(app, ["train", "extract", str(tmp_path), "--out", str(near)])
    assert missing.exit_code == 2
    assert "train it to its end first" in " ".join(missing.output.split())


def test_a_full_fine_tune_is_too_large_to_ship(tmp_path: Path) -> None:
    (tmp_path / "adapter.safetensors").write_bytes(bytes(25_000_001))
    (tmp_path / "training.json").write_text('{"full": true}')
    result = CliRunner().invoke(app, ["train", "export", str(tmp_path)])
    assert result.exit_code == 1
    assert f"tinyagent train extract {tmp_path}" in result.output.replace("\n", "")


def test_an_adapter_that_fits_another_model_is_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    from tinyagent.errors import ModelError

    path = tmp_path / "adapter.safetensors"
    key = "base_model.model.model.layers.99.mlp.up_proj.lora_{}.weight"
    halves = {key.format("A"): torch.zeros(2, 576), key.format("B"): torch.zeros(1536, 2)}
    save_file(halves, path, metadata={"scale": "2.0"})
    assert list(read_adapter(path)) == ["blk.99.ffn_up.weight"]
    with pytest.raises(ModelError, match=r"blk\.99\.ffn_up\.weight"):
        merge(find("smollm2", MODELS), path, tmp_path / "out.gguf")


@pytest.mark.parametrize(
    "command",
    [
        ["train", "planner", "nowhere", "--out", "run"],
        ["train", "toolrag", "nowhere"],
    ],
)
def test_data_that_are_not_there_are_named(command: list[str]) -> None:
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 2
    assert "tinyagent data generate nowhere" in result.stderr


def test_llama_cpp_has_the_quantiser_that_set_up_needs() -> None:
    assert llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_0 == 2


def test_invented_tools_change_the_terms_of_a_plan_and_nothing_else() -> None:
    from random import Random

    from tinyagent.plans.dag import dag
    from tinyagent.plans.syntax import read_plan
    from tinyagent.tools.sixteen import SIXTEEN
    from tinyagent.train.invented import invent

    plan = read_plan("""1. get_email_address("Sid")
2. get_zoom_meeting_link("Sync", "tomorrow at 2", 45, ["$1"])
3. create_calendar_event("Sync", "tomorrow at 2", "45 minutes", "", ["$1"], "$2", "Work")
4. create_reminder("Prepare", "", "", "", 1)
5. join()""")
    names = {call.tool for call in plan}
    seen = set()
    for seed in range(50):
        tools, retold = invent(plan, SIXTEEN.only(names), Random(seed))
        assert not set(tools) & set(SIXTEEN)
        assert set(dag(retold).edges) == set(dag(plan).edges)
        for call in retold:
            tool = tools[call.tool]
            assert len({p.name for p in tool.parameters}) == len(tool.parameters)
            said = [v for v in plan.calls[call.number - 1].arguments if v not in ("", ())]
            assert sorted(map(str, said)) == sorted(
                str(v) for v in call.arguments if v not in ("", (), 0, False)
            )
        seen.add(str(retold))
    assert len(seen) > 40


def test_toolrag_goes_on_where_it_was_cut_off(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tinyagent.train import toolrag
    from tinyagent.train.encoders import minilm
    from tinyagent.train.progress import FILE, tell, told

    recipe = toolrag.Recipe(rows=48, epochs=1, batch=8, threads=1, checkpoint_every=2)
    few = tmp_path / "few.jsonl"
    few.write_text("\n".join((data / "validation.jsonl").read_text().splitlines()[:8]) + "\n")

    def run(out: Path, recipe: toolrag.Recipe = recipe) -> None:
        encoder = minilm(find("minilm", MODELS), find("minilm-tokenizer", MODELS))
        toolrag.train(data / "train.jsonl", few, encoder, out, recipe)

    def cut_off(out: Path, progress: object) -> None:
        tell(out, progress)  # type: ignore[arg-type]
        if progress.step == 3:  # type: ignore[attr-defined]
            raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(toolrag, "tell", cut_off)
        run(tmp_path / "cut")
    with pytest.raises(SettingsError, match="another recipe"):
        run(tmp_path / "cut", replace(recipe, seed=1))
    with (tmp_path / "cut" / FILE).open("a") as lines:
        lines.write('{"step": 4, "sha')
        lines.write("\n")
    run(tmp_path / "cut")
    run(tmp_path / "whole")
    cut, whole = told(tmp_path / "cut"), told(tmp_path / "whole")
    assert [x.step for x in cut] == [x.step for x in whole] == [1, 2, 3, 4, 5, 6]
    assert [x.loss for x in cut] == pytest.approx([x.loss for x in whole])
    assert whole[-1].share == 1.0
    assert sorted(path.name for path in (tmp_path / "cut").iterdir()) == [
        "classifier.json",
        "classifier.onnx",
        "losses.json",
        FILE,
    ]


def test_a_classifier_that_another_began_leans_as_its_own_recipe_says(
    data: Path, tmp_path: Path
) -> None:
    from tinyagent.toolrag import load
    from tinyagent.train import toolrag
    from tinyagent.train.encoders import minilm

    shipped = load(Settings()).select("Text Sid that lunch is ready")
    recipe = toolrag.Recipe(
        rows=8, epochs=1, batch=8, learning_rate=0.0, lean=shipped.lean + 1, threads=1
    )
    encoder = minilm(find("minilm", MODELS), find("minilm-tokenizer", MODELS))
    rows, start = data / "validation.jsonl", find("toolrag-classifier", MODELS)
    card = toolrag.train(rows, rows, encoder, tmp_path, recipe, start)
    assert card["before"] == json.loads(start.with_suffix(".json").read_text("utf-8"))
    settings = Settings(classifier=str(tmp_path / "classifier.onnx"))
    leaning = load(settings).select("Text Sid that lunch is ready")
    assert leaning.lean == pytest.approx(shipped.lean + 1)
    for name, probability in shipped.probabilities.items():
        more = log_odds(leaning.probabilities[name]) - log_odds(probability)
        capped = 1 - MOST_CERTAIN < probability < MOST_CERTAIN
        assert not capped or more == pytest.approx(1, abs=0.2)
    assert leaning.odds["send_sms"] == pytest.approx(shipped.odds["send_sms"], abs=0.2)


def test_both_runtimes_plan_the_same_calls() -> None:
    from tinyagent.models import find
    from tinyagent.settings import Settings
    from tinyagent.train.agreement import compare

    models = Settings().models
    base, adapter = find("smollm2", models), find("planner-adapter", models)
    agreement = compare(base, adapter, find("planner-q4_0", models), prompts=6)
    assert len(agreement.plans) == 6
    assert agreement.same >= 3, agreement.plans
    without = compare(base, adapter, find("base-q4_0", models), prompts=2)
    assert without.same == 0
    assert "plan the same calls for 0 of 2, 0 of them letter by letter" in str(without)


def test_any_encoder_may_be_fine_tuned(data: Path, tmp_path: Path) -> None:
    """A DeBERTa-v2 made at random, by the way that the paper's would go."""
    from sentencepiece import SentencePieceTrainer
    from transformers import DebertaV2Config, DebertaV2Model

    from tinyagent.data.patterns import read_patterns
    from tinyagent.toolrag import load

    encoder, out = tmp_path / "deberta", tmp_path / "run"
    encoder.mkdir()
    # As on the hub: no tokenizer.json, but what SentencePiece made.
    SentencePieceTrainer.train(
        sentence_iterator=(pattern.request for pattern in read_patterns()[:600]),
        model_prefix=str(encoder / "spm"),
        vocab_size=500,
        **dict(zip(("pad_id", "bos_id", "eos_id", "unk_id"), range(4), strict=True)),
        **{"pad_piece": "[PAD]", "bos_piece": "[CLS]", "eos_piece": "[SEP]", "unk_piece": "[UNK]"},
        minloglevel=2,
    )
    (encoder / "tokenizer_config.json").write_text('{"do_lower_case": false, "vocab_type": "spm"}')
    config = DebertaV2Config(
        vocab_size=512,  # with a mask, and room
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        relative_attention=True,
        pos_att_type=["p2c", "c2p"],
        position_biased_input=False,
    )
    DebertaV2Model(config).save_pretrained(encoder)
    command = ["train", "toolrag", str(data), "--out", str(out), "--encoder", str(encoder)]
    result = CliRunner().invoke(app, [*command, "--epochs", "1", "--rows", "64"])
    assert result.exit_code == 0, result.output
    toolrag = load(Settings(classifier=str(out / "classifier.onnx")))
    long = toolrag.select("Text Sid that lunch is at noon, and put it in the calendar")
    short = toolrag.select("hi")
    assert set(long.probabilities) == set(SIXTEEN)
    assert long.probabilities != short.probabilities


def test_an_encoder_that_is_not_there_is_named(data: Path, tmp_path: Path) -> None:
    nowhere = str(tmp_path / "nowhere")
    command = ["train", "toolrag", str(data), "--out", str(tmp_path), "--encoder", nowhere]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 1
    assert nowhere in result.output.replace("\n", "")


def test_a_run_on_another_base_is_not_shipped(tmp_path: Path) -> None:
    shutil.copy(find("planner-adapter", MODELS), tmp_path)
    other = {"base": "Other-135M.gguf", "base_sha256": "0" * 64}
    (tmp_path / "training.json").write_text(json.dumps({"average_of": [other, other]}))
    result = CliRunner().invoke(app, ["train", "export", str(tmp_path)])
    assert result.exit_code == 1
    assert "was trained from another base (sha256 000000000000…)" in result.output


def test_runs_are_averaged_where_they_go_together(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    from tinyagent.train.lora import write_adapter

    shipped = find("planner-adapter", MODELS).parent
    adapter = load_file(shipped / "adapter.safetensors")
    near, far = tmp_path / "near", tmp_path / "far"
    for folder, factor in ((near, 1.1), (far, -1.0)):
        folder.mkdir()
        write_adapter(
            {name: w * factor for name, w in adapter.items()}, folder / "adapter.safetensors"
        )
        (folder / "training.json").write_text('{"steps": 7}')
    command = ["train", "average", str(shipped), str(near), "--out", str(tmp_path / "mean")]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert "0.10 apart" in done.output
    mean = load_file(tmp_path / "mean" / "adapter.safetensors")
    name = max(adapter, key=lambda name: float(adapter[name].abs().max()))
    assert torch.allclose(mean[name].float(), adapter[name].float() * 1.05, rtol=0.01, atol=1e-4)
    card = json.loads((tmp_path / "mean" / "training.json").read_text())
    assert card["average_of"][1] == {"steps": 7}
    for other, said in ((far, "too far apart"), (tmp_path / "none", "does not exist")):
        command = ["train", "average", str(shipped), str(other), "--out", str(tmp_path / "x")]
        done = CliRunner().invoke(app, command)
        assert done.exit_code != 0
        assert said in " ".join(done.output.split())
