"""What browsers refuse, what is too large, what never stands in a log, where nobody is sent: docs/security.md."""

import ast
import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from accounts.second_factor import code_now
from instainstru.security import STRIPE, content_security_policy
from sandbox_mode import people
from tests.admin.conftest import browser_of
from tests.docs.tables import DOCS, table
from tests.support.environment import BASE_DIR
from tests.tooling import known_holes

from .conftest import client_of
from .talking import Api
from .test_accounts import log_in

LIVE = {
    "STRIPE_MODE": "live",
    "STRIPE_SECRET_KEY": "sk_live_" + "0123456789abcdefghijklmn",
    "STRIPE_PUBLISHABLE_KEY": "pk_live_" + "0123456789abcdefghijklmn",
    "SECRET_KEY": "kq8v2m7z1x9c4b6n3m5a8s7d6f5g4h3j2k1l0qwertyuiopzx73",
    "JWT_SECRET_KEY": "another-one-2m7z1x9c4b6n3m5a8s7d6f5g4h3j2k1l0qwerty",
    "ALLOWED_HOSTS": "lessons.example",
    "SITE_URL": "https://lessons.example",
    "EMAIL_URL": "smtp://who:what@localhost:25",
}


def live(*words: str, home: Path, **other: str) -> subprocess.CompletedProcess[str]:
    """manage.py in live mode, with nothing of this environment but the path."""
    environment = {"PATH": os.environ["PATH"], "INSTAINSTRU_HOME": str(home), **LIVE, **other}
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_live_mode_is_clean_in_the_eyes_of_django(tmp_path: Path) -> None:
    done = live("check", "--deploy", "--fail-level", "WARNING", home=tmp_path)
    assert (done.returncode, "no issues" in done.stdout + done.stderr) == (0, True), done.stderr


@pytest.mark.parametrize("key", ["", "short", LIVE["SECRET_KEY"]])
def test_live_mode_needs_a_key_of_its_own_for_tokens(tmp_path: Path, key: str) -> None:
    done = live("check", home=tmp_path, JWT_SECRET_KEY=key)
    assert done.returncode == 1
    assert "JWT_SECRET_KEY must be a random one" in done.stderr


# --- What browsers are told ------------------------------------------------------------------------------------------
PAGES = ["/", "/account/login/", "/api/v1/docs/", "/sandbox/", "/admin/login/", "/admin/", "/api/v1/errors"]


def policy_of(answer: Any) -> dict[str, list[str]]:
    parts = [part.split() for part in answer.headers["Content-Security-Policy"].split(";")]
    return {part[0]: part[1:] for part in parts if part}


@pytest.mark.parametrize("path", PAGES)
def test_every_page_refuses_what_is_inline_and_foreign(database: None, path: str) -> None:
    boss = browser_of(User.objects.create_superuser("boss@example.com", "sandbox", first_name="Boss"))
    answer = (Client() if "login" in path else boss).get(path)
    assert answer.status_code == 200
    policy = policy_of(answer)
    allowed = {word for words in policy.values() for word in words}
    assert "'unsafe-inline'" not in allowed
    assert ("'unsafe-eval'" in allowed) == path.startswith("/admin")  # its menus; support/site.py says why
    assert policy["default-src"] == policy["frame-ancestors"] == policy["object-src"] == ["'none'"]
    stripe = [str(django_settings.STRIPE_API_BASE)]
    assert {word for word in allowed if not word.startswith("'") and word != "data:"} == set(stripe)

    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert "camera=()" in answer.headers["Permissions-Policy"]
    page = answer.content.decode()
    if "html" in answer.headers["Content-Type"]:
        assert not re.search(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>", page)
        assert not re.search(r"<style|\son\w+=\"|\sstyle=\"", page)
        assert not re.search(r"(?:src|href)=\"(?:https?:)?//(?!127\.0\.0\.1|localhost)[^\"]+\.(?:js|css)", page)


def test_outside_sandbox_mode_stripe_alone_is_let_in() -> None:
    policy = content_security_policy(None)
    assert policy["frame-src"] == list(STRIPE)
    assert policy["script-src"] == ["'self'", *STRIPE]


def test_the_api_documents_start_from_a_file_of_their_own(anybody: APIClient) -> None:
    page = anybody.get("/api/v1/docs/").content.decode()
    scripts = re.findall(r'<script src="([^"]+)"', page)
    assert len(scripts) == 3
    starter = anybody.get(f"/api/v1/docs/{scripts[-1].rpartition('/')[2]}" if "?" in scripts[-1] else scripts[-1])
    assert b"SwaggerUIBundle" in starter.content
    assert "javascript" in starter.headers["Content-Type"]


# --- What is too large -----------------------------------------------------------------------------------------------
def test_a_large_body_is_refused_before_it_is_read(anybody: APIClient, database: None) -> None:
    body = json.dumps({"email": "x" * django_settings.DATA_UPLOAD_MAX_MEMORY_SIZE, "password": "p"})
    answer = anybody.post("/api/v1/auth/token", body, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


# --- What is never written down --------------------------------------------------------------------------------------
@pytest.fixture
def log_lines() -> Iterator[list[str]]:
    """What the console would show, formatted as it is."""
    lines: list[str] = []
    root = logging.getLogger()
    formatter = root.handlers[0].formatter if root.handlers and root.handlers[0].formatter else None

    class Keeping(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append((formatter or logging.Formatter()).format(record))

    handler, level = Keeping(), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield lines
    root.removeHandler(handler)
    root.setLevel(level)


def test_no_secret_is_in_a_log_or_an_error_page(
    anybody: APIClient, student: User, log_lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = [
        "4242424242424242",
        "hunter2-secret",
        "s3cr3t-session",
        "sk_live_abcdefgh12345678",
        "pi_1_secret_xyz12345",
    ]
    door = Api(anybody)
    log_in(door, 401, password=secrets[1])
    tokens = log_in(door)
    headers = {"Authorization": f"Bearer {tokens['access']}x", "Cookie": f"sessionid={secrets[2]}"}
    anybody.get("/api/v1/auth/me", headers=headers)
    client_of(student).post(
        "/api/v1/payments/checkout",
        {"booking_id": secrets[0], "payment_method_id": secrets[0], "card": {"number": secrets[0]}, "x": secrets[3]},
    )

    def broken(*args: Any, **kwargs: Any) -> None:
        card_number, key, client_secret = secrets[0], secrets[3], secrets[4]
        raise RuntimeError(f"{key} {client_secret}") from ValueError(card_number[:0])

    monkeypatch.setattr("accounts.login.documents.Me", broken)
    crashed = client_of(student).get("/api/v1/auth/me", headers={"X-Card": secrets[0]})
    assert crashed.status_code == 500
    assert crashed.json()["code"] == "server_error"

    written = "\n".join(log_lines) + crashed.content.decode()
    assert "RuntimeError" in written
    for secret in [*secrets, tokens["access"], tokens["refresh"]]:
        assert secret not in written


# --- Where nobody is sent, and what we never fetch -------------------------------------------------------------------
@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/",
        "https://127.0.0.1.evil.example/",
        "http://{host}@evil.example/",
        "http://evil.example\\@{host}/",
        "javascript:alert(1)",
        "//evil.example/",
    ],
)
def test_onboarding_comes_back_to_this_site_only(instructor: User, url: str) -> None:
    url = url.replace("{host}", django_settings.SITE_URL.partition("://")[2])
    problem = Api(client_of(instructor)).post("payments/connect/onboard", 400, return_url=url)
    assert list(problem["errors"]) == ["return_url"]


def test_only_known_files_can_fetch_an_address() -> None:
    """Nobody can make the server fetch an address of theirs: what fetches at all is listed, and takes ours."""
    fetching = {"httpx", "requests", "urllib.request", "http.client", "urllib3", "aiohttp", "socket"}
    found = set()
    for room in ("accounts", "bookings", "catalog", "common", "credits", "payments", "support", "instainstru"):
        for path in (BASE_DIR / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
                if fetching & set(names):
                    found.add(str(path.relative_to(BASE_DIR)).partition("/run/")[0])
    assert found <= {"payments/gateway.py", "instainstru", "instainstru/health.py", "instainstru/heartbeat.py"}


# --- The admin -------------------------------------------------------------------------------------------------------
def test_the_admin_asks_support_for_the_second_factor(database: None) -> None:
    boss = User.objects.create_superuser("boss@example.com", "sandbox", first_name="Boss")
    browser = Client()
    login = {"username": boss.email, "password": "sandbox", "next": "/admin/"}
    page = browser.post("/admin/login/", login, follow=True)
    assert page.request["PATH_INFO"] == "/admin/second-factor/"
    secret = re.search(r"<code>([A-Z2-7]{32})</code>", page.content.decode())
    assert secret
    assert b"authenticator app" in page.content
    for inside in ("/admin/", "/admin/accounts/user/", f"/admin/accounts/user/{boss.pk}/change/"):
        assert browser.get(inside).status_code == 302

    assert b"not the code" in browser.post("/admin/second-factor/", {"code": "000000x"}).content
    shown = browser.post("/admin/second-factor/", {"code": code_now(secret[1])}).content.decode()
    codes = re.findall(r"<code>(\d{8})</code>", shown)
    assert len(codes) == 10
    assert browser.get("/admin/").status_code == 200

    other = Client()
    assert b"recovery code" in other.post("/admin/login/", login, follow=True).content
    assert other.get("/admin/accounts/user/").status_code == 302
    assert other.post("/admin/second-factor/", {"code": codes[0]}).status_code == 302
    assert other.get("/admin/accounts/user/").status_code == 200


def test_the_admin_is_not_guessed_into(database: None, one_window: None) -> None:
    boss = User.objects.create_superuser("boss@example.com", "sandbox", first_name="Boss")
    browser = Client()
    for _ in range(10):
        browser.post("/admin/login/", {"username": boss.email, "password": "wrong"})
    locked = browser.post("/admin/login/", {"username": boss.email, "password": "sandbox"})
    assert b"Too many failures" in locked.content
    assert browser.get("/admin/second-factor/").status_code == 302


def test_support_without_power_over_money_needs_no_code(database: None) -> None:
    clerk = User.objects.create_user("clerk@example.com", "sandbox", first_name="C", role="staff", is_staff=True)
    browser = Client()
    browser.post("/admin/login/", {"username": clerk.email, "password": "sandbox"})
    assert browser.get("/admin/").status_code == 200


def test_demo_support_has_the_app_that_everybody_knows() -> None:
    assert re.fullmatch(r"[A-Z2-7]{32}", people.TOTP_SECRET)
    assert re.fullmatch(r"\d{6}", code_now(people.TOTP_SECRET))


# --- Libraries, and this page ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("printed", "status", "word"),
    [
        ("", 0, "cannot be reached"),
        ('{"dependencies": [{"name": "a", "skip_reason": "not found"}]}', 0, "nothing was looked up"),
        ('{"dependencies": [{"name": "a", "version": "1", "vulns": []}]}', 0, "none in 1"),
        ('{"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "CVE-1"}]}]}', 1, "a 1: CVE-1"),
    ],
)
def test_known_holes_fail_the_check_and_a_missing_network_does_not(printed: str, status: int, word: str) -> None:
    done = known_holes.verdict(lambda _: subprocess.CompletedProcess([], 1, printed, ""))
    assert done[0] == status
    assert word in done[1]


def test_every_defence_named_in_the_document_is_a_test_that_exists() -> None:
    named = {
        name
        for row in table(DOCS / "security.md", "threats")
        for name in re.findall(r"`([\w/]+\.py)::(\w+)`", row["Shown by"])
    }
    assert len(named) > 20
    for path, test in sorted(named):
        assert f"def {test}(" in (BASE_DIR / "tests" / path).read_text(encoding="utf-8"), (path, test)
    assert all(re.search(r"`[\w/]+\.py::\w+`", row["Shown by"]) for row in table(DOCS / "security.md", "threats"))
