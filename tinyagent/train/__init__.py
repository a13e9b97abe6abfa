"""Training: each stage a file that reads from top to bottom. Needs the extra ``train``."""

UNROUNDED = "unrounded.safetensors"
"""The adapter as it is before the quantisation-aware part: `eval tables --adapter` compares it."""
