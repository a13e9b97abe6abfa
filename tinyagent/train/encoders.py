"""The encoder that ToolRAG's classifier is fine-tuned from.

The shipped one is all-MiniLM-L6-v2, from its file; any other that transformers can load goes by
its name on the hub or its folder, such as ``microsoft/deberta-v3-small``, the paper's.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import AutoModel, AutoTokenizer, BertConfig, BertModel

from tinyagent.errors import ModelError
from tinyagent.toolrag.classifier import TOKENIZER, WORDS, WORDS_FILE
from tinyagent.toolrag.encoder import MAX_TOKENS, load_tokenizer


@dataclass(frozen=True)
class Pretrained:
    """An encoder without its word embeddings.

    Attributes:
        model: takes ``inputs_embeds`` and ``attention_mask``; has ``config.hidden_size``.
        words: the word embeddings, (vocabulary, width).
        tokenizer: cuts long texts, pads nothing.
    """

    model: Any
    words: Tensor
    tokenizer: Tokenizer

    def save(self, out: Path) -> None:
        """Write what the classifier needs of it, to lie beside the graph."""
        save_file({WORDS: self.words}, out / WORDS_FILE)
        self.tokenizer.save(str(out / TOKENIZER))


def minilm(weights: Path, tokenizer: Path) -> Pretrained:
    """all-MiniLM-L6-v2 from its safetensors file and its ``tokenizer.json``."""
    config = BertConfig(
        hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536
    )
    model = BertModel(config, add_pooling_layer=False)
    model.load_state_dict(
        {
            k: v
            for k, v in load_file(weights).items()
            if not k.startswith("pooler") and "position_ids" not in k
        }
    )
    return _without_words(model, load_tokenizer(tokenizer))


def named(source: str) -> Pretrained:
    """Any encoder of transformers, by its name on the hub or its folder.

    Raises:
        ModelError: transformers cannot load it, or its tokenizer is no fast one.
    """
    try:
        model = AutoModel.from_pretrained(source)
        tokenizer = AutoTokenizer.from_pretrained(source)
    except (OSError, ValueError, ImportError) as error:
        raise ModelError(f"encoder {source}: {error}") from error
    if not tokenizer.is_fast:
        raise ModelError(f"encoder {source}: its tokenizer has no tokenizer.json")
    fast: Tokenizer = tokenizer.backend_tokenizer
    fast.enable_truncation(MAX_TOKENS)
    fast.no_padding()
    return _without_words(model, fast)


def _without_words(model: Any, tokenizer: Tokenizer) -> Pretrained:
    """Its word embeddings come as an input: they are not trained, and half of what is shipped."""
    words = model.get_input_embeddings().weight.detach().clone()
    model.set_input_embeddings(nn.Embedding(1, words.shape[1]))
    return Pretrained(model.float(), words.float(), tokenizer)
