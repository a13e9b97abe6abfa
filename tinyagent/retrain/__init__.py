"""Retraining: a person's labels into a better version of ToolRAG, and of the planner.

``data`` gathers what to learn from and what to judge by, ``job`` is a retraining as a folder
that any process can look at, ``work`` is the process that does it, ``compare`` decides whether
the new version may take the old one's place.
"""
