"""ToolRAG: three ways to pick the tools for a request, behind one interface."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tinyagent.models import find, read_manifest
from tinyagent.toolrag.base import Selection, ToolRAG
from tinyagent.tools.registry import ToolSet
from tinyagent.tools.sixteen import SIXTEEN

if TYPE_CHECKING:
    from tinyagent.settings import Settings

__all__ = ["Selection", "ToolRAG", "load"]


def load(settings: Settings, tools: ToolSet = SIXTEEN) -> ToolRAG:
    """The way that the settings name; ModelError where a file of it is missing or damaged."""
    from tinyagent.toolrag.basic import AllTools, BasicRAG
    from tinyagent.toolrag.classifier import TOKENIZER, WORDS_FILE, Classifier, read_labels
    from tinyagent.toolrag.described import WithDescribed
    from tinyagent.toolrag.encoder import Encoder
    from tinyagent.toolrag.vectors import Vectors

    models = settings.models
    if settings.toolrag == "all":
        return AllTools(tools)
    tokenizer = find("minilm-tokenizer", models)
    if settings.toolrag == "basic":
        return BasicRAG(tools, Encoder(find("minilm-int8", models), tokenizer, settings.threads))
    graph = Path(settings.classifier) if settings.classifier else None
    own = graph is not None and (graph.parent / WORDS_FILE).is_file()
    labels = graph.with_suffix(".json") if graph else find("toolrag-labels", models)
    trained = tools.only(read_labels(labels))
    classifier = Classifier(
        trained,
        graph or find("toolrag-classifier", models),
        labels,
        graph.parent / WORDS_FILE if graph and own else find("minilm", models),
        graph.parent / TOKENIZER if graph and own else tokenizer,
        settings.threshold,
        settings.threads,
    )
    if len(trained) == len(tools):
        return classifier
    model = find("minilm-int8", models)
    kept = (
        models / "cache" / f"vectors-{read_manifest(models)['minilm-int8'].sha256[:12]}.safetensors"
    )
    vectors = Vectors(lambda: Encoder(model, tokenizer, settings.threads), kept)
    return WithDescribed(classifier, tools, trained, vectors, settings.threshold)
