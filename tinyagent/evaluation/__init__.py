"""Evaluation: test sets, scores, and reports on what a planner and a ToolRAG are worth."""
