"""The guards of the page's server: whom it answers."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from tinyagent.errors import SettingsError
from ui.server import guards, require_password, workspace_file

PASSWORD = "correct horse: bättery"


def serving(host: str = "127.0.0.1", password: str = "") -> TestClient:
    def hello(request: Request) -> Response:
        return PlainTextResponse("hello")

    app = Starlette(routes=[Route("/", hello)], middleware=guards(host, password))
    return TestClient(app, base_url=f"http://{host}:7860")


def basic(password: str, user: str = "me") -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"}


def test_it_answers_to_its_own_name_and_its_own_pages_only() -> None:
    own = serving()
    assert own.get("/").status_code == 200
    assert own.get("/", headers={"Origin": "http://127.0.0.1:7860"}).status_code == 200
    assert own.get("/", headers={"Host": "evil.example"}).status_code == 400
    for origin in ("http://evil.example", "http://127.0.0.1:1", "https://127.0.0.1:7860", "null"):
        assert own.get("/", headers={"Origin": origin}).status_code == 403


def test_at_another_address_it_asks_for_the_password() -> None:
    shared = serving("192.168.1.5", PASSWORD)
    asked = shared.get("/")
    assert asked.status_code == 401
    assert asked.headers["WWW-Authenticate"].startswith("Basic")
    assert shared.get("/", headers=basic(PASSWORD)).status_code == 200
    for wrong in (basic("guess"), basic(""), basic(PASSWORD[:-1]), {"Authorization": "Basic x"}):
        assert shared.get("/", headers=wrong).status_code == 401
    digest = basic(PASSWORD)["Authorization"].replace("Basic", "Digest")
    assert shared.get("/", headers={"Authorization": digest}).status_code == 401
    for host in ("evil.example", "127.0.0.1"):
        assert shared.get("/", headers=basic(PASSWORD) | {"Host": host}).status_code == 400


@pytest.mark.parametrize(
    ("host", "password", "said"),
    [
        ("192.168.1.5", "", "set .TINYAGENT_PASSWORD to a password of at least 12"),
        ("192.168.1.5", "short", "at least 12 characters"),
        ("0.0.0.0", PASSWORD, "give the one address"),
    ],
)
def test_other_computers_are_let_in_with_a_password_only(
    host: str, password: str, said: str
) -> None:
    with pytest.raises(SettingsError, match=said):
        require_password(host, password)
    require_password("127.0.0.1", "")
    require_password("192.168.1.5", PASSWORD)


def test_files_of_the_workspace_are_read_as_text_and_no_others_are(tmp_path: Path) -> None:
    root, outside = tmp_path / "workspace", tmp_path / "secret.txt"
    (root / "notes").mkdir(parents=True)
    (root / ".hidden").mkdir()
    outside.write_text("secret")
    (root / ".hidden" / "a.txt").write_text("secret")
    (root / "notes" / "link.txt").symlink_to(outside)
    (root / "notes" / "page.html").write_text("<script>alert(1)</script>")
    shown = workspace_file(root, "notes/page.html")
    assert shown.status_code == 200
    assert shown.headers["content-type"].startswith("text/plain")
    assert "sandbox" in shown.headers["content-security-policy"]
    for path in ("../secret.txt", str(outside), ".hidden/a.txt", "notes/link.txt", "notes", "\0"):
        assert workspace_file(root, path).status_code == 404, path
