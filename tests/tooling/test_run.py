"""`make run` from a person's side: it comes up, stops without a trace, survives being killed, and refuses clearly."""

import json
import os
import signal
import socket
import stat
from pathlib import Path

import httpx
import pytest

from tests.support.environment import DATABASE, url_of
from tests.tooling.running import Copy

MAKE_A_PERSON = "from django.contrib.auth import get_user_model as m; m().objects.create_user('kept@example.com', 'x')"
FIND_THE_PERSON = "from django.contrib.auth import get_user_model as m; m().objects.get(email='kept@example.com')"


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path / "home")


@pytest.mark.slow
def test_it_comes_up_stops_comes_back_with_its_data_and_survives_being_killed(copy: Copy) -> None:
    # It comes up, says where things are, and answers.
    with copy.running() as supervisor:
        said = copy.said()
        assert "embedded PostgreSQL" in said
        assert f"http://127.0.0.1:{copy.port}/" in said
        assert "student@example.com" in said
        ready = httpx.get(f"http://127.0.0.1:{copy.port}/healthz/ready", trust_env=False)
        assert (ready.status_code, ready.json()) == (200, {"status": "ok", "missing": []})
        assert httpx.get(f"http://127.0.0.1:{copy.port}/healthz/live", trust_env=False).status_code == 200
        # Another terminal finds the same database; a second run, and a reset, are refused.
        assert stat.S_IMODE((copy.home / "run.env").stat().st_mode) == 0o600
        shell = copy.command("manage.py", "shell", "-v0", "-c", MAKE_A_PERSON)
        assert shell.returncode == 0, shell.stderr
        assert f"it already runs here (pid {supervisor.pid}" in copy.refused()
        assert f"it already runs here (pid {supervisor.pid}" in copy.refused("reset")
        # TERM stops everything in order.
        supervisor.send_signal(signal.SIGTERM)
        assert supervisor.wait(60) == 0
    assert copy.processes() == []
    assert not (copy.home / "run.env").exists()

    # The next run has the data; killing its supervisor leaves nothing behind.
    with copy.running() as supervisor:
        shell = copy.command("manage.py", "shell", "-v0", "-c", FIND_THE_PERSON)
        assert shell.returncode == 0, shell.stderr
        supervisor.kill()
        copy.wait_until_gone()
    assert not (copy.home / "run.env").exists()

    # A reset starts over.
    reset = copy.command("-m", "instainstru.run", "reset")
    assert (reset.returncode, sorted(path.name for path in copy.home.iterdir())) == (0, ["run.lock"])


@pytest.mark.slow
def test_with_a_server_of_ones_own_no_other_is_started(database: None, copy: Copy) -> None:
    with copy.running(DATABASE_URL=url_of(DATABASE)):
        assert "at DATABASE_URL" in copy.said()
        assert httpx.get(f"http://127.0.0.1:{copy.port}/healthz/ready", trust_env=False).status_code == 200
        assert not (copy.home / "postgres").exists()
    assert copy.processes() == []


@pytest.mark.slow
def test_when_a_part_dies_the_others_stop_and_the_reason_is_shown(copy: Copy) -> None:
    with copy.running() as supervisor:
        os.kill(_pid_of(copy, "jobs"), signal.SIGKILL)
        assert supervisor.wait(60) == 1
    assert "jobs was killed by SIGKILL" in copy.said()
    assert f"{copy.home}/logs/jobs.log" in copy.said()
    assert copy.processes() == []


@pytest.mark.slow
def test_what_survived_even_the_guardian_is_cleared_at_the_next_start(copy: Copy) -> None:
    with copy.running() as supervisor:
        for pid in _pids_running("instainstru.run.guardian", copy):
            os.kill(pid, signal.SIGKILL)
        supervisor.kill()
        supervisor.wait(10)
    assert len(copy.processes()) > 3
    with copy.running():
        assert "Stopped what a killed run had left: web, jobs, stripe-sandbox, database." in copy.said()
        assert httpx.get(f"http://127.0.0.1:{copy.port}/healthz/ready", trust_env=False).status_code == 200
    assert copy.processes() == []


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"PORT": "eighty"}, "PORT must be a whole number from 1 to 65535, not 'eighty'."),
        ({"PORT": "0"}, "PORT must be from 1 to 65535, not 0."),
        ({"STRIPE_SANDBOX_PORT": "x"}, "STRIPE_SANDBOX_PORT must be a whole number"),
        ({"WEB_WORKERS": "1000"}, "WEB_WORKERS must be from 1 to 64, not 1000."),
        ({"DEBUG": "perhaps"}, "DEBUG must be 1 or 0, not 'perhaps'."),
        ({"STRIPE_MODE": "production"}, "STRIPE_MODE must be one of sandbox, test, live, not 'production'."),
        ({"STRIPE_MODE": "live"}, "STRIPE_MODE=live refuses to start: SECRET_KEY is the default"),
        ({"STRIPE_MODE": "test", "DEBUG": "1"}, "DEBUG is on: unset DEBUG."),
        ({"STRIPE_MODE": "test", "STRIPE_SECRET_KEY": "sk_live_x"}, "must be a real key starting with sk_test_"),
        ({"STRIPE_MODE": "test", "STRIPE_API_BASE": "http://127.0.0.1:1"}, "STRIPE_API_BASE is set"),
        ({"DATABASE_URL": "mysql://localhost/x"}, "DATABASE_URL must look like postgresql://"),
        ({"DATABASE_URL": "postgresql://localhost:54x/db"}, "DATABASE_URL cannot be read"),
        ({"DATABASE_URL": "postgresql://localhost"}, "DATABASE_URL names no database"),
        ({"BIND": "192.0.2.1"}, "BIND=192.0.2.1 is not an address of this machine."),
        ({"EMAIL_URL": "pigeon://coop"}, "EMAIL_URL must start with one of"),
        ({"SITE_URL": "example.com"}, "SITE_URL must look like https://host, not 'example.com'."),
        ({"REDIS_URL": "localhost"}, "REDIS_URL must look like redis://host, not 'localhost'."),
        ({"BOOKING_MUTEX": "redis"}, "BOOKING_MUTEX must be one of postgres, off, not 'redis'."),
        ({"LOG_LEVEL": "loud"}, "LOG_LEVEL must be one of"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(copy: Copy, settings: dict[str, str], reason: str) -> None:
    line = copy.refused(**settings)
    assert line.startswith("Not started: ")
    assert reason in line


def test_a_database_that_is_down_is_named(copy: Copy) -> None:
    nobody = "postgresql://somebody:secret@127.0.0.1:9/instainstru"
    line = copy.refused(DATABASE_URL=nobody, DATABASE_WAIT_SECONDS="0")
    assert "the database at DATABASE_URL does not answer" in line
    assert "secret" not in line


def test_a_port_in_use_is_named_with_a_way_out(copy: Copy) -> None:
    with socket.create_server(("127.0.0.1", copy.port)):
        assert f"PORT {copy.port} is in use by another program. Choose another: make run PORT=" in copy.refused()
    with socket.create_server(("127.0.0.1", copy.port + 1)):
        assert f"STRIPE_SANDBOX_PORT {copy.port + 1} is in use" in copy.refused()
    assert "PORT and STRIPE_SANDBOX_PORT must differ" in copy.refused(STRIPE_SANDBOX_PORT=str(copy.port))


def test_a_home_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert f"INSTAINSTRU_HOME={tmp_path}/file cannot be used" in Copy(tmp_path / "file").refused()


def _pid_of(copy: Copy, part: str) -> int:
    entries = json.loads((copy.home / "run.pids").read_text())
    return int(next(entry["pid"] for entry in entries if entry["name"] == part))


def _pids_running(module: str, copy: Copy) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if module.encode() in words and str(copy.home).encode() in words:
                found.append(int(entry.name))
    return found
