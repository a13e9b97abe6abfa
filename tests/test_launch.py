"""The planner's training, in processes that a launcher starts: the same run as that of one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tinyagent.commands.cli import app

torch = pytest.importorskip("torch")
ROOT = Path(__file__).parent.parent
OPTIONS = ["--rank", "4", "--learning-rate", "0.005", "--quantised", "0.3"]
STEPS, MORE = 5, 8
NOISE = 0.01
"""Of a loss of some 10: bf16 has three digits, and which rows are padded together differs."""
FAR = 0.03
"""The same of weights and moments, as a share of them: some 0.005. Processes that keep their
gradients to themselves are 0.5 and 0.2 apart; gradients not summed but averaged, 0.5."""


def command(data: Path, tiny: Path, out: Path, steps: int) -> list[str]:
    places = [str(data), "--base", str(tiny), "--out", str(out)]
    return ["train", "planner", *places, "--steps", str(steps), *OPTIONS]


def launch(*arguments: str) -> None:
    """Have `accelerate launch` start two processes."""
    launcher = [sys.executable, "-m", "accelerate.commands.launch", "--num_processes", "2"]
    # 0: whichever port is free
    whole = [*launcher, "--main_process_port", "0", *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TORCH_COMPILE_DISABLE": "1"}
    done = subprocess.run(whole, env=environment, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]


@pytest.fixture(scope="module")
def alone(data: Path, tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one process, of the first steps."""
    out = tmp_path_factory.mktemp("alone") / "run"
    alone_on(data, tiny, out, STEPS)
    return out


def alone_on(data: Path, tiny: Path, out: Path, steps: int) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("TORCH_COMPILE_DISABLE", "1")
        asked = [*command(data, tiny, out, steps), "--workers", "1"]
        result = CliRunner().invoke(app, asked)
    assert result.exit_code == 0, result.output


def test_two_processes_of_a_launcher_train_as_one_does(
    data: Path,
    tiny: Path,
    alone: Path,
    tmp_path: Path,
) -> None:
    launch("--multi_gpu", "-m", "tinyagent", *command(data, tiny, tmp_path / "run", STEPS))
    assert_same_run(alone, tmp_path / "run")
    card = json.loads((tmp_path / "run" / "training.json").read_text())
    assert (card["workers"], card["steps"]) == (2, STEPS)


def test_what_one_process_began_two_go_on_with_that_share_the_model(
    data: Path,
    tiny: Path,
    alone: Path,
    tmp_path: Path,
) -> None:
    """FSDP; with the last steps on weights that are rounded."""
    from safetensors.torch import load_file

    for name in ("one", "two"):
        shutil.copytree(alone, tmp_path / name)
    alone_on(data, tiny, tmp_path / "one", MORE)
    sharded = ["--config_file", "docs/fsdp.yaml", "tests/sharded.py"]
    launch(*sharded, *command(data, tiny, tmp_path / "two", MORE))
    assert_same_run(tmp_path / "one", tmp_path / "two")
    unrounded = [load_file(tmp_path / name / "unrounded.safetensors") for name in ("one", "two")]
    assert distance(*map(learned, unrounded)) < FAR


def test_a_batch_is_not_smaller_than_the_processes(data: Path, tiny: Path, tmp_path: Path) -> None:
    asked = [*command(data, tiny, tmp_path / "run", 1), "--batch", "2", "--workers", "3"]
    result = CliRunner().invoke(app, asked)
    assert result.exit_code == 2
    assert "3 processes cannot share a batch of 2" in result.stderr


def assert_same_run(one: Path, other: Path) -> None:
    """The losses of each step, and what the last checkpoint holds."""
    losses = [json.loads((run / "losses.json").read_text()) for run in (one, other)]
    assert losses[0] == pytest.approx(losses[1], abs=NOISE)
    a, b = (torch.load(run / "checkpoint.pt", weights_only=True) for run in (one, other))
    assert a["step"] == b["step"] == len(losses[0])
    assert distance(learned(a["adapter"]), learned(b["adapter"])) < FAR
    states = [run["optimizer"]["state"] for run in (a, b)]
    for name in ("exp_avg", "exp_avg_sq"):
        assert distance(*({n: of[name] for n, of in state.items()} for state in states)) < FAR


def learned(adapter: dict[str, Any]) -> dict[str, Any]:
    """The half that is zero when a training begins."""
    return {name: weight for name, weight in adapter.items() if "lora_B" in name}


def distance(one: dict[Any, Any], other: dict[Any, Any]) -> float:
    """Between all weights of both, as a share of those of the first."""
    assert one.keys() == other.keys()
    a, b = (torch.cat([w[name].flatten().float() for name in one]) for w in (one, other))
    return float((a - b).norm() / a.norm())
