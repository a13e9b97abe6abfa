"""Every error that TinyAgent raises on purpose.

A message says what happened, where, and what to do. Anything else that
escapes is a bug.
"""

from __future__ import annotations


class TinyAgentError(Exception):
    """The root: one ``except`` catches whatever TinyAgent can explain."""


class SettingsError(TinyAgentError):
    """A setting, a path or an option that cannot be used as it is."""


class ModelError(TinyAgentError):
    """A model file is missing, damaged, or not the one that was expected."""


class ServerError(TinyAgentError):
    """A server of models gave no answer that can be used.

    Attributes:
        passing: the same request may go well a moment later.
    """

    def __init__(self, message: str, passing: bool = False) -> None:
        super().__init__(message)
        self.passing = passing


class UnusableAnswerError(ServerError):
    """A server is there, but this one request got nothing that can be used, or not in time."""


class UnusablePlanError(UnusableAnswerError):
    """The server answered, and its model wrote no plan that can be used."""


class ToolDeclarationError(TinyAgentError):
    """A tool function lacks what its declaration needs (a type, a docstring)."""


class RequestError(TinyAgentError):
    """A request that cannot be planned at all: empty, or far too long."""


class AudioError(TinyAgentError):
    """A recording that is missing, damaged, no audio, or without speech."""


class PlanError(TinyAgentError):
    """A plan that breaks the plan language.

    Attributes:
        task: number of the task at fault, or None for the plan as a whole.
        argument: name of the argument at fault, or None for the whole task.
        reason: what is wrong, without the place.
    """

    def __init__(self, reason: str, task: int | None = None, argument: str | None = None) -> None:
        self.reason = reason
        self.task = task
        self.argument = argument
        place = "" if task is None else f"task {task}"
        if argument:
            place += f", argument {argument}"
        super().__init__(f"{place}: {reason}" if place else reason)


class PlanSyntaxError(PlanError):
    """A plan, or a line of one, that does not parse."""


class TimePhraseError(TinyAgentError):
    """Words that make no time, a date that does not exist, or one that is past."""


class ToolError(TinyAgentError):
    """A tool could not do what was asked; the message is for the user."""


class NotFoundError(ToolError):
    """Nothing by that name: no such contact, file, note, or selected message."""


class AmbiguousError(ToolError):
    """Several things fit a name, and a person must choose.

    Attributes:
        name: the name that was looked up.
        candidates: what could be meant; each can be given back in its place.
    """

    def __init__(self, message: str, name: str, candidates: list[str]) -> None:
        super().__init__(message)
        self.name = name
        self.candidates = candidates


class ApprovalError(TinyAgentError):
    """A changing call without an approval of exactly that call."""


class Stopped(TinyAgentError):  # noqa: N818 - it is no fault
    """The user stopped what was running."""


class TraceError(TinyAgentError):
    """The trace log cannot be opened or written."""
