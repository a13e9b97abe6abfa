"""Does llama.cpp run on this processor?  ``python -m tinyagent.planner.trial``

It is compiled for the processor at hand, and pip keeps what was compiled. Where that was for
another processor, or where the compiler broke it (GCC and Intel's AMX, ggml-org/llama.cpp#26954),
the first matrix ends the whole program. So the question is asked in a process of its own.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tinyagent.errors import ModelError


def compute(model: Path) -> None:
    """Read a few tokens with a model, as the planner does."""
    from tinyagent.planner.engine import Engine

    engine = Engine(model, limit=64)
    engine.feed(engine.tokenize("Is this processor the one that it was compiled for?"))


def cut_off(command: Sequence[str]) -> str:
    """Run a command; the name of the signal that ended it, or "" where it came to its end."""
    status = subprocess.run(command, check=False).returncode
    return signal.Signals(-status).name if status < 0 else ""


def main() -> int:
    """1 where llama.cpp is cut off; 0 where it runs, or there is no model yet to try it with."""
    from tinyagent.models import find
    from tinyagent.settings import load_settings

    try:
        model = find("smollm2", load_settings().models)
    except ModelError:
        return 0  # whoever needs it says so
    code = f"from {__spec__.name} import compute, Path; compute(Path({str(model)!r}))"
    if name := cut_off([sys.executable, "-c", code]):
        print(
            f"llama.cpp is cut off by {name} on this processor: it was compiled for another, "
            "or broken by the compiler. `make llama` compiles it anew.",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
