"""`diqiucun up`, as a person starts it: real processes, the real engine, the real port."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.tokens import TokenKeys

pytestmark = [pytest.mark.system, pytest.mark.engine, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0


def environ(data_dir: Path, **settings: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("DIQIUCUN_")}
    small = {"translators": "0", "greeter": "false", "webhooks": "false"}
    own = {"data_dir": str(data_dir), "port": "0", "host": "127.0.0.1", **small, **settings}
    return {**clean, "PYTHONPATH": str(ROOT), **{f"DIQIUCUN_{name.upper()}": value for name, value in own.items()}}


def run(data_dir: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gateway", *arguments],
        env=environ(data_dir, **settings),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def until(condition: Callable[[], Any], what: str) -> Any:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited in vain for {what}")


class Village:
    """A running `up`."""

    def __init__(self, data_dir: Path, **settings: str) -> None:
        self.data_dir = data_dir
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gateway", "up"],
            env=environ(data_dir, **settings),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as stdout:
            for line in stdout:
                self.lines.append(line.rstrip("\n"))

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    @property
    def running(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.data_dir / "run.json").read_text())
        return found

    @property
    def pids(self) -> list[int]:
        running = self.running
        return [running["supervisor"], running["engine"], *running["gateways"], *running["translators"]]

    def wait_ready(self) -> "Village":
        until(lambda: "Stop with Ctrl-C" in self.output or self.process.poll() is not None, "the greeting")
        assert self.process.poll() is None, self.output
        return self

    def stop(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        status = self.process.wait(PATIENCE_S)
        self._reader.join(5)
        return status

    def ask(self, path: str, body: Any = None, token: str | None = None) -> Any:
        headers = {"content-type": "application/json"} if body is not None else {}
        if token:
            headers["authorization"] = f"Bearer {token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.running['port']}{path}", data, headers)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=10) as response:
            content = response.read()
        return json.loads(content) if response.headers["content-type"] == "application/json" else content

    def ready(self) -> bool:
        try:
            return bool(self.ask("/readyz") == {"status": "ready"})
        except (OSError, ValueError):
            return False

    @property
    def invite(self) -> str:
        found = re.search(r"Invitation\s+(\S+)/#/i/(\S+)", self.output)
        assert found, self.output
        return found.group(2)


def is_gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state == "Z"


@contextmanager
def village(data_dir: Path, **settings: str) -> Iterator[Village]:
    started = Village(data_dir, **settings)
    try:
        yield started.wait_ready()
    finally:
        if started.process.poll() is None:
            started.stop(signal.SIGTERM)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


def test_from_nothing_to_a_guest_in_a_room_and_back_to_nothing_running(data_dir: Path) -> None:
    with village(data_dir, translators="1") as first:
        running = first.running
        assert (len(running["gateways"]), len(running["translators"])) == (2, 1)
        assert re.search(r"On this machine\s+http://localhost:\d+/", first.output)
        assert "█" in first.output
        shown = first.ask(f"/api/v1/invites/{first.invite}")
        assert (shown["room"], shown["title"]) == ("welcome", "地球村 · Global Village")
        guest = first.ask("/api/v1/enter", {"invite": first.invite, "name": "小明", "languages": ["zh"]})
        said = first.ask("/api/v1/rooms/welcome/messages", {"text": "你好"}, guest["token"])
        assert said["position"][1] >= 2
        assert b"<!doctype html>" in first.ask("/").lower()
        for secret in ("token-keys.json", "welcome-invite", "run.json"):
            assert (data_dir / secret).stat().st_mode & 0o077 == 0
        pids, code = first.pids, first.invite
        asked_s = time.monotonic()
        assert first.stop(signal.SIGINT) == 0
        assert time.monotonic() - asked_s < 15
    assert all(is_gone(pid) for pid in pids)
    assert not (data_dir / "run.json").exists()
    assert guest["token"] not in first.output
    assert "Traceback" not in first.output

    with village(data_dir) as second:
        assert second.invite == code
        again = second.ask("/api/v1/enter", {"invite": code, "name": "x", "token": guest["token"]})
        assert (again["user"], again["name"]) == (guest["user"], "小明")
        page = second.ask("/api/v1/rooms/welcome/messages", token=again["token"])
        posted = [each["event"] for each in page["entries"] if each["event"]["type"] == "posted"]
        assert [each["text"] for each in posted if each["author"] != "house"] == ["你好"]
    exported = run(data_dir, "export", "welcome")
    assert exported.returncode == 0, exported.stderr
    assert [json.loads(line)["type"] for line in exported.stdout.splitlines()][-2:] == ["message", "end"]
    run(data_dir, "engine", "--stop")


def test_what_is_killed_comes_back_and_is_in_the_run_file(data_dir: Path) -> None:
    with village(data_dir) as here:
        before = here.running
        os.kill(before["gateways"][0], signal.SIGKILL)
        until(
            lambda: len(here.running["gateways"]) == 2 and before["gateways"][0] not in here.running["gateways"],
            "a new gateway",
        )
        os.kill(before["engine"], signal.SIGKILL)
        until(lambda: here.running["engine"] not in (None, before["engine"]), "a new engine")
        until(here.ready, "being ready again")
        assert here.ask(f"/api/v1/invites/{here.invite}")["room"] == "welcome"
        pids = here.pids
    assert all(is_gone(pid) for pid in pids)


def test_nobody_outlives_a_supervisor_that_was_killed_and_the_next_start_is_clean(data_dir: Path) -> None:
    with village(data_dir) as here:
        running = here.running
        here.stop(signal.SIGKILL)
        until(lambda: all(is_gone(pid) for pid in running["gateways"]), "the gateways' end")
    with village(data_dir) as again:
        assert again.ready()
        pids = again.pids
    assert all(is_gone(pid) for pid in pids)


def test_a_second_start_on_the_same_data_says_so(data_dir: Path) -> None:
    with village(data_dir) as here:
        second = run(data_dir, "up")
        assert second.returncode == 1
        assert "runs already" in second.stderr
        assert here.ready()


@pytest.mark.parametrize("command", ["up", "gateway"])
def test_a_taken_port_is_named_with_the_setting_to_change(data_dir: Path, command: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        failed = run(data_dir, command, port=str(port))
    assert failed.returncode == 1
    assert f"Port {port} is taken" in failed.stderr
    assert "DIQIUCUN_PORT=" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_a_token_from_the_command_line_opens_the_api(data_dir: Path) -> None:
    with village(data_dir, workers="1") as here:
        minted = run(data_dir, "token", "backend", "--admin", "--json")
        token = json.loads(minted.stdout)["token"]
        assert TokenKeys.open(data_dir / "token-keys.json", "diqiucun").verify(token).administrator
        made = here.ask("/api/v1/rooms", {"room": "tea", "title": "茶"}, token)
        assert made["room"] == "tea"
        invited = json.loads(run(data_dir, "invite", "tea", "--json").stdout)
        assert here.ask(f"/api/v1/invites/{invited['code']}")["title"] == "茶"


def test_a_gateway_whose_redis_is_away_says_that_it_is_not_ready(data_dir: Path) -> None:
    """It starts (Redis may come later), is alive, and not ready."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway", "gateway"],
        env=environ(data_dir, port=str(port), redis_url="redis://127.0.0.1:1/0"),
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def status(path: str) -> int:
        try:
            with opener.open(f"http://127.0.0.1:{port}{path}", timeout=5) as response:
                return int(response.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code
        except OSError:
            return 0

    try:
        until(lambda: status("/healthz") == 200, "life")
        assert status("/readyz") == 503
    finally:
        process.terminate()
        _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    assert "Traceback" not in said
