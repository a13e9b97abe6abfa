"""Training: each stage a file that reads from top to bottom. Needs the extra ``train``."""
