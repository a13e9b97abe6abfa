"""Training: each stage a file that reads from top to bottom. Needs the extra ``train``."""

UNROUNDED = "unrounded.safetensors"
"""The adapter as it is before the quantisation-aware part: `eval tables --adapter` compares it."""
QUANTISED = 0.25
"""Share of a training's budget, at its end, that is quantisation-aware."""
