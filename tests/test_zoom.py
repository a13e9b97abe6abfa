"""Zoom, against a stand-in server that asks for what Zoom's documentation asks for."""

from __future__ import annotations

import json
import threading
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from keyring.backend import KeyringBackend

from tests.mac import Mac
from tinyagent.backends.base import Change
from tinyagent.backends.zoom import SERVICE, Credentials, ZoomAccount, credentials
from tinyagent.errors import NotFoundError, SettingsError, ToolError

OWN = Credentials("account", "client", "secret: é")
START = datetime(2026, 11, 30, 14, 5).astimezone()


class Zoom(ThreadingHTTPServer):
    """Gives tokens, makes and cancels meetings; ``fault`` answers every request with an error."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.meetings: dict[int, dict[str, Any]] = {}
        self.tokens = 0
        self.valid = ""
        self.fault: tuple[int, dict[str, Any]] | None = None


class Handler(BaseHTTPRequestHandler):
    server: Zoom

    def log_message(self, *arguments: object) -> None:
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/oauth/token":
            self.give_token(parse_qs(body.decode()))
        elif self.let_in():
            self.make(json.loads(body))

    def do_DELETE(self) -> None:
        number = int(self.path.rpartition("/")[2])
        if not self.let_in():
            return
        if self.server.meetings.pop(number, None) is None:
            self.say(404, {"code": 3001, "message": f"Meeting does not exist: {number}."})
        else:
            self.say(204, None)

    def give_token(self, form: dict[str, list[str]]) -> None:
        pair = f"{OWN.client_id}:{OWN.client_secret}".encode()
        basic = f"Basic {b64encode(pair).decode()}"
        right = form == {"grant_type": ["account_credentials"], "account_id": [OWN.account_id]}
        if self.headers["Authorization"] != basic or not right:
            self.say(400, {"reason": "Invalid client_id or client_secret", "error": "invalid"})
            return
        self.server.tokens += 1
        self.server.valid = f"token-{self.server.tokens}"
        token = {"access_token": self.server.valid, "token_type": "bearer", "expires_in": 3600}
        self.say(200, token)

    def let_in(self) -> bool:
        if self.server.fault is not None:
            self.say(*self.server.fault)
        elif self.headers["Authorization"] != f"Bearer {self.server.valid}":
            self.say(401, {"code": 124, "message": "Invalid access token."})
        else:
            return True
        return False

    def make(self, wanted: dict[str, Any]) -> None:
        at = datetime.strptime(wanted["start_time"], "%Y-%m-%dT%H:%M:%SZ")
        assert self.path == "/v2/users/me/meetings"
        assert self.headers["Content-Type"] == "application/json"
        assert len(wanted["topic"]) <= 200
        assert wanted["type"] == 2
        number = 85000000000 + len(self.server.meetings)
        self.server.meetings[number] = wanted | {"at": at}
        self.say(201, {"id": number, "join_url": f"https://zoom.example/j/{number}?pwd=x"})

    def say(self, status: int, body: object) -> None:
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def zoom() -> Iterator[Zoom]:
    server = Zoom()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def account(zoom: Zoom, own: Credentials = OWN, **options: Any) -> ZoomAccount:
    place = f"http://127.0.0.1:{zoom.server_port}"
    return ZoomAccount(own, tokens=f"{place}/oauth/token", api=f"{place}/v2", **options)


def test_a_meeting_is_made_and_cancelled(zoom: Zoom) -> None:
    own = account(zoom)
    made = own.create('Sync " & <b> 家' * 40, START, 45, ["a@b.c", "d@e.f"])
    (meeting,) = zoom.meetings.values()
    assert made.url == f"https://zoom.example/j/{made.id}?pwd=x"
    assert meeting["topic"].startswith('Sync " & <b> 家')
    assert meeting["duration"] == 45
    assert meeting["at"].replace(tzinfo=UTC) == START
    assert meeting["settings"] == {"meeting_invitees": [{"email": "a@b.c"}, {"email": "d@e.f"}]}
    own.delete(made.id)
    assert zoom.meetings == {}
    with pytest.raises(NotFoundError, match="does not exist"):
        own.delete(made.id)
    assert zoom.tokens == 1


def test_a_token_that_was_withdrawn_is_asked_for_again(zoom: Zoom) -> None:
    own = account(zoom)
    own.create("One", START, 30, [])
    zoom.valid = "withdrawn"
    own.create("Two", START, 30, [])
    assert len(zoom.meetings) == 2
    assert zoom.tokens == 2


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ((400, {"code": 300, "message": "Invalid field."}), r"Zoom: Invalid field. \(400\)"),
        ((401, {"code": 124, "message": "Invalid access token."}), "see that the app is active"),
        ((403, {"message": "No scopes."}), "No scopes.*scopes meeting:write"),
        ((429, {"message": "Too many."}), "try again later"),
        ((500, None), "no reason given"),
        ((201, {"id": 1}), "its answer has no 'join_url'"),
    ],
)
def test_a_refusal_says_what_to_do(
    zoom: Zoom, fault: tuple[int, dict[str, Any]], said: str
) -> None:
    zoom.fault = fault
    with pytest.raises(ToolError, match=said):
        account(zoom).create("Sync", START, 30, [])


def test_wrong_credentials_and_no_network_are_told(zoom: Zoom) -> None:
    wrong = Credentials("account", "client", "wrong")
    with pytest.raises(ToolError, match="does not accept the credentials .400: Invalid client_id"):
        account(zoom, wrong).create("Sync", START, 30, [])
    assert "wrong" not in repr(wrong)
    nowhere = ZoomAccount(OWN, tokens="http://127.0.0.1:9/x")
    with pytest.raises(ToolError, match="cannot be reached .*nothing was done"):
        nowhere.create("Sync", START, 30, [])


def test_no_answer_in_time_may_have_been_done(zoom: Zoom) -> None:
    def slow(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/oauth/token":
            return httpx.Response(200, json={"access_token": "t", "expires_in": 3600})
        raise httpx.ReadTimeout("slow")

    client = httpx.Client(transport=httpx.MockTransport(slow))
    with pytest.raises(ToolError, match="see there whether it was done"):
        account(zoom, client=client).create("Sync", START, 30, [])


def test_credentials_come_from_the_environment_or_the_keychain(keychain: KeyringBackend) -> None:
    assert credentials({}) is None
    keychain.set_password(SERVICE, "account_id", "a")
    with pytest.raises(SettingsError, match="client_id and client_secret is missing in the k"):
        credentials({})
    keychain.set_password(SERVICE, "client_id", "b")
    keychain.set_password(SERVICE, "client_secret", "c")
    assert credentials({}) == Credentials("a", "b", "c")
    given = {"ZOOM_ACCOUNT_ID": "x", "ZOOM_CLIENT_ID": "y", "ZOOM_CLIENT_SECRET": "z"}
    assert credentials(given) == Credentials("x", "y", "z")


def test_the_mac_makes_meetings_in_the_account_and_takes_them_back(
    zoom: Zoom, tmp_path: Path
) -> None:
    backend = Mac(tmp_path).make(zoom=account(zoom), zoom_link="https://zoom.us/j/own")
    backend.require_meetings()
    made = backend.get_zoom_meeting_link("Sync", START, 30, ["a@b.c"])
    assert made == made.link
    assert made.changes == (Change("meeting", str(next(iter(zoom.meetings)))),)
    assert backend.undo(made.changes[0]) == "the Zoom meeting is cancelled"
    assert zoom.meetings == {}
