"""`ccmux tasks` against a real overseer, and where there is none."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import pytest

from ccmux.cli.tasks import told
from ccmux.core.overseer.events import rfc3339
from tests.cli.conftest import Project
from tests.overseer.stand import OverseerStand


@pytest.fixture(scope="module")
def overseer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OverseerStand]:
    with OverseerStand(tmp_path_factory.mktemp("overseer")) as stand:
        yield stand


class Tasks:
    def __init__(self, project: Project, overseer: OverseerStand) -> None:
        self._project = project
        self.url = f"ws://127.0.0.1:{overseer.port}/ws"
        self._secrets = {"CCMUX_SECRETS_DIR": str(overseer.folder / "secrets")}

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self._project.run("tasks", "--url", self.url, *words, env=self._secrets)


@pytest.fixture
def tasks(project: Project, overseer: OverseerStand) -> Tasks:
    return Tasks(project, overseer)


def test_a_task_is_started_listed_stopped_and_started_again(tasks: Tasks) -> None:
    assert tasks.run("start", "s", "--", "sleep", "1000").stdout.startswith("s runs, pid ")
    listed = tasks.run()
    assert listed.returncode == 0
    [line] = [line for line in listed.stdout.splitlines() if line.startswith("s ")]
    assert line.split()[1] == "active"
    assert line.endswith(": sleep 1000")
    again = tasks.run("start", "s")
    says = f"s runs already; to start it anew: ccmux tasks --url {tasks.url} stop s, then start it"
    assert (again.returncode, again.stderr) == (1, f"ccmux: {says}\n")
    assert f"s was not given up; where it does not run: ccmux tasks --url {tasks.url} start s" in (
        tasks.run("reset", "s").stderr
    )
    assert tasks.run("stop", "s").stdout == "s has ended, SIGTERM\n"
    assert tasks.run("stop", "s").stdout == "s is stopped\n"
    assert json.loads(tasks.run("--json", "start", "s").stdout)["type"] == "started"
    [task] = [one for one in json.loads(tasks.run("list", "--json").stdout) if one["task_id"] == "s"]
    assert (task["command"], task["args"], task["worker_state"]) == ("sleep", ["1000"], "running")
    tasks.run("stop", "s")


def test_logs_show_what_is_kept_and_go_on_with_what_comes(tasks: Tasks, overseer: OverseerStand) -> None:
    with overseer.client() as client:
        client.ask("start", task_id="l", command="printf", args=["one\\ntwo\\033[2J\\n"])
        client.until("exited", task_id="l")
    done = tasks.run("logs", "l")
    assert (done.returncode, done.stdout) == (0, "one\ntwo·[2J\n")
    assert done.stderr == "ccmux: l has ended, exit code 0\n"
    assert [json.loads(line)["seq"] for line in tasks.run("logs", "--json", "l").stdout.splitlines()[:2]] == [
        1,
        2,
    ]


def test_logs_follow(project: Project, overseer: OverseerStand, tasks: Tasks) -> None:
    project.environment["CCMUX_SECRETS_DIR"] = str(overseer.folder / "secrets")
    with overseer.client() as client:
        client.ask("start", task_id="f", command="cat", args=["/dev/null"])
        client.until("exited", task_id="f")
        with project.start("tasks", "--url", tasks.url, "logs", "-f", "f") as following:
            assert following.stdout is not None
            assert following.stderr is not None
            assert following.stderr.readline() == "ccmux: f has ended, exit code 0\n"
            client.ask("start", task_id="f", command="echo", args=["later"])
            assert following.stdout.readline() == "later\n"
            following.terminate()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("logs", "nobody"), "there is no task nobody; `ccmux tasks --url ws://"),
        (("reset", "nobody"), "there is no task nobody; `ccmux tasks --url ws://"),
        (("stop", "nobody"), "there is no task nobody; `ccmux tasks --url ws://"),
        (("start", "nobody"), "there is no task 'nobody'; to make it, give its command behind --"),
        (("start", "x", "--", "no-such-program"), "cannot start no-such-program: No such file or directory"),
    ],
)
def test_what_is_refused(tasks: Tasks, words: tuple[str, ...], says: str) -> None:
    done = tasks.run(*words)
    assert done.returncode == 1
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("words", [("start",), ("stop",), ("dance",), ("list", "x"), ("stop", "a", "b")])
def test_usage(tasks: Tasks, words: tuple[str, ...]) -> None:
    assert tasks.run(*words).returncode == 2


def test_without_a_daemon_it_says_how_to_start_one(project: Project) -> None:
    project.config.write_text(project.config.read_text() + "[mcp]\nport = 1\n")
    done = project.run("tasks")
    assert done.returncode == 1
    assert "127.0.0.1:1" in done.stderr
    assert "start it with `ccmux`" in done.stderr


@pytest.mark.parametrize("url", ["foo", "http://127.0.0.1:8080/ws", "127.0.0.1:8080"])
def test_what_is_no_websocket_url_says_what_it_must_be(project: Project, url: str) -> None:
    done = project.run("tasks", "--url", url)
    assert done.returncode == 2
    assert f"--url: must be ws://HOST:PORT/ws, it is '{url}'" in done.stderr


def test_without_an_overseer_at_the_url_it_says_which_program_answers_there(project: Project) -> None:
    done = project.run("tasks", "--url", "ws://127.0.0.1:1/ws")
    assert done.returncode == 1
    assert done.stderr.startswith("ccmux: no overseer answers at ws://127.0.0.1:1/ws (")
    assert done.stderr.endswith(
        "start it with `ccmux-overseer`, or see that the URL is its ws://HOST:PORT/ws\n"
    )


def test_a_token_that_is_not_the_right_one_says_so(project: Project, overseer: OverseerStand) -> None:
    secrets = project.data.parent / "secrets"
    secrets.mkdir(mode=0o700)
    (secrets / "api_token").touch(mode=0o600)
    (secrets / "api_token").write_text("other\n")
    done = project.run("tasks", "--url", f"ws://127.0.0.1:{overseer.port}/ws")
    assert done.returncode == 1
    assert "this is not the token" in done.stderr


def test_a_port_of_another_program(project: Project, overseer: OverseerStand) -> None:
    done = project.run("tasks", "--url", f"ws://127.0.0.1:{overseer.port}/elsewhere")
    assert done.returncode == 1
    assert "no WebSocket here" in done.stderr


def test_a_task_in_words() -> None:
    task = {
        "task_id": "t",
        "state": "active",
        "command": "sh",
        "args": ["-c", "x\n"],
        "current_pid": 7,
        "worker_state": "running",
        "restart_count": 2,
        "last_started_at": rfc3339(1_000.0),
    }
    line = told(task, now_s=1_090.0)
    assert line.split(maxsplit=2) == ["t", "active", "runs, pid 7 for 1 min, 2 restarts: sh -c x"]
    ended = {**task, "worker_state": "exited", "last_exited_at": rfc3339(1_060.0), "last_exit_code": 3}
    assert "ended 30 s ago, exit code 3" in told(ended, now_s=1_090.0)
    never = {"task_id": "t", "state": "errored", "command": "x", "error_message": "no such program"}
    assert told(never, now_s=0.0).endswith("not started, no such program: x")
