"""Do the properties of tests/test_properties.py hold for as long as one looks?

    .venv/bin/python benchmarks/fuzz.py [--minutes 60]

Rounds of 1,000 new inputs a property, until the time is up or one of them fails; a failure is
shown as pytest shows it, and Hypothesis keeps the input for the next run of the tests.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parent.parent
COMMAND = [
    *(sys.executable, "-m", "pytest", "tests/test_properties.py", "-q", "--timeout=0"),
    *("--hypothesis-profile=fuzz", "--hypothesis-show-statistics"),
]
COUNT = re.compile(r"::(\w+):$|(\d+) passing", re.MULTILINE)


def main() -> int:
    """Print each property and its inputs; 1 if an input made one fail."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--minutes", type=float, default=60)
    seconds = 60 * parser.parse_args().minutes
    began = time.monotonic()
    tried: Counter[str] = Counter()
    failed = False
    while time.monotonic() - began < seconds and not failed:
        done = subprocess.run(COMMAND, cwd=ROOT, capture_output=True, text=True)
        failed = done.returncode != 0
        if failed:
            print(done.stdout, done.stderr, sep="\n")
        tried += inputs(done.stdout)
    for name, count in tried.items():
        print(f"{count:10,}  {name}")
    minutes = (time.monotonic() - began) / 60
    found = "one failed" if failed else "none failed"
    print(f"{tried.total():,} inputs in {minutes:.0f} minutes: {found}")
    return int(failed)


def inputs(report: str) -> Counter[str]:
    """How many inputs each property passed, by Hypothesis's statistics."""
    counts: Counter[str] = Counter()
    name = ""
    for test, passing in COUNT.findall(report):
        if test:
            name = test
        else:
            counts[name] += int(passing)
    return counts


if __name__ == "__main__":
    sys.exit(main())
