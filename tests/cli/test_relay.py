"""The program ccmux-relay: its words, its options, its end."""

from __future__ import annotations

import http.client
import json
import os
import signal
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from ccmux import __version__
from ccmux.cli import relay
from ccmux.cli.relay import main
from tests.test_end_signals import HEARS

PROGRAM = str(Path(sys.executable).with_name("ccmux-relay"))


@contextmanager
def running(environment: Mapping[str, str], *argv: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run the program on a free port; gives it and the port."""
    environment = {"HOME": "/nowhere", "PATH": os.environ["PATH"], **environment}
    started = subprocess.Popen(
        [*HEARS, PROGRAM, "--port", "0", *argv], env=environment, stderr=subprocess.PIPE, text=True
    )
    try:
        assert started.stderr is not None
        yield started, json.loads(started.stderr.readline())["port"]
    finally:
        started.kill()
        started.wait()
        if started.stderr is not None:
            started.stderr.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_serves_until_it_is_told_to_end_and_that_is_no_failure(number: signal.Signals) -> None:
    with running({"CC_LIVE_API_KEY": "sixteen-letters!"}) as (program, port):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=20) as answer:
            assert json.load(answer) == {"ok": True}
        program.send_signal(number)
        assert program.wait(timeout=20) == 0
        assert program.stderr is not None
        lines = [json.loads(line) for line in program.stderr]
        assert [line["event"] for line in lines] == ["relay ends"]


def test_the_key_stands_in_a_file_that_is_ours_alone(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    key = tmp_path / "live_api_key"
    key.write_text("the-key\n")
    key.chmod(0o600)
    with running({"CCMUX_SECRETS_DIR": str(tmp_path)}) as (_, port):
        for given, status in (("the-key", 200), ("other", 401)):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            connection.request("POST", "/api/live/stop", headers={"Authorization": f"Bearer {given}"})
            assert connection.getresponse().status == status
            connection.close()


def test_a_key_that_can_be_guessed_is_said_and_not_shown() -> None:
    with running({"CC_LIVE_API_KEY": "fifteen-letters"}) as (program, _):
        assert program.stderr is not None
        says = program.stderr.readline()
        assert json.loads(says)["level"] == "warning"
        assert "so short that it can be guessed" in says
        assert "ccmux-relay --help says how" in says
        assert "fifteen-letters" not in says


def failure(capsys: pytest.CaptureFixture[str], environment: Mapping[str, str], *argv: str) -> str:
    assert main(argv, environment) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("ccmux-relay: ")
    assert err.count("\n") == 1
    return err


def test_without_a_key_it_does_not_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    environment = {"CCMUX_SECRETS_DIR": str(tmp_path)}
    says = failure(capsys, environment)
    assert f"CC_LIVE_API_KEY is not set and there is no {tmp_path}/live_api_key; make one" in says
    for key in (" ", "two words", "schlüssel", "a\tb"):
        assert "what stands in CC_LIVE_API_KEY is no key" in failure(
            capsys, environment | {"CC_LIVE_API_KEY": key}
        )


def test_a_key_that_others_can_read_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tmp_path.chmod(0o700)
    key = tmp_path / "live_api_key"
    key.write_text("the-key")
    key.chmod(0o644)
    says = failure(capsys, {"CCMUX_SECRETS_DIR": str(tmp_path)})
    assert f"others can read or change it; close it: chmod 600 {key}" in says
    assert stat.S_IMODE(key.stat().st_mode) == 0o644
    assert "the-key" not in says
    key.unlink()
    key.symlink_to(tmp_path / "elsewhere")
    assert "cannot be read" in failure(capsys, {"CCMUX_SECRETS_DIR": str(tmp_path)})


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["--port", "65536"], "--port: must be a whole number from 0 to 65535, it is '65536'"),
        (["--viewers", "0"], "--viewers: must be a whole number from 1"),
        (["--viewers", "²"], "--viewers: must be a whole number from 1"),
        (["--origins", "blog.example.com"], "--origins: 'blog.example.com' is no origin like https://"),
        (["--proxies", "nginx"], "--proxies: 'nginx' does not appear to be an IPv4 or IPv6 network"),
        (["--certfile", "x"], "--certfile and --keyfile go together"),
        (["--unknown"], "unrecognized arguments: --unknown"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(
    argv: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv, {"CC_LIVE_API_KEY": "k"}) == 2
    assert says in capsys.readouterr().err


def test_variables_stand_for_options_and_options_go_before_them(capsys: pytest.CaptureFixture[str]) -> None:
    environment = {
        "CCMUX_RELAY_HOST": "::",
        "CCMUX_RELAY_PORT": "81",
        "CCMUX_RELAY_ORIGINS": "https://a.example, https://b.example",
        "CCMUX_RELAY_PROXIES": "127.0.0.1 10.0.0.0/8",
        "CCMUX_RELAY_VIEWERS": "7",
        "CCMUX_RELAY_VIEWERS_PER_ADDRESS": "6",
        "CCMUX_RELAY_CERTFILE": "c",
        "CCMUX_RELAY_KEYFILE": "k",
    }
    options = relay._parser(environment).parse_args(["--port", "82"])
    assert (options.host, options.port, options.viewers, options.viewers_per_address) == ("::", 82, 7, 6)
    assert options.origins == {"https://a.example", "https://b.example"}
    assert [str(network) for network in options.proxies] == ["127.0.0.1/32", "10.0.0.0/8"]
    assert (options.certfile, options.keyfile) == ("c", "k")
    plain = relay._parser({}).parse_args([])
    assert (plain.host, plain.port, plain.origins, plain.proxies) == ("127.0.0.1", 8080, frozenset(), ())
    assert main([], {"CC_LIVE_API_KEY": "k", "CCMUX_RELAY_PORT": "x"}) == 2
    assert "--port" in capsys.readouterr().err


def test_it_says_what_it_is_and_how_it_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"], {}) == 0
    assert capsys.readouterr().out == f"ccmux-relay {__version__}\n"
    assert main(["--help"], {}) == 0
    told = capsys.readouterr().out
    assert "examples:\n  ccmux-relay " in told
