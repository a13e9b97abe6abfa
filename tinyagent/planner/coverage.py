"""Coverage: how well a plan says what its request says.

A name, a day or a number of a request is nearly always copied into its plan, "please" or "text"
nearly never. How often each word is, is counted over right plans (``tinyagent train coverage``);
that tells when a plan has forgotten a person, though every line of it looks likely. Translation
has long been scored like this (Tu et al. 2016, Modeling Coverage for Neural Machine Translation).
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tinyagent.planner.prompt import clean
from tinyagent.plans.syntax import Plan

WORD = re.compile(r"\w(?:[\w@.'’+-]*\w)?")
UNKNOWN = 0.6
"""How often a word that is rare in the data is said again."""
PRIOR = 2.0
"""How many requests that counts for, beside those that hold the word."""
SURE = 0.98
"""No word is taken to be said again more, or less, surely than this."""
SEEN = 5
"""Words in fewer requests are not kept."""


@dataclass(frozen=True)
class Coverage:
    """Scores plans by the words of their requests.

    Attributes:
        said: word -> how often it is said again in the plan of a request that holds it.
    """

    said: Mapping[str, float]

    def score(self, request: str, plan: Plan) -> float:
        """How likely it is, in nats, that just these words of the request are said again."""
        told = words_of_plan(plan)
        total = 0.0
        for word in set(words(clean(request))):
            share = min(SURE, max(1 - SURE, self.said.get(word, UNKNOWN)))
            total += math.log(share if word in told else 1 - share)
        return total


NOTHING_KNOWN = Coverage({})
"""Takes every word to be said again with the same likelihood."""


def words(text: str) -> list[str]:
    """The words of a text, folded."""
    return [word.lower().replace("’", "'") for word in WORD.findall(text)]


def words_of_plan(plan: Plan) -> set[str]:
    """All words and numbers in the arguments of a plan."""
    told: set[str] = set()
    for call in plan:
        for argument in call.arguments:
            for value in argument if isinstance(argument, tuple) else (argument,):
                told.update(words(str(value)))
    return told


def count(rows: Iterable[tuple[str, Plan]]) -> Coverage:
    """Count over requests and their right plans; those that no tool serves are left out."""
    held, again = Counter[str](), Counter[str]()
    for request, plan in rows:
        if plan.calls:
            told = words_of_plan(plan)
            held.update(heard := set(words(clean(request))))
            again.update(heard & told)
    return Coverage(
        {
            word: round((again[word] + PRIOR * UNKNOWN) / (times + PRIOR), 3)
            for word, times in sorted(held.items())
            if times >= SEEN
        }
    )


def read(path: Path) -> Coverage:
    """Read what ``write`` wrote."""
    return Coverage(json.loads(path.read_text("utf-8")))


def write(coverage: Coverage, path: Path) -> None:
    """Write as JSON: a share by word."""
    text = json.dumps(coverage.said, ensure_ascii=False, indent=0)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n", encoding="utf-8")
