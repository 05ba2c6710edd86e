"""Who gets in to start programs, on a real socket; and the program's own words."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
from typing import Any

import pytest

from ccmux import __version__
from tests.overseer.client import Refused
from tests.overseer.stand import PROGRAM, OverseerStand


def refusal(overseer: OverseerStand, headers: dict[str, str], **more: Any) -> tuple[int, str]:
    with pytest.raises(Refused) as caught:
        overseer.client(headers=headers, **more)
    status, body = caught.value.args
    return status, body["error"]


def test_a_page_of_another_site_starts_nothing(overseer: OverseerStand) -> None:
    assert refusal(overseer, {"Origin": "http://evil.example"})[0] == 403


def test_a_page_whose_name_means_this_machine_starts_nothing(overseer: OverseerStand) -> None:
    host = f"evil.example:{overseer.port}"
    assert refusal(overseer, {"Host": host, "Origin": f"http://{host}"})[0] == 403


def test_a_page_of_this_machine_starts_nothing(overseer: OverseerStand) -> None:
    assert refusal(overseer, {"Origin": "http://localhost:3000"})[0] == 403


def test_a_wrong_token_opens_nothing(overseer: OverseerStand) -> None:
    assert refusal(overseer, {"Authorization": "Bearer wrong"})[0] == 401


def test_the_token_opens_under_any_name(overseer: OverseerStand) -> None:
    headers = {"Host": "box.example", "Authorization": f"Bearer {overseer.token}"}
    with overseer.client(headers=headers) as client:
        assert client.answer("list")["type"] == "tasks"


def test_a_library_that_sends_our_own_origin_gets_in(overseer: OverseerStand) -> None:
    with overseer.client(headers={"Origin": f"http://127.0.0.1:{overseer.port}"}) as client:
        assert client.answer("list")["type"] == "tasks"


def test_there_is_one_room(overseer: OverseerStand) -> None:
    assert refusal(overseer, {}, path="/other")[0] == 404


def get(port: int, path: str, **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_health_and_figures(overseer: OverseerStand) -> None:
    assert get(overseer.port, "/healthz") == (200, '{"ok":true}')
    status, text = get(overseer.port, "/metrics")
    assert status == 200
    assert "\nccmux_overseer_running " in text
    assert get(overseer.port, "/metrics", Host="evil.example")[0] == 403


def test_the_list_of_addresses_is_the_first_door(own: OverseerStand) -> None:
    own.environment["OVERSEER_TRUSTED_CIDRS"] = "10.0.0.0/8"
    own.start()
    status, says = refusal(own, {"Authorization": f"Bearer {own.token}"})
    assert status == 403
    assert "OVERSEER_TRUSTED_CIDRS" in says


def test_what_scripts_of_the_older_one_say_is_understood(own: OverseerStand) -> None:
    own.arguments = ("-command", "echo", "-db", "tasks.db")
    own.environment |= {"OVERSEER_LOG_FILE": "events", "OVERSEER_DB": "other.db"}
    own.start()
    with own.client() as client:
        client.ask("start", args=["pinned"])
        assert client.until("output")["data"] == "pinned"
        assert client.answer("start", command="sh")["message"] == 'command must be "echo" (pinned)'
    assert own.stop(signal.SIGINT) == 0
    names = {path.name for path in own.folder.iterdir()}
    assert {"tasks.db", "events", "secrets"} <= names
    assert "other.db" not in names


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *words],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("word", ["--help", "-help", "-h"])
def test_help(word: str) -> None:
    done = run(word)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: ccmux-overseer")


@pytest.mark.parametrize("word", ["--version", "-version"])
def test_version(word: str) -> None:
    assert run(word).stdout == f"ccmux-overseer {__version__}\n"


@pytest.mark.parametrize(
    ("words", "environment", "says"),
    [
        (("--port", "x"), {}, "must be a whole number from 0 to 65535"),
        ((), {"OVERSEER_PORT": "70000"}, "must be a whole number from 0 to 65535"),
        (("--trusted-cidrs", "home"), {}, "'home' is no address or network"),
        (("--dance",), {}, "unrecognized arguments"),
    ],
)
def test_usage(words: tuple[str, ...], environment: dict[str, str], says: str) -> None:
    done = run(*words, **environment)
    assert done.returncode == 2
    assert says in done.stderr


def test_a_port_that_is_taken_and_a_log_that_cannot_be_say_so(
    overseer: OverseerStand, own: OverseerStand
) -> None:
    taken = ("--port", str(overseer.port))
    nowhere = ("--port", "0", "--log-file", str(own.folder / "none" / "events"))
    another = "Address already in use; name another with --listen or --port (--port 0 is a free one)"
    for words, says in ((taken, another), (nowhere, "No such file or directory")):
        done = run("--db", str(own.folder / "db"), *words, CCMUX_SECRETS_DIR=str(own.folder / "secrets"))
        assert done.returncode == 1
        last = done.stderr.splitlines()[-1]
        assert last.startswith("ccmux-overseer: ")
        assert says in last
