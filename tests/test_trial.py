"""Whether llama.cpp runs on this processor, asked where the answer may be the end."""

from __future__ import annotations

import subprocess
import sys

from tinyagent.planner.trial import cut_off


def test_llama_cpp_computes_here() -> None:
    command = [sys.executable, "-m", "tinyagent.planner.trial"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_instruction_that_the_processor_does_not_have_is_named() -> None:
    dies = "import os, signal; os.kill(os.getpid(), signal.SIGILL)"
    assert cut_off([sys.executable, "-c", dies]) == "SIGILL"
    assert cut_off([sys.executable, "-c", "raise SystemExit(3)"]) == ""
