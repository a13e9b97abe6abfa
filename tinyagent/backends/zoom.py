"""Zoom meetings, through Zoom's REST API, with a server-to-server OAuth app of the user's.

Its three credentials are in the system's keychain under the service
``tinyagent-zoom`` (``keyring set tinyagent-zoom account_id``, then ``client_id``
and ``client_secret``), or in the environment as ``ZOOM_ACCOUNT_ID``,
``ZOOM_CLIENT_ID`` and ``ZOOM_CLIENT_SECRET``. They are never written anywhere.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from tinyagent.errors import NotFoundError, SettingsError, ToolError
from tinyagent.keys import from_keychain

SERVICE = "tinyagent-zoom"
FIELDS = ("account_id", "client_id", "client_secret")
TOKENS = "https://zoom.us/oauth/token"
API = "https://api.zoom.us/v2"
LONGEST_TOPIC = 200
_SCHEDULED = 2
"""Zoom's number for a meeting at a time."""
_EARLY = 60.0
"""Seconds before its end that a token is not used any more."""


@dataclass(frozen=True)
class Credentials:
    """What Zoom gave a server-to-server OAuth app; the secret is not shown."""

    account_id: str
    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True)
class Meeting:
    """A meeting that was made: its number, and the URL to join it."""

    id: str
    url: str


def credentials(environ: Mapping[str, str]) -> Credentials | None:
    """The user's credentials, from the environment or else the keychain; None if there are none.

    Raises:
        SettingsError: some of the three are missing; the message names them.
    """
    found = {name: environ.get(f"ZOOM_{name.upper()}", "") for name in FIELDS}
    place = "the environment"
    if not any(found.values()):
        place = "the keychain"
        found = {name: from_keychain(SERVICE, name) for name in FIELDS}
    if not any(found.values()):
        return None
    missing = [name for name in FIELDS if not found[name]]
    if missing:
        raise SettingsError(
            f"Zoom: {' and '.join(missing)} is missing in {place}; all three of "
            f"{', '.join(FIELDS)} are needed"
        )
    return Credentials(**found)


class ZoomAccount:
    """The account that meetings are made in.

    Args:
        credentials: of the OAuth app.
        client: makes the requests; its time limit is the one that holds.
        tokens, api: Zoom's addresses.
    """

    def __init__(
        self,
        credentials: Credentials,
        client: httpx.Client | None = None,
        tokens: str = TOKENS,
        api: str = API,
    ) -> None:
        self._credentials = credentials
        self._client = client or httpx.Client(timeout=20.0)
        self._tokens = tokens
        self._api = api
        self._token = ""
        self._ends = 0.0

    def create(self, topic: str, start: datetime, minutes: int, invitees: list[str]) -> Meeting:
        """Make a meeting; ``start`` without a zone is local time. Zoom writes to no invitee.

        Raises:
            ToolError: Zoom cannot be reached, or refuses; the message says what to do.
        """
        if not 1 <= minutes <= 24 * 60:
            raise ToolError(f"a meeting of {minutes} minutes cannot be made; give 1 to 1440")
        made = self._call(
            "POST",
            "/users/me/meetings",
            {
                "topic": topic[:LONGEST_TOPIC],
                "type": _SCHEDULED,
                "start_time": f"{start.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
                "duration": minutes,
                "settings": {"meeting_invitees": [{"email": invitee} for invitee in invitees]},
            },
        )
        try:
            return Meeting(str(made["id"]), str(made["join_url"]))
        except KeyError as error:
            raise ToolError(f"Zoom: its answer has no {error}; see whether it was made") from None

    def delete(self, meeting: str) -> None:
        """Cancel a meeting; NotFoundError where it is gone, ToolError as ``create``."""
        self._call("DELETE", f"/meetings/{int(meeting)}")

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        answer = self._send(method, path, body)
        if answer.status_code == 401:  # the token was withdrawn before its time
            self._token = ""
            answer = self._send(method, path, body)
        if answer.is_success:
            return answer.json() if answer.content else {}
        raise _error(answer)

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._access()}"}
        try:
            return self._client.request(method, self._api + path, json=body, headers=headers)
        except httpx.TimeoutException:
            raise ToolError("Zoom did not answer in time; see there whether it was done") from None
        except httpx.HTTPError as error:
            raise ToolError(f"Zoom cannot be reached ({error}); nothing was done") from error

    def _access(self) -> str:
        """A token that still holds for a while."""
        if self._token and time.monotonic() < self._ends:
            return self._token
        own = self._credentials
        try:
            answer = self._client.post(
                self._tokens,
                data={"grant_type": "account_credentials", "account_id": own.account_id},
                auth=(own.client_id, own.client_secret),
            )
        except httpx.HTTPError as error:
            raise ToolError(f"Zoom cannot be reached ({error}); nothing was done") from error
        if not answer.is_success:
            raise ToolError(
                f"Zoom does not accept the credentials ({answer.status_code}: {_reason(answer)}); "
                "compare them with the app's page in Zoom's marketplace, and see that it is active"
            )
        given = answer.json()
        self._token = str(given["access_token"])
        self._ends = time.monotonic() + float(given["expires_in"]) - _EARLY
        return self._token


def _error(answer: httpx.Response) -> ToolError:
    reason = _reason(answer)
    match answer.status_code:
        case 401 | 403:
            return ToolError(
                f"Zoom refuses ({reason}); see that the app is active and has the scopes "
                "meeting:write:meeting:admin and meeting:delete:meeting:admin"
            )
        case 404:
            return NotFoundError(f"Zoom: {reason}; it is not there any more")
        case 429:
            return ToolError(f"Zoom: too many requests ({reason}); try again later")
    return ToolError(f"Zoom: {reason} ({answer.status_code})")


def _reason(answer: httpx.Response) -> str:
    try:
        said = answer.json()
        return str(said.get("message") or said.get("reason") or said.get("error") or "no reason")
    except (ValueError, AttributeError):
        return "no reason given"
