"""The macOS backend: the Mac's own applications, through fixed AppleScripts.

Every value from a plan is an argument of a script and never part of its text.
What this does not promise: the scripts follow the applications' published
dictionaries and are tested here against a stand-in for ``osascript`` only;
how Mail, Notes and the others answer differs between versions of macOS.
"""

from tinyagent.backends.macos.backend import MacOS
from tinyagent.backends.macos.scripts import Script

__all__ = ["MacOS", "Script"]
