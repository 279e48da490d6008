"""The command line speaks to people: what was wrong, what was expected, what to do; never a traceback."""

import json
import os
import signal
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from gateway import up
from gateway.cli import commands, main
from gateway.cli.models import read_pair
from gateway.cli.terminal import told
from gateway.doctor import examine_data_dir, examine_keys, examine_pair, examine_port
from gateway.settings import Settings, load_settings
from gateway.supervisor import Supervisor
from gateway.tokens import TokenKeys
from gateway.up import Doors, greeting, hangup, loopback_for, public_base, qr_code, roles, why_not_bound
from tests.translator.test_packages import real_archive

pytestmark = pytest.mark.usefixtures("elsewhere")


class Said:
    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err
        assert "Traceback" not in err


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Any:
    def run_it(*arguments: str) -> Said:
        capsys.readouterr()
        try:
            main(list(arguments))
            status = 0
        except SystemExit as ended:
            status = int(ended.code or 0)
        captured = capsys.readouterr()
        return Said(status, captured.out, captured.err)

    return run_it


def test_help_lists_the_commands_and_version_is_one_line(run: Any) -> None:
    helped = run("--help")
    for command in ("up", "gateway", "translator", "token", "invite", "models", "doctor", "export", "welcome"):
        assert command in helped.out
    assert "openapi" not in helped.out
    assert run("--version").out.startswith("diqiucun ")


def test_ctrl_c_while_modules_are_loaded_is_an_end_without_a_traceback(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(arguments: list[str] | None) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "main", interrupted)
    assert run("up").status == 130


def test_a_server_goes_on_when_nobody_reads_its_words_any_more() -> None:
    """`make run 2>&1 | tee log`: Ctrl-C ends tee first, and then the server failed to say that it stops."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        told("stopping", stream)
        told("stopped", stream)


@pytest.mark.parametrize(("started_with", "heeded"), [(signal.SIG_DFL, (signal.SIGHUP,)), (signal.SIG_IGN, ())])
def test_nohup_is_heard(started_with: signal.Handlers, heeded: tuple[signal.Signals, ...]) -> None:
    """`nohup diqiucun up &` ended with the terminal all the same. However these tests were started themselves."""
    before = signal.signal(signal.SIGHUP, started_with)
    try:
        assert hangup() == heeded
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_full_disk_ends_nobody_who_still_works(tmp_path: Path) -> None:
    """A child's end was to be written into the run file, and everything ended with it."""
    said: list[str] = []
    idle = Supervisor([], say=lambda role, line: None, changed=lambda: None)
    settings = load_settings(data_dir=tmp_path / "gone")
    up._write_run_file(settings, 8080, idle, lambda role, line: said.append(line))
    assert "cannot be written" in said[0]


def test_an_unknown_command_is_wrong_usage(run: Any) -> None:
    said = run("dance")
    assert said.status == 2
    assert "dance" in said.err


@pytest.mark.parametrize("command", [("token", "ann"), ("invite",), ("export", "welcome"), ("import", "a", "b")])
def test_what_needs_a_village_says_that_there_is_none_and_makes_none(
    run: Any, tmp_path: Path, command: tuple[str, ...]
) -> None:
    said = run(*command)
    assert said.status == 1
    assert "There is no Diqiucun in" in said.err
    assert "DIQIUCUN_DATA_DIR" in said.err
    assert not (tmp_path / "data").exists()


def test_tokens_as_text_and_as_json(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "data" / "token-keys.json"
    keys = TokenKeys.open(path, "diqiucun", make=True)
    assert keys.verify(
        run("token", "ann", "--name", "安", "--room", "tea=moderator", "--room", "*").out.strip()
    ).grants == {
        "tea": "moderator",
        "*": "member",
    }
    minted = json.loads(run("token", "bot", "--admin", "--days", "1", "--json").out)
    assert keys.verify(minted["token"]).administrator
    assert abs(minted["expires_at_ms"] - (time.time() + 86_400) * 1000) < 60_000
    assert "'king' is no role" in run("token", "ann", "--room", "tea=king").err
    assert "would not be accepted" in run("token", "not an id").err


def test_a_wrong_setting_is_words_and_status_2(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIQIUCUN_PORT", "99999")
    said = run("up")
    assert said.status == 2
    assert "DIQIUCUN_PORT=99999 in the environment" in said.err


def test_a_broken_key_file_is_words(run: Any, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "token-keys.json").write_text("{}")
    said = run("token", "ann")
    assert said.status == 1
    assert "no JSON Web Key Set" in said.err


def test_packages_are_listed_and_those_that_are_not_there_are_named(run: Any) -> None:
    listed = json.loads(run("models", "list", "--json").out)
    assert {(row["from"], row["to"]) for row in listed} >= {("zh", "en"), ("en", "zh")}
    assert all(row["installed"] for row in listed)
    assert "is no pair of languages" in run("models", "install", "klingon").err
    assert "There is no file" in run("models", "install", "none.argosmodel").err
    removed = run("models", "remove", "nothing")
    assert (removed.status, "no package called" in removed.err) == (1, True)
    assert run("models", "check", "nothing").status == 1


def test_a_file_that_is_no_package_is_words(run: Any, tmp_path: Path) -> None:
    (tmp_path / "x.argosmodel").write_bytes(b"nothing")
    said = run("models", "install", "x.argosmodel")
    assert said.status == 1
    assert said.err


def test_without_a_network_the_answer_is_one_sentence_within_five_seconds(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIQIUCUN_PACKAGE_INDEX_URL", "http://127.0.0.1:9/index.json")
    started_s = time.monotonic()
    said = run("models", "install", "zh-en")
    assert said.status == 1
    assert "cannot reach" in said.err
    assert time.monotonic() - started_s < 5


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("zh-en", ("zh", "en")),
        ("en_zh", ("en", "zh")),
        ("en:zh-Hant", ("en", "zh-Hant")),
        ("en-zh-Hant", ("en", "zh-Hant")),
        ("translate-en_zt", ("en", "zh-Hant")),
        ("zh-CN:en-US", ("zh", "en")),
    ],
)
def test_pairs_are_written_in_many_ways(text: str, pair: tuple[str, str]) -> None:
    assert read_pair(text) == pair


# -- the doctor --------------------------------------------------------------------------------------------------------


@pytest.mark.engine
def test_the_doctor_examines_everything_and_leaves_nothing_behind(run: Any, tmp_path: Path) -> None:
    said = run("doctor", "--json")
    findings = {row["what"]: row for row in json.loads(said.out)}
    assert set(findings) >= {"Python", "Libraries", "Data", "Token keys", "Engine", "Port", "zh to en", "en to zh"}
    assert findings["Engine"]["state"] == "good"
    assert findings["zh to en"]["remedy"].startswith("`diqiucun models install zh-en`")
    assert not (tmp_path / "data").exists()
    assert "Python" in run("doctor").out


def test_a_finding_names_its_remedy(tmp_path: Path) -> None:
    assert examine_port("0.0.0.0", 80, None, by_us=False).state == "good"
    assert examine_port("0.0.0.0", 80, "taken", by_us=True).state == "good"
    taken = examine_port("0.0.0.0", 80, "Choose another.", by_us=False)
    assert (taken.state, taken.remedy) == ("lacking", "Choose another.")
    assert examine_pair("zh", "en", [("starter", True), ("translate-zh_en", False)]).state == "good"
    assert examine_pair("zh", "en", [("starter", True)]).state == "poor"
    assert examine_pair("zh", "en", []).state == "poor"
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert examine_data_dir(blocked / "data").state == "lacking"


def test_keys_that_others_can_read_are_pointed_out(tmp_path: Path) -> None:
    settings = load_settings()
    assert examine_keys(settings).state == "good"
    TokenKeys.open(settings.keys_path, "diqiucun", make=True)
    assert examine_keys(settings).state == "good"
    settings.keys_path.chmod(0o644)
    assert examine_keys(settings).state == "poor"
    settings.keys_path.write_text("no")
    assert examine_keys(settings).state == "lacking"
    assert examine_keys(load_settings(token_keys_file=tmp_path / "none")).state == "lacking"


# -- what `up` says and starts -----------------------------------------------------------------------------------------


def test_the_greeting_shows_where_to_go() -> None:
    settings = load_settings(public_url="https://chat.example.org/")
    text = greeting(settings, 8080, Doors("ABC", "TOKEN"), colours=False)
    assert "http://localhost:8080/" in text
    assert "https://chat.example.org/#/i/ABC" in text
    assert "https://chat.example.org/#/t/TOKEN" in text
    assert "\x1b" not in text


def test_where_nobody_watches_the_host_is_told_how_to_get_in_and_no_token_is_printed() -> None:
    text = greeting(load_settings(), 8080, Doors("ABC"), colours=False)
    assert "diqiucun token host --room welcome=moderator" in text


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", "http://localhost:80"),
        ("192.0.2.5", "http://192.0.2.5:80"),
        ("2001:db8::1", "http://[2001:db8::1]:80"),
    ],
)
def test_the_address_to_hand_out(host: str, expected: str) -> None:
    assert public_base(load_settings(host=host), 80) == expected


def test_where_this_machine_finds_its_own_server() -> None:
    assert [loopback_for(host) for host in ("0.0.0.0", "::", "::1", "192.0.2.5")] == [
        "127.0.0.1",
        "[::1]",
        "[::1]",
        "192.0.2.5",
    ]


def test_a_qr_code_is_black_on_white_on_any_terminal() -> None:
    plain, coloured = qr_code("http://x/#/i/ABC", colours=False), qr_code("http://x/#/i/ABC", colours=True)
    assert "█" in plain
    assert coloured.count("\x1b[0m") == plain.strip("\n").count("\n") + 1


def test_children_find_the_settings_of_the_command_line() -> None:
    settings = load_settings(workers=3, translators=2, host="127.0.0.1", allowed_origins=("https://a.example",))
    started = roles(settings, 1234)
    assert [role.name for role in started] == [
        *("gateway-1", "gateway-2", "gateway-3", "translator-1", "translator-2"),
        *("archiver-1", "hooks-1", "greeter-1"),
    ]
    assert [role.name for role in started if not role.vital] == ["hooks-1", "greeter-1"]
    assert "greeter-1" not in [role.name for role in roles(load_settings(greeter=False), 1234)]
    environ = started[0].environ
    assert environ["DIQIUCUN_PORT"] == "1234"
    assert environ["DIQIUCUN_HOST"] == "127.0.0.1"
    assert environ["DIQIUCUN_ALLOWED_ORIGINS"] == "https://a.example"
    assert environ["DIQIUCUN_DATA_DIR"] == str(settings.data_dir)


def test_settings_of_children_are_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {"workers": 3, "trusted_proxies": ("10.0.0.0/8",), "public_url": "https://x.example"}
    settings = load_settings(**given)
    for name, value in roles(settings, 1234)[0].environ.items():
        if name.startswith("DIQIUCUN_"):
            monkeypatch.setenv(name, value)
    child = Settings()
    assert child.model_dump(exclude={"port", "log_format"}) == settings.model_dump(exclude={"port", "log_format"})


def test_why_a_port_cannot_be_had() -> None:
    import errno
    import socket

    assert "DIQIUCUN_PORT=8081" in why_not_bound("0.0.0.0", 8080, OSError(errno.EADDRINUSE, "in use"))
    assert "above 1023" in why_not_bound("0.0.0.0", 80, OSError(errno.EACCES, "no"))
    assert "DIQIUCUN_HOST" in why_not_bound("nowhere", 80, socket.gaierror(-2, "unknown"))


def test_a_package_is_taken_from_the_index_checked_and_removed(
    run: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The newest of the pair, from an index on this machine; the package is the starter's model in Argos's clothes."""
    offers = [
        {"type": "translate", "from_code": "en", "to_code": "zh", "package_version": version, "code": "translate-en_zh"}
        for version in ("1.9", "1.10", "1.1")
    ]
    files = real_archive(tmp_path / "whole.argosmodel").read_bytes()

    class Index(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            here = f"http://127.0.0.1:{self.server.server_address[1]}"
            links = [{**offer, "links": [f"{here}/{offer['package_version']}"]} for offer in offers]
            body = json.dumps(links).encode() if self.path == "/index.json" else files
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            pass

    asked: list[str] = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Index) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("DIQIUCUN_PACKAGE_INDEX_URL", f"http://127.0.0.1:{server.server_address[1]}/index.json")
        monkeypatch.setenv("NO_PROXY", "*")
        assert run("models", "install", "en-ja").err.startswith("The index has no package from en to ja")
        installed = run("models", "install", "en-zh")
        listed = run("models", "list", "--available", "--json")
        server.shutdown()
    assert installed.status == 0, installed.err
    assert "/1.10" in asked
    assert not {"/1.9", "/1.1"} & set(asked)
    rows = json.loads(listed.out)
    (name,) = [row["name"] for row in rows if row["installed"] and not row["name"].startswith("starter")]
    assert [row["version"] for row in rows if not row["installed"]] == ["1.9", "1.10", "1.1"]
    checked = run("models", "check", name)
    assert checked.status == 0
    assert "sentences a second" in checked.out
    assert run("models", "remove", name).out == f"removed {name}\n"
