"""ToolRAG: three ways to pick the tools for a request, behind one interface."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tinyagent.models import find
from tinyagent.toolrag.base import Selection, ToolRAG
from tinyagent.tools.sixteen import SIXTEEN

if TYPE_CHECKING:
    from tinyagent.settings import Settings

__all__ = ["Selection", "ToolRAG", "load"]


def load(settings: Settings) -> ToolRAG:
    """The way that the settings name; ModelError where a file of it is missing or damaged."""
    from tinyagent.toolrag.basic import AllTools, BasicRAG
    from tinyagent.toolrag.classifier import TOKENIZER, WORDS_FILE, Classifier
    from tinyagent.toolrag.encoder import Encoder

    models = settings.models
    if settings.toolrag == "all":
        return AllTools(SIXTEEN)
    tokenizer = find("minilm-tokenizer", models)
    if settings.toolrag == "basic":
        return BasicRAG(SIXTEEN, Encoder(find("minilm-int8", models), tokenizer, settings.threads))
    graph = Path(settings.classifier) if settings.classifier else None
    own = graph is not None and (graph.parent / WORDS_FILE).is_file()
    return Classifier(
        SIXTEEN,
        graph or find("toolrag-classifier", models),
        graph.with_suffix(".json") if graph else find("toolrag-labels", models),
        graph.parent / WORDS_FILE if graph and own else find("minilm", models),
        graph.parent / TOKENIZER if graph and own else tokenizer,
        settings.threshold,
        settings.threads,
    )
