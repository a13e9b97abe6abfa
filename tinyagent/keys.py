"""Keys and passwords, by name: from the environment, or else from the system's keychain.

``keyring set tinyagent MY_API_KEY`` puts one into the keychain. Settings and
options hold the name; the key itself is written nowhere, neither in traces nor
in errors.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

import keyring
from keyring.errors import KeyringError

from tinyagent.errors import SettingsError

SERVICE = "tinyagent"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def read_key(name: str, place: str, environ: Mapping[str, str] = os.environ) -> str:
    """The key of this name; "" where no name is given.

    Args:
        name: of the environment variable, and of the entry in the keychain.
        place: what asks for the key, for the error: "setting server_key".

    Raises:
        SettingsError: there is none, or ``name`` is no name.
    """
    if not name:
        return ""
    if not _NAME.fullmatch(name):
        raise SettingsError(
            f"{place}: that is no name; give the name of the variable or of the keychain's "
            "entry that holds the key, and not the key itself"
        )
    found = environ.get(name) or from_keychain(SERVICE, name)
    if not found:
        raise SettingsError(
            f"{place}: the environment has no variable {name}, and the keychain no such entry; "
            f"set the variable, or run `keyring set {SERVICE} {name}`"
        )
    return found


def from_keychain(service: str, name: str) -> str:
    """What the system's keychain holds under a name; "" where it holds nothing or is locked."""
    try:
        return keyring.get_password(service, name) or ""
    except KeyringError:  # there is no keychain here, or it stays locked
        return ""
